"""How far a visitor is in the lesson, and what he has answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vtw_core.errors import InputError
from vtw_core.results.run import Run

from ..presenters.view import run_id
from ..words import lesson as text
from ..words.library_words import worded
from .question import Question
from .syllabus import STEPS, Step


@dataclass(frozen=True)
class Answers:
    """What was answered at one step, of one run.

    Attributes:
        given: question -> the latest answer.
        first_right: question -> whether its first answer was right.
    """

    given: Mapping[int, int] = field(default_factory=dict)
    first_right: Mapping[int, bool] = field(default_factory=dict)

    def score(self, count: int) -> dict[str, int] | None:
        """How many of several were right at the first try; None until all are answered."""
        if count < 2 or len(self.first_right) < count:
            return None
        return {"right": sum(self.first_right.values()), "count": count}


@dataclass(frozen=True)
class Progress:
    """One visitor's place in the lesson.

    Attributes:
        step: from 1; 0 while the lesson is closed.
        arrived: when the page was last driven to it, seconds; tells one arrival from the next.
        answers: (step, which run) -> what was answered; it is there again when one comes back.
    """

    step: int = 0
    arrived: float = 0.0
    answers: Mapping[tuple[int, str], Answers] = field(default_factory=dict)

    @property
    def at(self) -> Step:
        """The step, while the lesson is open."""
        return STEPS[self.step - 1]

    def here(self, run: Run | None) -> Answers:
        """What was answered at this step of the run that is shown."""
        return self.answers.get(self._place(run), Answers())

    def answered(self, run: Run | None, question: int, given: int, right: bool) -> Progress:
        """The same with one more answer."""
        before = self.here(run)
        after = Answers(
            {**before.given, question: given}, {question: right, **before.first_right}
        )  # fmt: skip
        return replace(self, answers={**self.answers, self._place(run): after})

    def _place(self, run: Run | None) -> tuple[int, str]:
        return self.step, run_id(run) if run is not None and self.at.asks_of == "shown" else ""


def questions_of(step: Step, run: Run | None) -> tuple[tuple[Question, ...], str | None]:
    """The step's questions about the run, or none and the sentence that says why not."""
    if run is None:
        return (), text.UNAVAILABLE.format(problem=text.NO_RUN)
    try:
        return step.ask(run), None
    except InputError as problem:
        return (), text.UNAVAILABLE.format(problem=worded(problem))
