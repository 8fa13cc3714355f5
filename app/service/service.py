"""The one door to the library: jobs for the visitors' models, and the recorded examples."""

from __future__ import annotations

import filecmp
import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vtw_core.data.dataset import Item, read_items
from vtw_core.errors import InputError
from vtw_core.families.catalogue import EMBEDDED, SMOLLM2
from vtw_core.families.prompts import check_prompt
from vtw_core.results.calibration import Calibration, load_calibration
from vtw_core.results.comparison import MethodComparison, load_comparison
from vtw_core.results.equal_budget import BudgetComparison, load_budget_comparison
from vtw_core.results.run import DEFAULT_ETA, Run, load_run
from vtw_core.shipped import ASSETS, EXAMPLES
from vtw_core.strategies.mustdrop import MustDrop, VisionStage
from vtw_core.strategies.words import method_from

from ..requests.faults import within_memory
from ..requests.limits import RunLimits
from ..state import Dropped
from ..words import page as text
from . import jobs
from .models import Models
from .opened_runs import OpenedRuns
from .pool import ModelState
from .stopping import Stopping

if TYPE_CHECKING:
    from vtw_core.results.events import Event, MethodEvent, Progress
    from vtw_core.results.generation import Generation

Job = Callable[..., Generator[Any, None, None]]
"""One of `app.service.jobs`."""

CALIBRATION = ASSETS / "calibration"
BUDGETS = ASSETS / "methods.vtwb"
WEIGHTS = ASSETS / "embedded_model" / "model.safetensors"
ANSWER_TOKENS = 64
MOST_TESTS = 8


@dataclass(frozen=True)
class Example:
    """A bundled picture with a question and the run that was recorded for it."""

    title: str
    prompt: str
    image: Path
    recording: Path

    @property
    def name(self) -> str:
        """How a link calls it."""
        return self.image.stem

    @cached_property
    def run(self) -> Run:
        return load_run(self.recording)

    @cached_property
    def methods(self) -> MethodComparison | None:
        """Methods compared on it; None where no comparison was recorded."""
        path = self.recording.with_suffix(".vtwm")
        return load_comparison(path) if path.is_file() else None


def bundled_examples(folder: Path = EXAMPLES) -> tuple[Example, ...]:
    """The examples named in ``examples.json``, in its order."""
    listed = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    return tuple(
        Example(
            entry["title"], entry["prompt"], folder / f"{entry['name']}.png",
            folder / f"{entry['name']}.vtw",
        )
        for entry in listed
    )  # fmt: skip


class Service:
    """What visitors ask of models.

    The lock lets one run at a time use a model, whichever it is: on one processor two runs at once
    would both be slower, and their measured times would be wrong.

    Args:
        models: those that visitors may choose, or the source of the only one.
        eta: the threshold that the page takes until a visitor moves it, in nats.
        elsewhere: wraps what runs a job, to run it in another process that holds the same models.
        limits: how often a visitor may run it; what was refused by them is told on the page.
    """

    def __init__(
        self,
        models: Models | str = EMBEDDED,
        examples: Path = EXAMPLES,
        calibration: Path = CALIBRATION,
        budgets: Path = BUDGETS,
        answer_tokens: int = ANSWER_TOKENS,
        eta: float = DEFAULT_ETA,
        elsewhere: Callable[[Job], Job] | None = None,
        limits: RunLimits | None = None,
    ) -> None:
        self.models = Models(models) if isinstance(models, str) else models
        self.answer_tokens = answer_tokens
        self.eta = eta
        self._calibration = calibration
        self._budgets = budgets
        self.examples = bundled_examples(examples)
        # Where jobs run: in this process, or where `elsewhere` takes them.
        self._run: Job = self._run_here if elsewhere is None else elsewhere(self._run_here)
        self.stopping = Stopping()
        self.limits = RunLimits() if limits is None else limits
        self.opened = OpenedRuns()

    def example_of(self, picture: str | None) -> Example | None:
        """The bundled example whose picture this is, also a copy of it."""
        if picture is None or not Path(picture).is_file():
            return None
        same = partial(filecmp.cmp, picture, shallow=False)
        return next((example for example in self.examples if same(example.image)), None)

    @property
    def model_name(self) -> str:
        """The page's own model, for who chooses none."""
        return self.models.default

    @property
    def state(self) -> Literal["loading", "ready", "failed", "stopping"]:
        """How far it is, or that the server is being stopped."""
        return "stopping" if self.stopping.is_asked else self.models.health

    def start(self) -> None:
        """Load it in the background; the page need not wait."""
        self.models.start()

    def load(self) -> None:
        """Load it, or all where none is loaded later, before going on."""
        self.models.load()

    def wait(self, seconds: float) -> bool:
        """Whether that is over within ``seconds`` (with success or not)."""
        return self.models.wait(seconds)

    def loading(self, model: str) -> Generator[ModelState, None, None]:
        """Have a model in memory: how far it is, as `Pool.loading`.

        Raises:
            VTWError: it is not offered, could not be loaded, or the server is being stopped.
        """
        for state in self.models.loading(model):
            self.stopping.check_begin()
            yield state
        self.stopping.check_begin()

    def suggestions(self, model: str) -> tuple[str, ...]:
        """Questions that a model can be asked."""
        own = {EMBEDDED: text.SUGGESTIONS, SMOLLM2: text.SUGGESTIONS_FOR_STICKERS}
        return own.get(model, text.SUGGESTIONS_FOR_PHOTOGRAPHS)

    def _steps(self, model: str | None, job: Job, *arguments: Any) -> Generator[Any, None, None]:
        """What a job yields, one visitor at a time; None is the page's own model.

        Raises:
            VTWError: the model is not offered or could not be loaded, memory ran out, the server is
                being stopped, or as the job.
        """
        name = self.models.default if model is None else model
        self.stopping.check_begin()
        # Who waits for a model to be loaded does not hold up those whose model is there.
        with (
            self.models.using(name),
            self.models.busy,
            closing(self._run(name, job, *arguments)) as ran,
        ):
            self.stopping.check_begin()
            for step in ran:
                yield step
                self.stopping.check_go_on()

    def _run_here(self, model: str, job: Job, *arguments: Any) -> Generator[Any, None, None]:
        vlm = self.models.pool.model(model)
        with closing(within_memory(job(vlm, *arguments))) as steps:
            while True:
                # Each step may come in another thread, and torch counts threads in each separately.
                vlm.limit_threads()
                try:
                    step = next(steps)
                except StopIteration:
                    return
                yield step

    def _result(self, model: str | None, job: Job, *arguments: Any) -> Any:
        """What a job yields once."""
        (result,) = self._steps(model, job, *arguments)
        return result

    def explore(
        self, image: str | Sequence[str], prompt: str, model: str | None = None
    ) -> Generator[Event, None, None]:
        """``vtw_core.every_k.exploration.explore_steps`` on a model.

        Raises:
            VTWError: the model could not be loaded, or the image or prompt cannot be used.
        """
        yield from self._steps(model, jobs.explore, image, prompt, self.answer_tokens)

    def explored(
        self,
        image: str | Sequence[str],
        prompt: str,
        answer_tokens: int,
        model: str | None = None,
    ) -> Run:
        """Everything at every K, without what happens inside: for programs.

        Raises:
            VTWError: the model could not be loaded, or the image or prompt cannot be used.
        """
        run: Run = self._result(model, jobs.explore_outside, image, prompt, answer_tokens)
        return run

    def generate(
        self,
        image: str | Sequence[str],
        prompt: str,
        method: str,
        answer_tokens: int,
        model: str | None = None,
    ) -> Generation:
        """One answer under one method, in the words of ``method_from``.

        Raises:
            VTWError: the model could not be loaded, or the image, prompt or method cannot be used.
        """
        chosen = method_from(method)
        made: Generation = self._result(model, jobs.generate, image, prompt, chosen, answer_tokens)
        return made

    def test_image(self, run: Run, picture: str | Sequence[str], other: str, name: str) -> Run:
        """The run with one more causal test, by the model that made it: an other image, of a
        visitor's or of the examples.

        Args:
            picture: the picture that the run is about.
            name: of the other image; a test of that name is repeated.

        Raises:
            VTWError: the run's model is not offered or could not be loaded, an image cannot be
                used, or the run cannot be repeated.
        """
        # What was recorded inside is not needed to repeat a run, and would travel in vain.
        outside = replace(run, inside=None)
        model = self.models.of_run(run.model)
        again: Run = self._result(model, jobs.explore_again, outside, picture, other, name)
        before, after = run.inside, again.inside
        if before is None or after is None or again.answer_ids[-1] != run.answer_ids[-1]:
            raise InputError(text.RUN_NOT_REPEATED)
        kept = tuple(test for test in before.counterfactuals if test.name != name)
        lens = replace(before.lens, pieces=before.lens.pieces | after.lens.pieces)
        tests = (*kept[-MOST_TESTS + 1 :], *after.counterfactuals)
        return replace(run, inside=replace(before, lens=lens, counterfactuals=tests))

    def compare(
        self,
        image: str | Sequence[str],
        prompt: str,
        asked: Sequence[tuple[str, str]],
        model: str | None = None,
    ) -> Generator[MethodEvent, None, None]:
        """``vtw_core.compare.methods.compare_steps`` on a model.

        Args:
            asked: label and options of each method, as ``vtw_core compare --method`` takes them.

        Raises:
            VTWError: the model could not be loaded, or the image, prompt or options cannot be used.
        """
        methods = [replace(method_from(options), label=label) for label, options in asked]
        yield from self._steps(model, jobs.compare, image, prompt, methods, self.answer_tokens)

    def must_drop(
        self,
        image: str | Sequence[str],
        prompt: str,
        gamma: float,
        alpha: float,
        stages: str = "abc",
        model: str | None = None,
    ) -> Dropped:
        """One answer under MustDrop, with why each visual token stayed or fell.

        Args:
            stages: letters of "abc", those that run.

        Raises:
            VTWError: the model could not be loaded, the image, prompt or thresholds cannot be used,
                or a stage does not fit the model.
        """
        strategy = MustDrop(
            gamma, alpha, vision=VisionStage() if "a" in stages else None,
            prefill="b" in stages, cache="c" in stages,
        )  # fmt: skip
        answer, record = self._result(
            model, jobs.must_drop, image, prompt, strategy, self.answer_tokens
        )
        pictures = (image,) if isinstance(image, str) else tuple(image)
        return Dropped(
            record, answer, prompt, pictures, model=model, gamma=gamma, alpha=alpha, stages=stages
        )

    @cached_property
    def recorded_calibration(self) -> Calibration:
        """The embedded model on the bundled set, recorded as the set's maker says."""
        return load_calibration(self._calibration / "embedded.vtwc")

    @cached_property
    def recorded_budgets(self) -> BudgetComparison:
        """The embedded model under every method at equal budget.

        Raises:
            InputError: it is missing or cannot be read.
        """
        return load_budget_comparison(self._budgets)

    def is_of_these_weights(self, comparison: BudgetComparison) -> bool:
        """Whether a comparison was measured on the weights that are in assets/ now."""
        with WEIGHTS.open("rb") as file:
            here = hashlib.file_digest(file, "sha256").hexdigest()
        return bool(comparison.facts["weights_sha256"] == here)

    def calibrate(
        self, images: Sequence[str] | None, prompt: str = "", model: str | None = None
    ) -> Generator[Progress | Calibration, None, None]:
        """``vtw_core.data.calibration.calibrate_steps`` on a model.

        Args:
            images: each is asked ``prompt``; ``None`` takes the bundled set with its questions.

        Raises:
            VTWError: the model could not be loaded, or an image or the prompt cannot be used.
        """
        if images is None:
            items = read_items(self._calibration)
        else:
            question = check_prompt(prompt)
            items = tuple(Item(Path(image), question) for image in images)
        yield from self._steps(model, jobs.calibrate, items)
