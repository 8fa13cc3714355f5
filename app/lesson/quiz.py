"""The five questions at the end: what one should be able to answer."""

from __future__ import annotations

from vtw_core.results.run import Run

from ..words import lesson as text
from .question import Question, choose


def five_questions(run: Run) -> tuple[Question, ...]:
    """About the subject, not about the run."""
    return tuple(choose(*each) for each in text.QUIZ)
