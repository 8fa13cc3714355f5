"""Axes of Plotly figures: numbers, decades and words along them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from ..words.digits import decade
from . import style

_MOST_TICKS = 9  # that many numbers stand beside each other on a phone
_MOST_COUNTED = 5  # places between two numbers that can still be counted
_STEPS = (1, 2, 4, 5, 8, 10, 16, 20, 40, 100)
_MOST_NAMES = 48  # words along an axis, slanting
_POWERS = range(-16, 13)  # of ten; on a logarithmic axis


def decades() -> dict[str, Any]:
    """Ticks of a logarithmic axis at whole decades, told as the page tells numbers."""
    return {
        "tickmode": "array", "tickvals": [10.0**power for power in _POWERS], "minor": {"ticks": ""},
        "ticktext": [decade(power) for power in _POWERS],
    }  # fmt: skip


def titled_axis(title: str) -> dict[str, Any]:
    """An axis with its title."""
    return {
        "title": {"text": escape(title), "font": {"size": style.TITLE_SIZE}},
        "gridcolor": style.GRID, "zerolinecolor": style.GRID,
        "linecolor": style.GRID, "tickfont": {"size": style.TICK_SIZE},
    }  # fmt: skip


def number_axis(drawn: go.Figure, places: Sequence[float]) -> None:
    """Whole numbers along x, with room for half a step at both ends."""
    low, high = min(places), max(places)
    step = next((s for s in _STEPS if (high - low) / s <= _MOST_TICKS), _STEPS[-1])
    drawn.update_xaxes(dtick=step, tick0=0, tickangle=0, range=[low - 0.55, high + 0.55])
    if 1 < step <= _MOST_COUNTED:  # so that a layer without a number can be found by counting
        drawn.update_xaxes(minor={"dtick": 1, "tick0": 0, "ticks": "outside", "ticklen": 4,
                                  "tickcolor": style.TICK})  # fmt: skip


def name_axis(drawn: go.Figure, axis: str, names: tuple[str, ...], ticks: Any) -> None:
    """Words along an axis: some places with theirs, or of ``names`` as many as there is room."""
    if ticks is None:
        step = max(1, math.ceil(len(names) / _MOST_NAMES))
        ticks = [(place, names[place]) for place in range(0, len(names), step)]
        slanting = {"autotickangles": [0, -50]} if axis == "x" else {"tickangle": 0}
        drawn.update_layout({f"{axis}axis": slanting})
    places = {"tickmode": "array", "tickvals": [place for place, _ in ticks],
              "ticktext": [escape(words) for _, words in ticks]}  # fmt: skip
    font = {"tickfont": {"size": 11}, "automargin": True}
    drawn.update_layout({f"{axis}axis": {**places, **font}})
