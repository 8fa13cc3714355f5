"""Fit a strategy to a number of visual tokens on a model, by trial runs of the very prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vtw_core.engine.generation import Prepared, prepare, stream
from vtw_core.results.trace import Trace
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.method import Method
from vtw_core.strategies.mustdrop.search import ROUNDS, Fit, fit
from vtw_core.strategies.mustdrop.strategy import MustDrop

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel


@dataclass(frozen=True, eq=False)
class ModelTrials:
    """Prefills on a model: the `vtw_core.strategies.base.Trials`."""

    vlm: VisionLanguageModel
    prompts: tuple[Prepared, ...]

    @classmethod
    def of(
        cls, vlm: VisionLanguageModel, samples: Sequence[tuple[Any, str]], strategy: Strategy
    ) -> ModelTrials:
        """Of (image, prompt) samples, encoded as the strategy says.

        Raises:
            InputError: bad samples, or the strategy does not fit the model.
            ModelError: its vision stage does not.
        """
        strategy.check(vlm.layers)
        prompts = (prepare(vlm, image, prompt, strategy) for image, prompt in samples)
        return cls(vlm, tuple(prompts))

    @property
    def layers(self) -> int:
        return self.vlm.layers

    @property
    def visual(self) -> int:
        return round(float(np.mean([len(one.layout.visual) for one in self.prompts])))

    def traces(self, strategy: Strategy) -> list[Trace]:
        traces = []
        for prompt in self.prompts:
            (step,) = stream(self.vlm, prompt, strategy, 1)
            traces.append(step.trace)
        return traces


def fit_mustdrop(
    vlm: VisionLanguageModel,
    samples: Sequence[tuple[Any, str]],
    target: float,
    strategy: MustDrop,
    *,
    rounds: int = ROUNDS,
    nearest: bool = False,
) -> Fit:
    """MustDrop's thresholds for a number of visual tokens, by `search.fit` on some samples.

    Args:
        samples: (image, prompt).
        target, strategy, rounds, nearest: as for `vtw_core.strategies.mustdrop.search.fit`.

    Raises:
        InputError: the target is out of reach; or bad samples.
        ModelError: the strategy does not fit the model.
    """
    trials = ModelTrials.of(vlm, samples, strategy)
    return fit(strategy, trials, target, rounds=rounds, nearest=nearest)


def fitted(
    vlm: VisionLanguageModel, image: Any, prompt: str, method: Method, *, nearest: bool = False
) -> Strategy:
    """The method's strategy, fitted to this question if it names a number of tokens.

    Args:
        nearest: whether a number out of reach becomes the nearest in reach.

    Raises:
        InputError: the number is out of reach; or a bad image or prompt.
    """
    if method.tokens is None:
        return method.strategy
    trials = ModelTrials.of(vlm, [(image, prompt)], method.strategy)
    return method.strategy.fitted_by(trials, method.tokens, nearest=nearest)
