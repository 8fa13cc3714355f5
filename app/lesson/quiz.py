"""The five questions at the end: what one should be able to answer."""

from __future__ import annotations

from app.lesson.question import Question, choose
from app.words import lesson as text
from vtw_core.results.run import Run


def five_questions(run: Run) -> tuple[Question, ...]:
    """About the subject, not about the run."""
    return tuple(choose(*each) for each in text.QUIZ)
