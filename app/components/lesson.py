"""The panel of the lesson, and the button that opens it; the steps are in ``app.lesson``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import text_lesson as text
from app.components.files import read, script
from app.lesson.progress import Progress, questions_of
from app.lesson.question import Question
from app.lesson.syllabus import STEPS
from vtw_core.results import Run


def lesson_part() -> gr.HTML:
    """Build the component; its value is None while closed, or of `show_step`.

    ``select`` fires with ``{step}`` to go to a step, ``submit`` with ``{question, given}`` when a
    question is answered, ``clear`` when the lesson is closed: a visitor's input.
    """
    return gr.HTML(
        value=None,
        html_template=read("lesson.html"),
        css_template=read("lesson.css"),
        js_on_load=script(
            "lesson.js",
            words=text.LESSON,
            titles=[text.STEPS[step.name]["title"] for step in STEPS],
        ),
        apply_default_css=False,
        elem_id="lesson",
        label=text.LESSON["name"],
    )


def show_step(progress: Progress, run: Run | None, *, is_own: bool) -> dict[str, Any] | None:
    """The step that a visitor is at; None while the lesson is closed.

    Args:
        run: the one that is shown: its questions are asked, and judge the answers.
        is_own: whether it was made here by the visitor.
    """
    if not progress.step:
        return None
    step = STEPS[progress.step - 1]
    questions, problem = questions_of(step, run)
    waits = step.own_run and not is_own
    if waits:
        problem = text.OWN_RUN_FIRST if progress.given else None
    shown = [
        _question(question, progress.given.get(at), waits) for at, question in enumerate(questions)
    ]
    return {
        "step": progress.step,
        "arrived": progress.arrived,
        **text.STEPS[step.name],
        "focus": step.focus,
        "hidesCurve": step.hides_curve and not progress.given,
        "problem": problem,
        "questions": shown,
        "score": progress.score(len(questions)),
    }


def _question(question: Question, given: int | None, waits: bool) -> dict[str, Any]:
    verdict = None
    if given is not None and not waits:
        said = question.judge(given)
        verdict = {"right": said.right, "because": said.because}
    return {
        "ask": question.ask, "choices": list(question.choices), "given": given, "verdict": verdict,
    }  # fmt: skip
