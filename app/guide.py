"""Links and the lesson: both drive the page to a `View`, by the same event."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

import gradio as gr

from vtw_core.errors import InputError
from vtw_core.results.run import DEFAULT_ETA, Run
from vtw_core.shipped import EXAMPLES

from .components.kept_visit import kept_visit
from .components.language import language_switch
from .components.lesson import lesson_part, show_step
from .components.share import Origin, share, show_address, show_arrival, tell_place
from .components.terms import terms_part
from .components.theme_switch import theme_switch
from .gradio_internals import sent_with, upload_folder
from .inputs.clamping import clamped
from .inputs.pictures import uploaded
from .lesson.progress import Progress, questions_of
from .lesson.syllabus import STEPS
from .links.snippet import code_for
from .links.view_address import Places, View
from .presenters.view import on_the_line
from .requests.events import GLUE, GLUE_OF_EVENT
from .sections.downloads import download_on
from .state import Visitor
from .tabs import calibrate, methods, migration, sinks, which_method
from .tabs.compare import show_view
from .tabs.every_k import write_run
from .words import page as text
from .words import share as text_share

if TYPE_CHECKING:
    from .service.service import Example, Service
    from .tabs.compare import CompareTab

# What the address bar is told where a control's value does not stand there as it is. Of a preset
# and a threshold of one's own, the one that was chosen last counts.
_PLACES = {
    "linear": "{ linear: !value }",
    "preset": "value < 0 ? {} : { preset: value, threshold: null }",
    "threshold": "{ preset: null, threshold: value }",
}


@dataclass(frozen=True)
class Parts:
    """The components in the page's head that the server hears."""

    lesson: gr.HTML
    share: gr.HTML
    kept: gr.HTML


@dataclass(frozen=True)
class Page:
    """What of the page a view moves.

    Attributes:
        tabs: the main tabs; their ids are in ``places``.
        chosen: when a visitor has put another tab in front.
        opened: its id.
    """

    tabs: gr.Tabs
    chosen: Any
    opened: gr.State
    visitor: gr.State
    main: CompareTab
    attention: sinks.SinksTab
    moved: migration.MigrationTab
    several: methods.MethodsTab
    budget: which_method.WhichMethodTab
    calibrated: calibrate.CalibrateTab


def build(service: Service, first: str, usual_language: str) -> Parts:
    """Put both into the page's head, and the switch between the languages.

    Args:
        first: the tab that is in front at first.
        usual_language: for visitors who have chosen none, and whose browser prefers none.
    """
    opening = View(example=service.examples[0].name, tab=first)
    kept = kept_visit()
    with gr.Row(elem_classes="page-tools"):
        parts = Parts(lesson_part(), share(show_address(opening, "bundled"), service.eta), kept)
        language_switch(usual_language)
        theme_switch()
        terms_part()
    return parts


def connect(service: Service, parts: Parts, page: Page, places: Places) -> Any:
    """Wire links and lesson; returns the event after which the page stands at another view."""
    handlers = _Handlers(service, places)
    wanted, progress = gr.State(View()), gr.State(Progress())
    asked = gr.on(
        [parts.lesson.select, parts.share.submit],
        handlers.wanted,
        [page.visitor, progress],
        [wanted, progress, page.main.waits],
        cancels=[*page.main.running],
        **GLUE_OF_EVENT,
    )
    simple = (page.attention, page.moved, page.budget, page.calibrated)
    controls = [control for tab in simple for control in tab.places.values()]
    controls += [page.calibrated.source, page.several.wanted]
    arrived = asked.success(
        handlers.arrive,
        [wanted, page.visitor, progress],
        [page.tabs, page.opened, parts.share, *page.main.outputs, *controls],
        **GLUE,
    )
    arrived.success(handlers.show_lesson, [page.visitor, progress], parts.lesson, **GLUE)
    parts.lesson.clear(handlers.close, progress, [progress, parts.lesson], **GLUE_OF_EVENT)
    parts.lesson.submit(
        handlers.answer, [page.visitor, progress], [progress, parts.lesson], **GLUE_OF_EVENT
    )
    for finished in page.main.finished:
        finished.success(handlers.show_lesson, [page.visitor, progress], parts.lesson, **GLUE)
    for moved in (page.chosen, *page.main.finished):
        moved.success(handlers.address, [page.visitor, page.opened], parts.share, **GLUE)
    parts.share.select(handlers.code, [page.visitor, page.opened], parts.share, **GLUE_OF_EVENT)
    for tab in simple:
        for name, control in tab.places.items():
            place = _PLACES.get(name, f"{{ {name}: value }}")
            control.input(None, control, js=tell_place(place))
    parts.kept.submit(handlers.restore, None, [page.main.upload, page.main.prompt], **GLUE_OF_EVENT)
    file = gr.DownloadButton(visible="hidden", elem_id="share-file")
    download_on(parts.share.release, write_run, [page.visitor], file)
    return arrived


def follow_methods(
    service: Service, parts: Parts, page: Page, places: Places, shown: Iterable[Any]
) -> None:
    """Tell the address bar which methods are chosen.

    Args:
        shown: events after which the tab may show those of another run.
    """
    inputs = [page.visitor, page.opened, *page.several.choices]
    for event in (*(one.success for one in shown), *page.several.chosen):
        event(_Handlers(service, places).address_of_methods, inputs, parts.share, **GLUE)


class _Handlers:
    """What happens on each event. What an event carries is a visitor's input."""

    def __init__(self, service: Service, places: Places) -> None:
        self.service = service
        self.places = places

    def wanted(
        self, event: gr.EventData, visitor: Visitor, progress: Progress
    ) -> tuple[View, Progress, bool]:
        """The view of a step, or the one that an address asks for; and that no run waits any more.

        What an address with a step does not say is the step's own view.
        """
        sent = sent_with(event)
        if "query" not in sent:
            step = clamped(sent.get("step"), 1, len(STEPS), 1)
            return *self._to_step(step, visitor, progress), False
        view = View.from_query(sent["query"], self.places)
        if view.lesson is None:
            return view, replace(progress, step=0), False
        base, progress = self._to_step(view.lesson, visitor, progress)
        return view.over(base), progress, False

    def _to_step(self, number: int, visitor: Visitor, progress: Progress) -> tuple[View, Progress]:
        step = STEPS[number - 1]
        example = self._example(step.example)
        run = example.run if example else visitor.run or self.service.examples[0].run
        return step.view(run, number), replace(progress, step=number, arrived=time.time())

    def _example(self, name: str | None) -> Example | None:
        """The example of that name. A page with other examples teaches on its first one."""
        if name is None:
            return None
        named = {example.name: example for example in self.service.examples}
        return named.get(name, self.service.examples[0])

    def arrive(self, wanted: View, visitor: Visitor, progress: Progress) -> tuple[Any, ...]:
        """Everything that the server moves for a view; the rest is told to the browser."""
        example = self._example(wanted.example)
        if example is not None:
            visitor = Visitor(example.run, "recorded", str(example.image))
        run = visitor.run or self.service.examples[0].run
        view = wanted.clamped(run)
        eta = on_the_line(self._eta(view))
        visitor = replace(visitor, eta=eta)
        tab = view.tab or self.places.tabs[0]
        known, origin = self._known(visitor, tab)
        # Both tabs have rows to choose from; an address tells those of the tab in front.
        elsewhere = replace(view, rows=None)
        draws = bool(progress.step) and progress.at.asks_of == "own"
        question = view.prompt
        if question is not None:
            known = replace(known, prompt=question)
        elif example is not None:
            question = example.prompt
        compared = view.methods if tab == "methods" else None
        known = replace(known, methods=compared)
        go = show_arrival(view, run, eta)
        return (
            gr.Tabs(selected=tab), tab, show_address(known, origin, go=go),
            *show_view(visitor, view, question, draws=draws),
            *sinks.arrive(view if tab == "sinks" else elsewhere, run),
            *migration.arrive(view if tab == "migration" else elsewhere, run),
            *(which_method.arrive(view) if self.places.kinds else ()),
            *calibrate.arrive(view), compared,
        )  # fmt: skip

    def _eta(self, view: View) -> float:
        """The threshold of a view, or of one that names none: the lesson's questions are about
        VTW's own."""
        if view.eta is not None:
            return view.eta
        return DEFAULT_ETA if view.lesson else self.service.eta

    def address(self, visitor: Visitor, opened: str) -> dict[str, Any]:
        """Another run, or another tab in front."""
        known, origin = self._known(visitor, opened)
        return show_address(known, origin)

    def address_of_methods(self, visitor: Visitor, opened: str, *chosen: Any) -> Any:
        """Other methods are chosen."""
        if opened != "methods":
            return gr.skip()
        known, origin = self._known(visitor, opened)
        compared = methods.unusual(self.service, visitor, *chosen)
        return show_address(replace(known, methods=compared), origin)

    def _known(self, visitor: Visitor, tab: str) -> tuple[View, Origin]:
        """What an address can say of the run that is shown."""
        if visitor.origin == "opened":
            return View(tab=tab), "file"
        example = self.service.example_of(visitor.picture)
        if example is None or visitor.run is None:
            return View(tab=tab), "picture"
        prompt = visitor.run.prompt
        own = None if prompt == example.prompt else prompt
        return View(example=example.name, prompt=own, tab=tab), "bundled"

    def code(self, event: gr.EventData, visitor: Visitor, opened: str) -> dict[str, Any]:
        """The view as Python."""
        known, origin = self._known(visitor, opened)
        code = ""
        if visitor.run is not None:
            view = View.from_query(sent_with(event).get("query", ""), self.places).clamped(
                visitor.run
            )
            shown = replace(view, tab=opened, eta=self._eta(view))
            example = self.service.example_of(visitor.picture)
            code = code_for(
                visitor.run, shown, self._paths_in_code(example, visitor.run),
                is_example=example is not None and example.image.parent == EXAMPLES,
            )  # fmt: skip
            known = replace(known, methods=view.methods)
        return show_address(known, origin, code=code)

    def _paths_in_code(self, example: Example | None, run: Run) -> list[str]:
        first = text_share.OWN_PICTURE_FILE if example is None else example.image.name
        behind = range(2, 2 + len(run.further_images))
        return [first, *(text_share.FURTHER_PICTURE_FILE.format(number=at) for at in behind)]

    def restore(self, event: gr.EventData) -> tuple[Any, Any]:
        """The picture and the question that a visitor had before the server forgot his page."""
        sent = sent_with(event)
        question = sent.get("question")
        try:
            roots = [upload_folder()]
            picture: Any = uploaded(sent.get("path"), roots, text.PICTURE_ELSEWHERE)
        except InputError:
            picture = gr.skip()
        return picture, question if isinstance(question, str) and question else gr.skip()

    def show_lesson(self, visitor: Visitor, progress: Progress) -> dict[str, Any] | None:
        return show_step(progress, visitor)

    def answer(
        self, event: gr.EventData, visitor: Visitor, progress: Progress
    ) -> tuple[Progress, Any]:
        """One more answer; what cannot be one changes nothing."""
        run = visitor.run
        if not progress.step or run is None:
            return progress, gr.skip()
        questions, _ = questions_of(progress.at, run)
        asked, given = sent_with(event).get("question"), sent_with(event).get("given")
        if not questions or not _is_whole(asked, len(questions)):
            return progress, show_step(progress, visitor)
        question = questions[asked]
        if not _is_whole(given, len(question.choices) or run.layers + 1):
            return progress, show_step(progress, visitor)
        answered = progress.answered(run, asked, given, question.judge(given).right)
        return answered, show_step(answered, visitor)

    def close(self, event: gr.EventData, progress: Progress) -> tuple[Progress, None]:
        """Closed half-way it is gone on with later, behind its end it begins anew."""
        finished = sent_with(event).get("finished") is True
        return Progress() if finished else replace(progress, step=0), None


def _is_whole(value: object, count: int) -> TypeGuard[int]:
    """Whether it is a whole number from 0 to count - 1."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count
