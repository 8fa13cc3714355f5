"""How far a visitor is in the lesson, and what he has answered in the step he is at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app import text_lesson as text
from app.lesson.question import Question
from app.lesson.syllabus import Step
from app.library_words import worded
from vtw_core.errors import InputError
from vtw_core.results import Run


@dataclass(frozen=True)
class Progress:
    """One visitor's place in the lesson.

    Attributes:
        step: from 1; 0 while the lesson is closed.
        arrived: when the page was last driven to it, seconds; tells one arrival from the next.
        given: question of the step -> the latest answer.
        first_right: question -> whether its first answer was right.
    """

    step: int = 0
    arrived: float = 0.0
    given: Mapping[int, int] = field(default_factory=dict)
    first_right: Mapping[int, bool] = field(default_factory=dict)

    def answered(self, question: int, given: int, right: bool) -> Progress:
        """The same with one more answer."""
        return replace(
            self,
            given={**self.given, question: given},
            first_right={question: right, **self.first_right},
        )

    def score(self, count: int) -> dict[str, int] | None:
        """How many of several were right at the first try; None until all are answered."""
        if count < 2 or len(self.first_right) < count:
            return None
        return {"right": sum(self.first_right.values()), "count": count}


def questions_of(step: Step, run: Run | None) -> tuple[tuple[Question, ...], str | None]:
    """The step's questions about the run, or none and the sentence that says why not."""
    if run is None:
        return (), text.UNAVAILABLE.format(problem=text.NO_RUN)
    try:
        return step.ask(run), None
    except InputError as problem:
        return (), text.UNAVAILABLE.format(problem=worded(problem))
