"""The lesson, step by step: where the page is driven to, and what is asked there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from vtw_core.errors import InputError
from vtw_core.results.run import Run

from ..links.view_address import View
from . import attention, choosing_k, image_and_cost, quiz
from .question import Ask


@dataclass(frozen=True)
class Step:
    """One idea.

    Attributes:
        name: of its sentences in `app.words.lesson.STEPS`.
        example: bundled example to show; None leaves the visitor's run.
        tab: id of the tab in front.
        focus: CSS selector of what to look at or to work with; it is kept in view.
        ask: a run -> the questions.
        look: a run -> where in the tab to stand: K, layer and so on.
        hides: what stays covered until the question is answered, since it gives the answer: the KL
            curves, or what the figure says in words.
        result: CSS selector of what to look at when the visitor's own run is done.
        asks_of: the run that is shown; the next one that the visitor makes, which his answer waits
            for; or no run.
    """

    name: str
    example: str | None
    tab: str
    focus: str
    ask: Ask
    look: Callable[[Run], View] = lambda run: View()
    hides: Literal["nothing", "curves", "words"] = "nothing"
    result: str | None = None
    asks_of: Literal["shown", "own", "none"] = "shown"

    def view(self, run: Run, number: int) -> View:
        """The view that the page is driven to when ``run`` is shown; to be clamped to it."""
        place = View(example=self.example, tab=self.tab, lesson=number)
        try:
            return self.look(run).over(place)
        except InputError:  # nothing was recorded inside the run; the questions say so
            return place


STEPS = (
    Step(
        "tokens", "small_large", "compare", "#workbench .facts",
        ask=image_and_cost.visual_tokens,
    ),
    Step(
        "cost", "small_large", "every-k", "#every-k-cost",
        ask=image_and_cost.cost_of_a_layer,
        look=lambda run: View(k=image_and_cost.halfway(run)),
    ),
    Step(
        "sink", "small_large", "sinks", "#sinks-mass",
        ask=attention.find_the_sink,
        look=lambda run: View(layer=attention.sink_layer(run)),
    ),
    Step(
        "use", "describe", "migration", "#migration-joint",
        ask=attention.attention_and_use,
        look=lambda run: View(k=image_and_cost.whole_answer_k(run)),
        hides="words",
    ),
    Step(
        "guess", "three_shapes", "compare", "#workbench .picker, #workbench .answers",
        ask=choosing_k.guess_k,
        look=lambda run: View(k=run.layers),
        hides="curves",
    ),
    Step(
        "blind", "describe", "compare", "#workbench .positions",
        ask=choosing_k.blind_spot,
        look=lambda run: View(k=run.choose_k()),
    ),
    Step(
        "saved", "describe", "compare", "#workbench .answers",
        ask=image_and_cost.what_is_not_saved,
        look=lambda run: View(k=image_and_cost.whole_answer_k(run)),
    ),
    Step(
        "mustdrop", "three_shapes", "methods", "#methods-layers",
        ask=image_and_cost.budget_of_both,
    ),
    Step(
        "break", None, "compare", "#canvas, .form:has(> #question), #run",
        ask=choosing_k.try_to_break_it,
        result="#workbench .answers",
        asks_of="own",
    ),
    Step(
        "summary", None, "compare", "#lesson .questions",
        ask=quiz.five_questions,
        asks_of="none",
    ),
)  # fmt: skip
