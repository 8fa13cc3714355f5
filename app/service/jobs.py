"""What is done with the model: each job takes it and plain arguments and yields plain results.

So a job can run in this process or, arguments and results pickled, in another that holds the same
model (`app.service.zero_gpu`). What brings torch is imported when a job runs.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from vtw_core.pictures.counterfactual_images import MADE
from vtw_core.results.fates import TokenFates

if TYPE_CHECKING:
    from vtw_core.data.dataset import Item
    from vtw_core.model import VisionLanguageModel
    from vtw_core.results.calibration import Calibration
    from vtw_core.results.events import Event, MethodEvent, Progress
    from vtw_core.results.generation import Generation
    from vtw_core.results.run import Run
    from vtw_core.strategies.method import Method
    from vtw_core.strategies.mustdrop import MustDrop

COUNTERFACTUALS = tuple(MADE)


def explore(
    vlm: VisionLanguageModel, image: str | Sequence[str], prompt: str, answer_tokens: int
) -> Generator[Event, None, None]:
    """Everything the page shows of a question, the run at the end."""
    yield from vlm.explore_steps(
        image, prompt, max_new_tokens=answer_tokens, inside=True, patch_lens=True,
        counterfactuals=COUNTERFACTUALS,
    )  # fmt: skip


def explore_outside(
    vlm: VisionLanguageModel, image: str | Sequence[str], prompt: str, answer_tokens: int
) -> Generator[Run, None, None]:
    """One run without what happens inside."""
    yield vlm.explore(image, prompt, max_new_tokens=answer_tokens)


def explore_again(
    vlm: VisionLanguageModel, run: Run, picture: str | Sequence[str], other: str, name: str
) -> Generator[Run, None, None]:
    """A run once more, with one causal test by another image of that name."""
    yield vlm.explore(
        picture, run.prompt, max_new_tokens=run.max_new_tokens, sampling=run.sampling,
        positions=run.positions, inside=True, counterfactuals=[(name, other)],
    )  # fmt: skip


def generate(
    vlm: VisionLanguageModel,
    image: str | Sequence[str],
    prompt: str,
    method: Method,
    answer_tokens: int,
) -> Generator[Generation, None, None]:
    """One answer under one method."""
    from vtw_core.compare.threshold_search import fitted

    strategy = fitted(vlm, image, prompt, method)
    yield vlm.generate(image, prompt, strategy, answer_tokens)


def compare(
    vlm: VisionLanguageModel,
    image: str | Sequence[str],
    prompt: str,
    methods: Sequence[Method],
    answer_tokens: int,
) -> Generator[MethodEvent, None, None]:
    """Several methods beside the baseline."""
    from vtw_core.compare.methods import compare_steps

    yield from compare_steps(vlm, image, prompt, methods, max_new_tokens=answer_tokens)


def must_drop(
    vlm: VisionLanguageModel,
    image: str | Sequence[str],
    prompt: str,
    strategy: MustDrop,
    answer_tokens: int,
) -> Generator[tuple[str, TokenFates], None, None]:
    """One answer under MustDrop, and why each visual token stayed or fell."""
    made = vlm.generate(image, prompt, strategy, answer_tokens)
    yield made.answer, strategy.explain(made.trace)


def calibrate(
    vlm: VisionLanguageModel, items: Sequence[Item]
) -> Generator[Progress | Calibration, None, None]:
    """K over a set of questions."""
    from vtw_core.data.calibration import calibrate_steps

    yield from calibrate_steps(vlm, items)
