"""Find MustDrop's thresholds for a model: record its filters' attention, search, and measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vtw_core.generation import Prepared, prepare, stream
from vtw_core.models.vlm import VisionLanguageModel
from vtw_core.strategies.mustdrop.search import find_thresholds, recorder_of
from vtw_core.strategies.mustdrop.strategy import MustDrop
from vtw_core.trace import Trace


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
) -> Fit:
    """Two prefills of each sample: one to record, one to measure.

    Args:
        samples: (image, prompt).
        target: wanted visual tokens, mean over the decoder's layers and the samples.
        strategy: its gamma and alpha say in which proportion they stand; see `find_thresholds`.

    Raises:
        InputError: the target is out of reach; or bad samples.
        ModelError: the strategy does not fit the model.
    """
    strategy.check(vlm.layers)
    prompts = [prepare(vlm, image, prompt, strategy) for image, prompt in samples]
    recorder = recorder_of(strategy)
    found = find_thresholds(strategy, [_trace(vlm, one, recorder) for one in prompts], target)
    runs = [_trace(vlm, one, found.strategy).visual_tokens_per_layer for one in prompts]
    return Fit(found.strategy, found.tokens, float(np.mean(runs)))


def _trace(vlm: VisionLanguageModel, prepared: Prepared, strategy: MustDrop) -> Trace:
    (step,) = stream(vlm, prepared, strategy, 1)
    return step.trace
