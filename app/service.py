"""The one door to the library: the model, loaded behind the page, and the recorded examples."""

from __future__ import annotations

import filecmp
import hashlib
import json
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app import jobs, text
from app.faults import within_memory
from app.library_words import worded
from app.limits import RunLimits
from app.state import Dropped
from app.stopping import Stopping
from vtw_core import load_model
from vtw_core.calibrated import Calibration, load_calibration
from vtw_core.comparison import MethodComparison, load_comparison
from vtw_core.dataset import Item, read_items
from vtw_core.equal_budget import BudgetComparison, load_budget_comparison
from vtw_core.errors import InputError, ModelError, VTWError
from vtw_core.models.loading import EMBEDDED
from vtw_core.models.prompts import check_prompt
from vtw_core.results import Run, load_run
from vtw_core.strategies.mustdrop import MustDrop, VisionStage
from vtw_core.strategy_options import method_from

if TYPE_CHECKING:
    from vtw_core.events import Event, MethodEvent, Progress
    from vtw_core.generated import Generation
    from vtw_core.models.vlm import VisionLanguageModel

Job = Callable[..., Generator[Any, None, None]]
"""One of `app.jobs`."""
log = logging.getLogger(__name__)

EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"
CALIBRATION = EXAMPLES.parent / "calibration"
BUDGETS = EXAMPLES.parent / "methods.json"
WEIGHTS = EXAMPLES.parent / "embedded_model" / "model.safetensors"
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
    """One model for all visitors.

    Loading begins in the background with ``start`` so that the page need not wait for it. The lock
    lets one run at a time use the model: on one processor two runs at once would both be slower,
    and their measured times would be wrong.

    Args:
        elsewhere: wraps what runs a job, to run it in another process that holds the same model.
        limits: how often a visitor may run it; what was refused by them is told on the page.
    """

    def __init__(
        self,
        model_name: str = EMBEDDED,
        examples: Path = EXAMPLES,
        calibration: Path = CALIBRATION,
        budgets: Path = BUDGETS,
        answer_tokens: int = ANSWER_TOKENS,
        elsewhere: Callable[[Job], Job] | None = None,
        limits: RunLimits | None = None,
    ) -> None:
        self.model_name = model_name
        self.answer_tokens = answer_tokens
        self._calibration = calibration
        self._budgets = budgets
        self.examples = bundled_examples(examples)
        # Where jobs run: in this process, or where `elsewhere` takes them.
        self._run: Job = self._run_here if elsewhere is None else elsewhere(self._run_here)
        self.stopping = Stopping()
        self.limits = RunLimits() if limits is None else limits
        self._busy = threading.Lock()
        self._loaded = threading.Event()
        self._vlm: VisionLanguageModel | None = None
        self._problem = ""

    def example_of(self, picture: str | None) -> Example | None:
        """The bundled example whose picture this is, also a copy of it."""
        if picture is None or not Path(picture).is_file():
            return None
        same = partial(filecmp.cmp, picture, shallow=False)
        return next((example for example in self.examples if same(example.image)), None)

    def start(self) -> None:
        """Load the model behind the page."""
        threading.Thread(target=self.load, name="load-model", daemon=True).start()

    def load(self) -> None:
        """Load the model; what goes wrong is told to whoever wants to use it."""
        try:
            vlm = load_model(self.model_name)
            vlm.limit_threads()
            vlm.warm_up()
            self._vlm = vlm
        except Exception as problem:
            log.exception("the model %s could not be loaded", self.model_name)
            known = isinstance(problem, VTWError)
            # Only the sentence is kept: an exception would keep every visitor's frames alive.
            self._problem = str(problem) if known else f"{self.model_name} could not be loaded."
        finally:
            self._loaded.set()

    @property
    def state(self) -> Literal["loading", "ready", "failed", "stopping"]:
        """How far the model is, or that the server is being stopped."""
        if self.stopping.is_asked:
            return "stopping"
        if not self._loaded.is_set():
            return "loading"
        return "failed" if self._vlm is None else "ready"

    @property
    def state_in_words(self) -> str:
        """The same for a visitor."""
        problem = worded(self._problem)
        return text.MODEL_STATES[self.state].format(model=self.model_name, problem=problem)

    @property
    def is_embedded(self) -> bool:
        """Whether the model knows drawings alone."""
        return self.model_name == EMBEDDED

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Questions that the model can be asked."""
        return text.SUGGESTIONS if self.is_embedded else text.SUGGESTIONS_FOR_PHOTOGRAPHS

    def wait(self, seconds: float) -> bool:
        """Whether loading is over within ``seconds`` (with success or not).

        Raises:
            ModelError: the server is being stopped.
        """
        self.stopping.check_begin()
        return self._loaded.wait(seconds)

    def _steps(self, job: Job, *arguments: Any) -> Generator[Any, None, None]:
        """What a job yields, one visitor at a time.

        Raises:
            VTWError: the model could not be loaded, memory ran out, the server is being stopped,
                or as the job.
        """
        self._loaded.wait()
        if self._vlm is None:
            raise ModelError(self._problem)
        with self._busy, closing(self._run(job, *arguments)) as steps:
            self.stopping.check_begin()
            for step in steps:
                yield step
                self.stopping.check_go_on()

    def _run_here(self, job: Job, *arguments: Any) -> Generator[Any, None, None]:
        yield from within_memory(job(self._vlm, *arguments))

    def _result(self, job: Job, *arguments: Any) -> Any:
        """What a job yields once."""
        (result,) = self._steps(job, *arguments)
        return result

    def explore(self, image: str, prompt: str) -> Generator[Event, None, None]:
        """``vtw_core.exploration.explore_steps`` on the loaded model.

        Raises:
            VTWError: the model could not be loaded, or the image or prompt cannot be used.
        """
        yield from self._steps(jobs.explore, image, prompt, self.answer_tokens)

    def explored(self, image: str, prompt: str, answer_tokens: int) -> Run:
        """Everything at every K, without what happens inside: for programs.

        Raises:
            VTWError: the model could not be loaded, or the image or prompt cannot be used.
        """
        run: Run = self._result(jobs.explore_outside, image, prompt, answer_tokens)
        return run

    def generate(self, image: str, prompt: str, method: str, answer_tokens: int) -> Generation:
        """One answer under one method, in the words of ``method_from``.

        Raises:
            VTWError: the model could not be loaded, or the image, prompt or method cannot be used.
        """
        chosen = method_from(method)
        made: Generation = self._result(jobs.generate, image, prompt, chosen, answer_tokens)
        return made

    def test_image(self, run: Run, picture: str, other: str, name: str) -> Run:
        """The run with one more causal test: an other image, of a visitor's or of the examples.

        Args:
            picture: the picture that the run is about.
            name: of the other image; a test of that name is made anew.

        Raises:
            VTWError: the model could not be loaded, an image cannot be used, or the run is not of
                this model and cannot be repeated.
        """
        # What was recorded inside is not needed to repeat a run, and would travel in vain.
        outside = replace(run, inside=None)
        again: Run = self._result(jobs.explore_again, outside, picture, other, name)
        before, after = run.inside, again.inside
        if before is None or after is None or again.answer_ids[-1] != run.answer_ids[-1]:
            raise InputError(text.RUN_NOT_REPEATED)
        kept = tuple(test for test in before.counterfactuals if test.name != name)
        lens = replace(before.lens, pieces=before.lens.pieces | after.lens.pieces)
        tests = (*kept[-MOST_TESTS + 1 :], *after.counterfactuals)
        return replace(run, inside=replace(before, lens=lens, counterfactuals=tests))

    def compare(
        self, image: str, prompt: str, asked: Sequence[tuple[str, str]]
    ) -> Generator[MethodEvent, None, None]:
        """``vtw_core.methods.compare_steps`` on the loaded model.

        Args:
            asked: label and options of each method, as ``vtw_core compare --method`` takes them.

        Raises:
            VTWError: the model could not be loaded, or the image, prompt or options cannot be used.
        """
        methods = [replace(method_from(options), label=label) for label, options in asked]
        yield from self._steps(jobs.compare, image, prompt, methods, self.answer_tokens)

    def must_drop(
        self, image: str, prompt: str, gamma: float, alpha: float, stages: str = "abc"
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
        answer, record = self._result(jobs.must_drop, image, prompt, strategy, self.answer_tokens)
        return Dropped(record, gamma, alpha, stages, answer, prompt, image)

    @cached_property
    def recorded_calibration(self) -> Calibration:
        """The embedded model on the bundled set, recorded as the set's maker says."""
        return load_calibration(self._calibration / "embedded.json")

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
        self, images: Sequence[str] | None, prompt: str = ""
    ) -> Generator[Progress | Calibration, None, None]:
        """``vtw_core.calibration.calibrate_steps`` on the loaded model.

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
        yield from self._steps(jobs.calibrate, items)
