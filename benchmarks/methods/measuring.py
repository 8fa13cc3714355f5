"""What is measured: one question, every setting in turn, beside the same baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.methods.contenders import Setting
from embedded_model.evaluate import room
from embedded_model.questions import Question
from vtw_core.compare.methods import compare_methods
from vtw_core.model import VisionLanguageModel
from vtw_core.results.comparison import MethodComparison, MethodEntry
from vtw_core.results.comparison_checks import MOST_METHODS
from vtw_core.results.equal_budget import Measure
from vtw_core.strategies.method import Method

Values = dict[Measure, float]


def measure(
    vlm: VisionLanguageModel,
    picture: Any,
    question: Question,
    number: int,
    settings: Sequence[Setting],
) -> list[Values]:
    """Every setting on one question, in the order of the settings, the baseline first.

    Args:
        number: of the question; the random controls' seed.
    """
    schedules: dict[int | None, tuple[int, ...]] = {}
    values: dict[int, Values] = {}
    for places in _turns(settings):
        methods = [
            Method(str(place), settings[place].on(number, schedules.get(settings[place].follows)))
            for place in places
        ]
        compared = compare_methods(
            vlm, picture, question.text, methods,
            max_new_tokens=room(vlm, question.answer), timed=1,
        )  # fmt: skip
        values[0] = _values(compared.baseline, compared, question)
        for place, entry in zip(places, compared.entries, strict=True):
            schedules[place] = entry.visual_tokens_per_layer
            values[place] = _values(entry, compared, question)
    return [values[place] for place in range(len(settings))]


def _turns(settings: Sequence[Setting]) -> Iterator[list[int]]:
    """Places of those that run together, each time with a baseline: the controls come after those
    whose tokens per layer they take."""
    for has_schedule in (False, True):
        places = [
            place
            for place, one in enumerate(settings)
            if place and (one.follows is not None) == has_schedule
        ]
        for start in range(0, len(places), MOST_METHODS):
            yield places[start : start + MOST_METHODS]


def _values(one: MethodEntry, compared: MethodComparison, question: Question) -> Values:
    none = compared.baseline
    return {
        "right": float(one.answer == question.answer and one.stopped),
        "same": float(compared.same_answer(one)),
        "kl_answer": float(one.kl_positions_reverse.mean()),
        "kl_first": float(one.kl_positions_reverse[0]),
        "visual_tokens": one.mean_visual_tokens,
        "flops": one.flops / none.flops,
        "kv_bytes": one.kv_bytes / none.kv_bytes,
        "prefill_time": one.seconds.prefill / none.seconds.prefill,
        "whole_time": _whole(one, none) / _whole(none, none),
    }


def _whole(one: MethodEntry, none: MethodEntry) -> float:
    """Seconds of an answer as long as the baseline's, at a method's own pace: a shorter answer is
    no faster method. Where the answer is a single token, the baseline's pace is used."""
    paced = one if len(one.token_ids) > 1 else none
    steps = len(paced.token_ids) - 1
    pace = paced.seconds.decode / steps if steps else 0.0
    further = len(none.token_ids) - 1
    return one.seconds.encode + one.seconds.prefill + pace * further
