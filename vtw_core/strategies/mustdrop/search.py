"""Find gamma and alpha for a target number of visual tokens, from recorded filter attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vtw_core.errors import InputError
from vtw_core.results.trace import Trace, VisualAttention
from vtw_core.strategies.base import Trials

if TYPE_CHECKING:
    from vtw_core.strategies.mustdrop.strategy import MustDrop

# Visual tokens, mean over layers and samples; nearer than this no further round is needed.
NEAR = 0.5
ROUNDS = 6
"""Searches at most; the first one alone is up to a few tokens beside its target."""
_HALVINGS = 100


@dataclass(frozen=True)
class Fit:
    """Thresholds for a target number of visual tokens (mean over layers and samples).

    Attributes:
        strategy: with the thresholds found.
        predicted: tokens by the attention of runs that drop none.
        measured: tokens in runs under these thresholds.
    """

    strategy: MustDrop
    predicted: float
    measured: float


def fit(
    strategy: MustDrop,
    trials: Trials,
    target: float,
    *,
    rounds: int = ROUNDS,
    nearest: bool = False,
) -> Fit:
    """One prefill of each sample to record, and one for each round to measure.

    Args:
        strategy: its gamma and alpha say in which proportion they stand; see `find_thresholds`.
        target: number of visual tokens, mean over the decoder's layers and the samples.
        rounds: searches at most; each further one aims beside the target by as much as the one
            before measured beside it, and the thresholds that measured nearest count.
        nearest: whether a target out of reach becomes the nearest in reach.

    Raises:
        InputError: the target is out of reach.
    """  # fmt: skip
    traces = trials.traces(recorder_of(strategy))
    least, most = tokens_in_reach(strategy, traces)
    if nearest:
        target = min(max(target, least), most)
    fits: list[Fit] = []
    aim = target
    for _ in range(rounds):
        found = find_thresholds(strategy, traces, aim)
        runs = [one.visual_tokens_per_layer for one in trials.traces(found.strategy)]
        fits.append(Fit(found.strategy, found.tokens, float(np.mean(runs))))
        beside = target - fits[-1].measured
        if abs(beside) <= NEAR:
            break
        aim = min(max(aim + beside, least), most)
    return min(fits, key=lambda one: abs(one.measured - target))


@dataclass(frozen=True)
class Found:
    """What the search came to.

    Attributes:
        strategy: with the thresholds found.
        tokens: the predicted number of visual tokens, mean over layers and samples.
    """

    strategy: MustDrop
    tokens: float


def recorder_of(strategy: MustDrop) -> MustDrop:
    """The same, but dropping nothing in the decoder: its traces are what the search needs."""
    return replace(strategy, gamma=0.0, alpha=0.0, cache=False)


def predicted_tokens(strategy: MustDrop, trace: Trace) -> tuple[int, ...]:
    """[L] visual tokens that the filters would leave, by the attention of a run that dropped none.

    Exact up to the layer after the first filter. After it the recorded rows still give weight to
    tokens that would have left, so that the numbers are an estimate.
    """
    alive, counts = trace.layout.visual, []
    for layer in range(len(trace.kept)):
        counts.append(len(alive))
        attention = trace.attention.get(layer)
        if attention is not None:
            weights = attention.weights[:, np.isin(attention.columns, alive)]
            left = VisualAttention(layer, attention.rows, alive, weights)
            alive = strategy.kept_after(left, trace.layout)
    return tuple(counts)


def tokens_in_reach(strategy: MustDrop, traces: Sequence[Trace]) -> tuple[float, float]:
    """The least and the most visual tokens that some thresholds leave, mean over layers and
    samples; arguments and errors of `find_thresholds`."""
    if not traces:
        raise InputError("The search needs the trace of one sample at least.")
    if min(strategy.gamma, strategy.alpha) <= 0:
        raise InputError(
            "gamma and alpha must be greater than 0: the search scales both by one factor."
        )
    least = _scaled(strategy, traces, _everything_falls(strategy))
    return least.tokens, _scaled(strategy, traces, 0.0).tokens


def _scaled(strategy: MustDrop, traces: Sequence[Trace], factor: float) -> Found:
    scaled = replace(strategy, gamma=strategy.gamma * factor, alpha=strategy.alpha * factor)
    return Found(scaled, float(np.mean([predicted_tokens(scaled, one) for one in traces])))


def _everything_falls(strategy: MustDrop) -> float:
    """A factor beyond which all falls that may: shares and weights are 1 at most."""
    return 2 / min(strategy.gamma, strategy.alpha)


def find_thresholds(strategy: MustDrop, traces: Sequence[Trace], target: float) -> Found:
    """Scale a strategy's gamma and alpha by one common factor until the target is met.

    Greater thresholds drop more in each filter, so the factor is found by bisection: one end
    always predicts at least `target` tokens, the other fewer. The number moves in steps; of the
    two numbers around the target the nearer one is taken.

    Args:
        strategy: gamma and alpha, both greater than 0, say in which proportion they stand.
        traces: one of each sample, run under `recorder_of(strategy)`.
        target: number of visual tokens, mean over the decoder's layers and the samples.

    Raises:
        InputError: the target is out of reach, which names what is in reach: every token at most;
            at least those in the layers up to the first filter, and the key set.
    """

    def at(factor: float) -> Found:
        return _scaled(strategy, traces, factor)

    least, most = tokens_in_reach(strategy, traces)
    low, high = 0.0, _everything_falls(strategy)
    if not least <= target <= most:
        raise InputError(
            "{target:g} visual tokens per layer are out of reach: on these samples the filters "
            "can leave {least:.1f} to {most:.1f}. Ask for a number in between, or choose other "
            "filter layers.",
            target=target,
            least=least,
            most=most,
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if at(middle).tokens >= target:
            low = middle
        else:
            high = middle
    return min(at(low), at(high), key=lambda found: abs(found.tokens - target))
