"""A comparison at equal budget in words and rows: pure functions of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vtw_core.results.equal_budget import (
    MEASURES,
    SHORT,
    TIMES,
    BudgetComparison,
    Contender,
    Estimate,
    Measure,
)

from ..words import budget as text
from ..words import page as page_text
from ..words.digits import significant
from .csv_text import csv_text

KLS: tuple[Measure, ...] = ("kl_answer", "kl_first")
Y_MEASURES: tuple[Measure, ...] = ("right", "kl_answer", "same", "kl_first")
X_MEASURES: tuple[Measure, ...] = (
    "flops", "prefill_time", "whole_time", "visual_tokens", "kv_bytes",
)  # fmt: skip
MAIN = ("none", "vtw", "mustdrop", "fastv", "random_fastv")
"""The series that tell the story; the others are variants and further controls."""
_RIVALS = ("vtw", "mustdrop", "fastv", "random_fastv")


def kind_name(kind: str) -> str:
    return text.ALL_SHORT if kind == SHORT else text.KINDS.get(kind, kind)


def series_name(one: Contender) -> str:
    """What its series is called."""
    return text.SERIES[one.series].format(k=one.strategy.get("k"))


def name_of(one: Contender) -> str:
    """The series and the setting."""
    if one.wanted is None:
        return series_name(one)
    if one.series in ("vtw", "random_vtw"):
        return text.AT_K.format(series=series_name(one), k=one.strategy["k"])
    return text.AT_BUDGET.format(series=series_name(one), wanted=one.wanted)


def shown(measure: Measure, value: float) -> float:
    """A value in the unit it is shown in: percent of all that is a share."""
    return value if measure in (*KLS, "visual_tokens") else value * 100


def as_text(measure: Measure, value: float) -> str:
    """A value in words: percent, or nats to two digits."""
    if measure in KLS:
        return significant(value)
    return f"{shown(measure, value):.0f}" + ("" if measure == "visual_tokens" else "%")


def facts(comparison: BudgetComparison) -> str:
    """On what it was measured."""
    known = comparison.facts
    return text.FACTS.format(
        **{name: known[name] for name in ("date", "model", "layers", "seed", "threads",
                                          "processor", "cores", "load", "torch", "transformers",
                                          "fit_questions")},
        visual=known["visual_tokens"], weights=known["weights_sha256"][:12],
        questions=len(comparison.kinds), per_kind=known["questions_per_kind"],
        kinds=len(comparison.every_kind),
    )  # fmt: skip


# ------------------------------------------------------------------ table
def rows(comparison: BudgetComparison, kind: str) -> list[tuple[str, ...]]:
    """One row for each contender, in the columns of ``text.TABLE_COLUMNS``."""
    by = {measure: comparison.estimates(measure, kind) for measure in MEASURES}
    shares: tuple[Measure, ...] = ("flops", "kv_bytes")
    made = []
    for place, one in enumerate(comparison.contenders):
        points = comparison.difference(one, comparison.baseline, "right", kind)
        made.append(
            (
                name_of(one),
                "" if one.wanted is None else f"{one.wanted:.0f}",
                f"{by['visual_tokens'][place].value:.1f}",
                *(f"{by[name][place].value * 100:.0f}" for name in shares),
                *(_interval(by[name][place], 100, ".0f") for name in TIMES),
                _interval(by["right"][place], 100, ".1f"),
                _interval(points, 100, "+.1f"),
                _interval(by["same"][place], 100, ".1f"),
                *(_interval(by[name][place], 1, ".2g") for name in KLS),
            )
        )  # fmt: skip
    return made


def _interval(estimate: Estimate, scale: float, form: str) -> str:
    value, low, high = (
        format(end * scale + 0.0, form) for end in (estimate.value, estimate.low, estimate.high)
    )
    return text.INTERVAL.format(value=value, low=low, high=high)


def numbers_csv(comparison: BudgetComparison) -> str:
    """Every contender, group of questions and measure, one row each."""
    return csv_text(
        ("series", "method", "wanted", "questions", "measure", "value", "low", "high"),
        _numbers(comparison),
    )


def _numbers(comparison: BudgetComparison) -> Iterator[Sequence[Any]]:
    for kind in (SHORT, *comparison.every_kind):
        for measure in MEASURES:
            estimates = comparison.estimates(measure, kind)
            for one, estimate in zip(comparison.contenders, estimates, strict=True):
                wanted = "" if one.wanted is None else one.wanted
                yield [one.series, name_of(one), wanted, kind, measure, estimate.value,
                       estimate.low, estimate.high]  # fmt: skip


# ------------------------------------------------------------------ what it comes to
def reading(comparison: BudgetComparison) -> list[str]:
    """What wins where, sentence by sentence, all of it worked out from the numbers."""
    star = comparison.facts["k_star"]
    at_star = {one.series: one for one in comparison.at(_vtw(comparison, star).wanted)}
    least = min(one.wanted or 0 for one in _of(comparison, "vtw") if one.wanted)
    at_least = {one.series: one for one in comparison.at(least)}
    told_of = [_scores(comparison, text.AT_STAR, SHORT, at_star)]
    if least != at_star["vtw"].wanted:
        told_of.append(_scores(comparison, text.AT_LEAST, SHORT, at_least))
    told_of += [_scores(comparison, text.AT_STAR, kind, at_star) for kind in comparison.long_kinds]
    return [*told_of, _control(comparison), _times(comparison, at_star)]


def stages(comparison: BudgetComparison) -> str:
    """What each stage of MustDrop adds, and which budgets it cannot be set to."""
    at = {
        one.series: one
        for one in comparison.at(_vtw(comparison, comparison.facts["k_star"]).wanted)
    }
    right, tokens, kv = (
        _values(comparison, measure, SHORT) for measure in ("right", "visual_tokens", "kv_bytes")
    )
    found = [
        text.STAGE.format(name=series_name(at[series]), value=as_text("right", right[at[series]]),
                          tokens=tokens[at[series]], kv=as_text("kv_bytes", kv[at[series]]))
        for series in ("mustdrop_b", "mustdrop_ab", "mustdrop") if series in at
    ]  # fmt: skip
    words = [text.STAGES.format(stages=text.LONG_LIST.join(found))] if found else []
    for series in dict.fromkeys(series for series, _ in comparison.out_of_reach):
        wanted = [f"{tokens:.0f}" for name, tokens in comparison.out_of_reach if name == series]
        words.append(
            text.OUT_OF_REACH.format(series=text.SERIES[series], wanted=text.LIST.join(wanted))
        )
    return page_text.BETWEEN_SENTENCES.join(words)


def _of(comparison: BudgetComparison, series: str) -> list[Contender]:
    return [one for one in comparison.contenders if one.series == series]


def _vtw(comparison: BudgetComparison, k: int) -> Contender:
    return next(one for one in _of(comparison, "vtw") if one.strategy["k"] == k)


def _scores(comparison: BudgetComparison, form: str, kind: str, at: dict[str, Contender]) -> str:
    """The rivals' accuracy at one budget, and which differ from VTW beyond chance."""
    right = _values(comparison, "right", kind)
    kl = _values(comparison, "kl_answer", kind)
    rivals = [series for series in _RIVALS if series in at]
    scores = [
        text.SCORE.format(name=text.SHORT_NAMES[series], value=as_text("right", right[at[series]]),
                          kl=as_text("kl_answer", kl[at[series]]))
        for series in rivals
    ]  # fmt: skip
    found: dict[int, list[str]] = {1: [], -1: [], 0: []}
    for series in rivals[1:]:
        sign = _sign(comparison, at[series], at["vtw"], kind)
        found[sign].append(text.SHORT_NAMES[series])
    better, worse, undecided = (text.LIST.join(found[sign]) or text.NOBODY for sign in (1, -1, 0))
    on = (
        text.ON_LONG.format(kind=kind_name(kind))
        if kind in comparison.long_kinds
        else text.ON_SHORT
    )
    return text.SCORES.format(
        where=form.format(
            on=on, tokens=at["vtw"].wanted, visual=comparison.facts["visual_tokens"],
            k=at["vtw"].strategy["k"],
        ),
        verdict=text.VERDICT.format(better=better, worse=worse, open=undecided),
        scores=text.LIST.join(scores),
    )  # fmt: skip


def _sign(comparison: BudgetComparison, one: Contender, other: Contender, kind: str) -> int:
    """1 if `one` is right more often than `other` beyond chance, -1 if less often, else 0."""
    found = comparison.difference(one, other, "right", kind)
    return 1 if found.low > 0 else -1 if found.high < 0 else 0


def _values(comparison: BudgetComparison, measure: Measure, kind: str) -> dict[Contender, float]:
    pairs = zip(comparison.contenders, comparison.estimates(measure, kind), strict=True)
    return {one: estimate.value for one, estimate in pairs}


def _control(comparison: BudgetComparison) -> str:
    """At how many budgets choosing beats chance, and chance beats choosing."""

    def signs(series: str, control: str) -> list[int]:
        chance = {one.wanted: one for one in _of(comparison, control)}
        return [
            _sign(comparison, one, chance[one.wanted], SHORT)
            for one in _of(comparison, series)
            if one.wanted in chance
        ]

    found = [
        (_of(comparison, series), signs(series, control))
        for series, control in (
            ("vtw", "random_fastv"), ("mustdrop", "random_mustdrop"), ("fastv", "random_fastv"),
        )
    ]  # fmt: skip
    methods = [
        text.AGAINST_CHANCE.format(
            name=series_name(of[0]), ahead=each.count(1), behind=each.count(-1), of=len(each)
        )
        for of, each in found
        if each
    ]
    return text.CONTROL.format(methods=text.LONG_LIST.join(methods))


def _times(comparison: BudgetComparison, at: dict[str, Contender]) -> str:
    flops, prefill, whole = (
        _values(comparison, measure, SHORT) for measure in ("flops", "prefill_time", "whole_time")
    )
    rivals = [(series, at[series]) for series in _RIVALS if series in at]
    costs = [
        text.COST.format(
            name=text.SHORT_NAMES[series], flops=as_text("flops", flops[one]),
            prefill=as_text("prefill_time", prefill[one]), whole=as_text("whole_time", whole[one]),
        )
        for series, one in rivals
    ]  # fmt: skip
    slower = all(prefill[one] > flops[one] for _, one in rivals)
    form = text.TIMES_LESS if slower else text.TIMES
    return form.format(costs=text.LONG_LIST.join(costs))
