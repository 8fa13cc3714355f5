"""The panel of the lesson, and the button that opens it; the steps are in ``app.lesson``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from vtw_core.results.run import Run

from ..inputs.pictures import thumbnail
from ..lesson.progress import Progress, questions_of
from ..lesson.question import Question
from ..lesson.syllabus import STEPS
from ..presenters.view import run_id
from ..state import Visitor
from ..words import lesson as text
from .files import read, script

_THUMBNAIL = 96  # pixels: drawn at half of it, for screens with two for one


def lesson_part() -> gr.HTML:
    """Build the component; its value is None while closed, or of `show_step`.

    ``select`` fires with ``{step}`` to go to a step, ``submit`` with ``{question, given}`` when a
    question is answered, ``clear`` with ``{finished}`` when the lesson is closed: a visitor's
    input.
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


def show_step(progress: Progress, visitor: Visitor) -> dict[str, Any] | None:
    """The step that a visitor is at; None while the lesson is closed.

    The run that is shown is asked about, and judges the answers.
    """
    if not progress.step:
        return None
    step, run = progress.at, visitor.run
    own = run if visitor.origin == "live" else None
    questions, problem = questions_of(step, run)
    answers = progress.here(run)
    waits = step.asks_of == "own" and own is None
    if waits:
        problem = text.OWN_RUN_FIRST if answers.given else None
    shown = [
        _question(question, answers.given.get(at), waits) for at, question in enumerate(questions)
    ]
    return {
        "step": progress.step,
        "arrived": progress.arrived,
        **text.STEPS[step.name],
        "about": None if run is None or waits or step.asks_of == "none" else _about(run, visitor),
        "focus": step.focus,
        "result": {"focus": step.result, "run": run_id(own)} if step.result and own else None,
        "hides": "nothing" if answers.given else step.hides,
        "isQuiz": step.asks_of == "none",
        "problem": problem,
        "questions": shown,
        "score": answers.score(len(questions)),
    }


def _about(run: Run, visitor: Visitor) -> dict[str, Any]:
    """Which picture and question the step is about: they change from step to step."""
    return {"picture": thumbnail(visitor.picture, _THUMBNAIL), "prompt": run.prompt}


def _question(question: Question, given: int | None, waits: bool) -> dict[str, Any]:
    verdict = None
    if given is not None and not waits:
        said = question.judge(given)
        verdict = {"right": said.right, "because": said.because}
    return {
        "ask": question.ask, "choices": list(question.choices), "given": given, "verdict": verdict,
    }  # fmt: skip
