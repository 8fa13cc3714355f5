"""What is measured: one question, every contender in turn, against the same baseline answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.methods.contenders import Setting
from embedded_model.evaluate import room
from embedded_model.questions import Question
from vtw_core.analysis.cost import flops_per_layer_counts, kv_bytes_per_layer
from vtw_core.analysis.kl import kl_divergence
from vtw_core.equal_budget import Measure
from vtw_core.generation import Prepared, Step, prepare, stream
from vtw_core.models.vlm import VisionLanguageModel
from vtw_core.sampling import Forced
from vtw_core.strategies.base import MergesImage, Strategy
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.trace import Trace

Values = dict[Measure, float]


@dataclass(frozen=True, eq=False)
class _Baseline:
    """The full model's own answer, which every contender is then given."""

    ids: tuple[int, ...]
    logits: NDArray[np.float32]
    right: bool


@dataclass(frozen=True, eq=False)
class _Ran:
    """One contender, given the baseline's answer."""

    logits: NDArray[np.float32]
    trace: Trace
    right: bool
    same: bool
    prefill: float
    whole: float


def measure(
    vlm: VisionLanguageModel,
    picture: Any,
    question: Question,
    number: int,
    settings: Sequence[Setting],
) -> list[Values]:
    """Every setting on one question, in the order of the settings.

    They take turns in an order drawn anew for each question; the controls come behind those that
    they follow. All are given the baseline's answer, so that their times are of the same work.
    Where a setting would have gone another way, it runs once more, freely, for its own answer.
    """
    plain = prepare(vlm, picture, question.text)
    limit = room(vlm, question.answer)
    steps = list(stream(vlm, plain, KeepAll(), limit))
    baseline = _Baseline(
        tuple(step.token_id for step in steps), _logits(steps), _is_right(steps, question.answer)
    )
    turns = list(range(len(settings)))
    random.Random(number).shuffle(turns)
    turns.sort(key=lambda place: settings[place].follows is not None)
    ran: dict[int, _Ran] = {}
    for place in turns:
        followed = settings[place].follows
        schedule = () if followed is None else ran[followed].trace.visual_tokens_per_layer
        strategy = settings[place].on(number, schedule)
        merges = isinstance(strategy, MergesImage) and strategy.vision is not None
        prepared = prepare(vlm, picture, question.text, strategy) if merges else plain
        ran[place] = _run(vlm, prepared, strategy, baseline, question.answer, limit)
    return [_values(vlm, ran[place], ran[0], baseline) for place in range(len(settings))]


def _run(
    vlm: VisionLanguageModel,
    prepared: Prepared,
    strategy: Strategy,
    baseline: _Baseline,
    answer: str,
    limit: int,
) -> _Ran:
    steps = list(stream(vlm, prepared, strategy, len(baseline.ids), Forced(baseline.ids)))
    logits = _logits(steps)
    # Greedy decoding gives the forced answer just where each of its tokens is the likeliest.
    same = bool((logits.argmax(axis=-1) == baseline.ids).all())
    right = (
        baseline.right
        if same
        else _is_right(list(stream(vlm, prepared, strategy, limit)), answer)
    )
    return _Ran(
        logits=logits,
        trace=steps[0].trace,
        right=right,
        same=same,
        prefill=steps[0].seconds,
        whole=prepared.encode_seconds + sum(step.seconds for step in steps),
    )


def _logits(steps: Sequence[Step]) -> NDArray[np.float32]:
    return np.stack([step.logits for step in steps])


def _is_right(steps: Sequence[Step], answer: str) -> bool:
    return steps[-1].text == answer and steps[-1].stopped


def _values(vlm: VisionLanguageModel, one: _Ran, none: _Ran, baseline: _Baseline) -> Values:
    kl = kl_divergence(baseline.logits, one.logits)
    return {
        "right": float(one.right),
        "same": float(one.same),
        "kl_answer": float(kl.mean()),
        "kl_first": float(kl[0]),
        "visual_tokens": float(np.mean(one.trace.visual_tokens_per_layer)),
        "flops": _flops(vlm, one.trace) / _flops(vlm, none.trace),
        "kv_bytes": _kv_bytes(vlm, one.trace) / _kv_bytes(vlm, none.trace),
        "prefill_time": one.prefill / none.prefill,
        "whole_time": one.whole / none.whole,
    }


def _flops(vlm: VisionLanguageModel, trace: Trace) -> float:
    return flops_per_layer_counts(vlm.dims, trace.tokens_per_layer)


def _kv_bytes(vlm: VisionLanguageModel, trace: Trace) -> int:
    width = vlm.model.dtype.itemsize
    return sum(kv_bytes_per_layer(vlm.dims, n, width) for n in trace.cached_tokens_per_layer)
