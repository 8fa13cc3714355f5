"""Methods at equal budget: what is had against what is paid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vtw_core.results.equal_budget import SHORT, BudgetComparison, Contender, Estimate, Measure

from ..presenters.budget_view import (
    KLS,
    MAIN,
    X_MEASURES,
    Y_MEASURES,
    as_text,
    kind_name,
    name_of,
    rows,
    series_name,
    shown,
)
from ..words import budget as text
from ..words.library_words import worded
from . import style
from .chart import Dash, Marker, Points, Scatter, Table

FLOOR = 1e-6
"""Nats; a log axis of KL reaches down to here, or less far when nothing is so small."""
# Method -> shape; series of one method share colour and shape, and differ in dash and filling.
_MARKERS: dict[str, Marker] = {
    "none": "star", "vtw": "circle", "mustdrop": "square", "fastv": "diamond",
    "random": "triangle-up",
}  # fmt: skip
_DASHES: tuple[Dash, ...] = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Choices:
    """What is drawn; anything may come from a visitor.

    Attributes:
        kind: a kind of question, or `SHORT` for all short ones.
        measure: one of `Y_MEASURES`.
        cost: one of `X_MEASURES`.
        everything: variants and further controls too.
    """

    kind: str = SHORT
    measure: Measure = "right"
    cost: Measure = "flops"
    everything: bool = False

    def clamped(self, comparison: BudgetComparison) -> Choices:
        """The same with what is not to be had replaced by the first choice."""
        return Choices(
            self.kind if self.kind in comparison.every_kind else SHORT,
            self.measure if self.measure in Y_MEASURES else Y_MEASURES[0],
            self.cost if self.cost in X_MEASURES else X_MEASURES[0],
            bool(self.everything),
        )


def pareto(comparison: BudgetComparison, chosen: Choices) -> Points:
    """One measure against one cost, a line for each series."""
    chosen = chosen.clamped(comparison)
    ups = comparison.estimates(chosen.measure, chosen.kind)
    costs = comparison.estimates(chosen.cost, chosen.kind)
    grouped: dict[str, list[tuple[Contender, Estimate, Estimate]]] = {}
    for one, paid, had in zip(comparison.contenders, costs, ups, strict=True):
        if chosen.everything or one.series in MAIN:
            grouped.setdefault(one.series, []).append((one, paid, had))
    is_kl = chosen.measure in KLS
    points = [(one, up) for group in grouped.values() for one, _, up in group]
    kind, measure, cost = kind_name(chosen.kind), text.MEASURES[chosen.measure], chosen.cost
    return Points(
        name=f"methods_{chosen.kind}_{chosen.measure}_{cost}",
        title=_capital(
            text.CHART_TITLE.format(measure=measure, cost=text.COSTS[cost], kind=kind)
        ),
        x_label=text.AXIS_X[cost],
        y_label=text.AXIS_Y[chosen.measure],
        unit=text.NATS if is_kl else text.PERCENT,
        x_unit=text.TOKENS if cost == "visual_tokens" else text.OF_BASELINE,
        caption=text.CHART_CAPTION.format(
            questions=int(comparison.questions(chosen.kind).sum()), kind=kind,
            up=text.BETTER_DOWN if is_kl else text.BETTER_UP,
            measure=text.DEFINITIONS[chosen.measure],
            cost=text.DEFINITIONS[cost].format(convention=worded(comparison.facts["flops_convention"])),
            note=text.NOTE_LOG if is_kl else "",
        ),
        summary=_summary(comparison, chosen, grouped),
        series=tuple(_series(group, chosen) for group in grouped.values()),
        log_y=is_kl,
        y_range=_range([up for _, up in points], log=is_kl),
    )  # fmt: skip


def _series(group: list[tuple[Contender, Estimate, Estimate]], chosen: Choices) -> Scatter:
    group = sorted(group, key=lambda entry: entry[1].value)
    first = group[0][0]
    method = _method(first.series)
    place = [name for name in text.SERIES if _method(name) == method].index(first.series)
    y, low, high = np.array(
        [[shown(chosen.measure, end) for end in (up.value, up.low, up.high)] for _, _, up in group]
    ).T
    return Scatter(
        name=series_name(first),
        names=tuple(name_of(one) for one, _, _ in group),
        x=np.array([shown(chosen.cost, cost.value) for _, cost, _ in group]),
        y=y, low=low, high=high,
        color=style.METHODS[method],
        dash=_DASHES[place % len(_DASHES)],
        marker=_MARKERS[method],
        filled=place == 0,
        labels=tuple(text.K_LABEL.format(k=one.strategy["k"]) for one, _, _ in group)
        if first.series == "vtw" else (),
    )  # fmt: skip


def _summary(
    comparison: BudgetComparison,
    chosen: Choices,
    grouped: Mapping[str, Sequence[tuple[Contender, Estimate, Estimate]]],
) -> str:
    """The cheapest setting of each series drawn that is as good as the baseline."""
    eta, is_kl = comparison.facts["eta"], chosen.measure in KLS
    points = []
    for series, group in grouped.items():
        if series == "none":
            continue
        good = [
            (cost.value, one)
            for one, cost, up in group
            if (up.value <= eta if is_kl else not _behind(comparison, one, chosen))
        ]
        if not good:
            points.append(text.SUMMARY_NONE.format(name=series_name(group[0][0])))
            continue
        cost, cheapest = min(good, key=lambda pair: pair[0])
        points.append(
            text.SUMMARY_POINT.format(name=name_of(cheapest), cost=as_text(chosen.cost, cost))
        )
    form = text.SUMMARY_KL if is_kl else text.SUMMARY_CHANCE
    return form.format(eta=eta, points=text.LONG_LIST.join(points))


def _behind(comparison: BudgetComparison, one: Contender, chosen: Choices) -> bool:
    found = comparison.difference(one, comparison.baseline, chosen.measure, chosen.kind)
    return found.high < 0


def _method(series: str) -> str:
    return series.split("_")[0]


def _range(estimates: list[Estimate], *, log: bool) -> tuple[float, float]:
    """Whole decades of nats, or whole tens of percent with room for a full bar at 100."""
    if not log:
        return 10.0 * math.floor(min(one.low for one in estimates) * 10 - 1e-9), 103.0
    above = [one.value for one in estimates if one.value > 0] or [1.0]
    low = max(10.0 ** math.floor(math.log10(min(above))), FLOOR)
    high = max(one.high for one in estimates)
    return low, max(10.0 ** math.ceil(math.log10(max(high, low)) + 1e-9), low * 10)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def table(comparison: BudgetComparison, kind: str) -> Table:
    """Every contender with every measure and its interval."""
    kind = Choices(kind).clamped(comparison).kind
    methods = {_method(one.series) for one in comparison.contenders}
    return Table(
        name=f"methods_{kind}",
        title=text.TABLE_TITLE.format(kind=kind_name(kind)),
        x_label="", y_label="", unit="",
        caption=text.TABLE_CAPTION.format(
            questions=int(comparison.questions(kind).sum()), kind=kind_name(kind)
        ),
        summary=text.TABLE_SUMMARY.format(
            count=len(comparison.contenders), methods=len(methods)
        ),
        columns=text.TABLE_COLUMNS,
        rows=tuple(rows(comparison, kind)),
    )  # fmt: skip
