"""Find MustDrop's thresholds for a model: record its filters' attention, search, and measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vtw_core.engine.generation import Prepared, prepare, stream
from vtw_core.results.trace import Trace
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.method import Method
from vtw_core.strategies.mustdrop.search import find_thresholds, recorder_of, tokens_in_reach
from vtw_core.strategies.mustdrop.strategy import MustDrop

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

# Visual tokens, mean over layers and samples; nearer than this no further round is needed.
NEAR = 0.5
ROUNDS = 6
"""Searches at most; the first one alone is up to a few tokens beside its target."""


@dataclass(frozen=True)
class Fit:
    """Thresholds for a wanted number of visual tokens (mean over layers and samples).

    Attributes:
        strategy: with the thresholds found.
        predicted: tokens by the attention of runs that drop none.
        measured: tokens in runs under these thresholds.
    """

    strategy: MustDrop
    predicted: float
    measured: float


def fit_mustdrop(
    vlm: VisionLanguageModel,
    samples: Sequence[tuple[Any, str]],
    target: float,
    strategy: MustDrop,
    *,
    rounds: int = ROUNDS,
    nearest: bool = False,
) -> Fit:
    """One prefill of each sample to record, and one for each round to measure.

    Args:
        samples: (image, prompt).
        target: wanted visual tokens, mean over the decoder's layers and the samples.
        strategy: its gamma and alpha say in which proportion they stand; see `find_thresholds`.
        rounds: searches at most; each further one aims beside the target by as much as the one
            before measured beside it, and the thresholds that measured nearest count.
        nearest: whether a target out of reach becomes the nearest in reach.

    Raises:
        InputError: the target is out of reach; or bad samples.
        ModelError: the strategy does not fit the model.
    """
    strategy.check(vlm.layers)
    prompts = [prepare(vlm, image, prompt, strategy) for image, prompt in samples]
    recorder = recorder_of(strategy)
    traces = [_trace(vlm, one, recorder) for one in prompts]
    least, most = tokens_in_reach(strategy, traces)
    if nearest:
        target = min(max(target, least), most)
    fits: list[Fit] = []
    aim = target
    for _ in range(rounds):
        found = find_thresholds(strategy, traces, aim)
        runs = [_trace(vlm, one, found.strategy).visual_tokens_per_layer for one in prompts]
        fits.append(Fit(found.strategy, found.tokens, float(np.mean(runs))))
        beside = target - fits[-1].measured
        if abs(beside) <= NEAR:
            break
        aim = min(max(aim + beside, least), most)
    return min(fits, key=lambda fit: abs(fit.measured - target))


def fitted(
    vlm: VisionLanguageModel, image: Any, prompt: str, method: Method, *, nearest: bool = False
) -> Strategy:
    """The method's strategy, its thresholds found for this question if it names a number of tokens.

    Args:
        nearest: as in `fit_mustdrop`.

    Raises:
        InputError: as `fit_mustdrop`.
    """
    if method.tokens is None or not isinstance(method.strategy, MustDrop):
        return method.strategy
    sample = [(image, prompt)]
    return fit_mustdrop(vlm, sample, method.tokens, method.strategy, nearest=nearest).strategy


def _trace(vlm: VisionLanguageModel, prepared: Prepared, strategy: MustDrop) -> Trace:
    (step,) = stream(vlm, prepared, strategy, 1)
    return step.trace
