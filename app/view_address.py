"""What an address of the page says: which example, question, K, tab and place a visitor sees.

The browser keeps the address up to date by itself (components/share.js); the server reads it when
the page is opened, and drives the page to a step of the lesson by the same `View`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from vtw_core.analysis.rows import QUERY_ROWS, QueryRows
from vtw_core.results import Run

MOST_CHARACTERS = 8_000
"""A longer query is not read: the longest question, every character of it escaped, fits."""
LONGEST_PROMPT = 2_000
_WHOLE_NUMBERS = (
    "k", "layer", "row", "patch", "token", "head", "image", "state", "grid",
)  # fmt: skip
_WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True)
class Places:
    """Where an address can lead: names of the examples, ids of the tabs, steps of the lesson."""

    examples: tuple[str, ...]
    tabs: tuple[str, ...]
    steps: int


@dataclass(frozen=True)
class View:
    """One view of the page. None everywhere is the page as it opens; fields are an address's keys.

    Attributes:
        example: name of a bundled example; None leaves the run that is shown.
        prompt: a question of the visitor's own about it; None is the question it was recorded with.
        k: None for K*.
        eta: threshold in nats, if it was moved.
        rule: "stays_below" where that picks K*; None for the first K under η.
        tab: id of the tab in front.
        layer: decoder layer that *Attention sinks* shows.
        row: text token whose attention it shows, an index into the run's text rows.
        patch: visual token whose readers it shows, an index into the visual tokens.
        token: answer token that *Information migration* shows.
        rows: whose attention the tab in front shows: a name of `QUERY_ROWS`, or an index into the
            run's text rows.
        head: attention head that *Attention sinks* shows; None for the mean.
        withdrawn: whether it shows the image withdrawn at K.
        linear: whether what positions receive has a linear scale.
        image: counterfactual image of *Information migration*, an index.
        state: of its logit lens on patches.
        grid: patch grid of that, an index.
        lesson: step of the lesson, from 1; None while it is closed.
    """

    example: str | None = None
    prompt: str | None = None
    k: int | None = None
    eta: float | None = None
    rule: str | None = None
    tab: str | None = None
    layer: int | None = None
    row: int | None = None
    patch: int | None = None
    token: int | None = None
    rows: QueryRows | int | None = None
    head: int | None = None
    withdrawn: bool | None = None
    linear: bool | None = None
    image: int | None = None
    state: int | None = None
    grid: int | None = None
    lesson: int | None = None

    @classmethod
    def from_query(cls, query: str, places: Places) -> View:
        """Read the part of an address behind "?"; what is unknown or makes no sense is forgotten.

        Anyone can write an address, so nothing in it is an error. Of a key that occurs twice the
        first counts.
        """
        values = _first_values(query)
        lesson = _whole(values.get("lesson"))
        return cls(
            example=_one_of(values.get("example"), places.examples),
            prompt=_prompt(values.get("prompt")),
            eta=_eta(values.get("eta")),
            rule=_one_of(values.get("rule"), ("stays_below",)),
            tab=_one_of(values.get("tab"), places.tabs),
            rows=_rows(values.get("rows")),
            withdrawn=_yes(values.get("withdrawn")),
            linear=_yes(values.get("linear")),
            lesson=None if not lesson or not places.steps else min(lesson, places.steps),
            **{name: _whole(values.get(name)) for name in _WHOLE_NUMBERS},
        )

    def to_query(self) -> str:
        """The part of an address behind "?" that `from_query` reads as this view."""
        given = self._given().items()
        return urlencode({name: 1 if value is True else value for name, value in given})

    def clamped(self, run: Run) -> View:
        """The same for this run: numbers that it does not have become the nearest it has."""
        inside = run.inside
        rows = len(inside.attention.query_positions) if inside else 0
        most = {
            "k": run.layers, "layer": run.layers - 1, "row": rows - 1, "state": run.layers,
            "patch": run.visual_tokens - 1, "token": len(run.answer_ids[run.layers]) - 1,
            "head": inside.attention.mass.shape[1] - 1 if inside else -1,
            "image": len(inside.counterfactuals) - 1 if inside else -1,
            "grid": len(inside.grids) - 1 if inside else -1,
        }  # fmt: skip
        if isinstance(self.rows, int):
            most["rows"] = rows - 1
        found = {}
        for name, last in most.items():
            value = getattr(self, name)
            found[name] = None if value is None or last < 0 else max(0, min(value, last))
        return replace(self, **found)

    def over(self, other: View) -> View:
        """This view where it says something, the other one elsewhere."""
        return replace(other, **self._given())

    def _given(self) -> dict[str, Any]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if value is not None and value is not False
        }


def _first_values(query: str) -> Mapping[str, str]:
    if not isinstance(query, str) or len(query) > MOST_CHARACTERS:
        return {}
    try:
        found = parse_qs(query.removeprefix("?"), max_num_fields=50)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _one_of(value: str | None, known: tuple[str, ...]) -> str | None:
    return value if value in known else None


def _whole(value: str | None) -> int | None:
    return int(value) if value is not None and _WHOLE.fullmatch(value) else None


def _rows(value: str | None) -> QueryRows | int | None:
    named = next((name for name in QUERY_ROWS if name == value), None)
    return _whole(value) if named is None else named


def _yes(value: str | None) -> bool | None:
    return True if value == "1" else None


def _eta(value: str | None) -> float | None:
    try:
        eta = float(value) if value is not None and len(value) <= 24 else math.nan
    except ValueError:
        return None
    return eta if math.isfinite(eta) and eta >= 0 else None


def _prompt(value: str | None) -> str | None:
    """A question in one piece, without what no keyboard types; None when nothing is left."""
    if value is None:
        return None
    plain = "".join(" " if character.isspace() else character for character in value)
    plain = "".join(character for character in plain if character.isprintable()).strip()
    return plain[:LONGEST_PROMPT].strip() or None
