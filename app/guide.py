"""Links and the lesson: both drive the page to a `View`, by the same event."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

import gradio as gr

from vtw_core.results.run import DEFAULT_ETA, Run
from vtw_core.shipped import EXAMPLES

from .components.kept_visit import kept_visit
from .components.language import language_switch
from .components.lesson import lesson_part, show_step
from .components.share import Origin, share, show_address, show_arrival, tell_place
from .components.terms import terms_part
from .components.theme_switch import theme_switch
from .gradio_internals import sent_with
from .inputs.clamping import clamped
from .lesson.progress import Progress, questions_of
from .lesson.syllabus import STEPS
from .links.snippet import code_for
from .links.view_address import Address, View
from .presenters.view import on_the_line
from .requests.events import IMMEDIATE, IMMEDIATE_EACH
from .sections.downloads import download_on
from .sections.run_flow import Updates, Values
from .sections.saved_run import write_run
from .state import Visitor
from .tabs.tab import Arrival, Shared, Tab
from .words import share as text_share

if TYPE_CHECKING:
    from .service.service import Example, Service


@dataclass(frozen=True)
class Parts:
    """The components in the page's head whose events reach the server."""

    lesson: gr.HTML
    share: gr.HTML
    kept: gr.HTML


@dataclass(frozen=True)
class Page:
    """What of the page a view moves.

    Attributes:
        container: holds the tabs.
        opened: a state: the id of the tab in front.
        chosen: the event after which a visitor has put another tab in front.
        tabs: id -> tab, in their order.
    """

    container: gr.Tabs
    opened: gr.State
    chosen: Any
    tabs: Mapping[str, Tab]
    shared: Shared

    @property
    def finished(self) -> list[Any]:
        """The events after which another run is shown."""
        return [event for tab in self.tabs.values() for event in tab.finished]


def build(service: Service, address: Address, first: str, usual_language: str) -> Parts:
    """Put both into the page's head, and the switch between the languages.

    Args:
        first: the tab that is in front at first.
        usual_language: for visitors who have chosen none, and whose browser prefers none.
    """
    opening = View(example=service.examples[0].name, tab=first)
    kept = kept_visit([*address.fields])
    with gr.Row(elem_classes="page-tools"):
        shown = show_address(address.write(opening), "bundled")
        parts = Parts(lesson_part(), share(shown, address, service.eta), kept)
        language_switch(usual_language)
        theme_switch()
        terms_part()
    return parts


class Guide:
    """What drives a page. What an event carries is a visitor's input."""

    def __init__(self, parts: Parts, page: Page, address: Address) -> None:
        self.parts, self.page, self.table = parts, page, address
        self.service, self.visitor = page.shared.service, page.shared.visitor
        self.flows = [tab.flow for tab in page.tabs.values() if tab.flow is not None]
        self.wanted, self.progress = gr.State(View()), gr.State(Progress())

    # ------------------------------------------------------------------ wiring
    def connect(self) -> Any:
        """Wire links and lesson; returns the event after which the page stands at another view."""
        parts, page, visitor, opened = self.parts, self.page, self.visitor, self.page.opened
        asked = gr.on(
            [parts.lesson.select, parts.share.submit], self.look_up, {visitor, self.progress},
            [self.wanted, self.progress, *(flow.waits for flow in self.flows)],
            cancels=[event for flow in self.flows for event in flow.running], **IMMEDIATE_EACH,
        )  # fmt: skip
        moved = [visitor, page.container, opened, parts.share]
        for tab in page.tabs.values():
            moved += [*tab.controls.values(), *tab.arrives_at]
        arrived = asked.success(
            self.arrive, {self.wanted, visitor, self.progress}, moved, **IMMEDIATE
        )
        self._connect_lesson([arrived, *page.finished])
        for another in (page.chosen, *page.finished):
            another.success(self.address, {visitor, opened}, parts.share, **IMMEDIATE)
        parts.share.select(self.code, {visitor, opened}, parts.share, **IMMEDIATE_EACH)
        for tab_id, tab in page.tabs.items():
            told = {field.name: field.javascript for field in self.table.tabs[tab_id]}
            for name, control in tab.controls.items():
                place = told[name] or f"{{ {name}: value }}"
                control.input(None, control, js=tell_place(place))
        file = gr.DownloadButton(visible="hidden", elem_id="share-file")
        download_on(parts.share.release, write_run, [visitor], file)
        return arrived

    def _connect_lesson(self, another_run: list[Any]) -> None:
        part = self.parts.lesson
        reads: set[Any] = {self.visitor, self.progress}
        for event in another_run:
            event.success(self.show_lesson, reads, part, **IMMEDIATE)
        told = [self.progress, part]
        part.clear(self.close, {self.progress}, told, **IMMEDIATE_EACH)
        part.submit(self.answer, reads, told, **IMMEDIATE_EACH)

    def follow_choices(self, drawn: list[Any]) -> None:
        """Tell the address bar what of a tab only the server knows, when it may be another.

        Args:
            drawn: the events after which the tab in front may show another run.
        """
        for tab in self.page.tabs.values():
            inputs = {self.visitor, self.page.opened, *tab.choices}
            for event in (*(one.success for one in drawn), *tab.chosen) if tab.chosen else ():
                event(self.address_of(tab), inputs, self.parts.share, **IMMEDIATE)

    # ------------------------------------------------------------------ another view
    def look_up(self, values: Values, event: gr.EventData) -> Updates:
        """The view of a step, or the one that an address asks for; and that no run waits any more.

        What an address with a step does not say is the step's own view.
        """
        view, progress = self._wanted(sent_with(event), values[self.visitor], values[self.progress])
        stopped = {flow.waits: False for flow in self.flows}
        return {self.wanted: view, self.progress: progress, **stopped}

    def _wanted(
        self, sent: dict[str, Any], visitor: Visitor, progress: Progress
    ) -> tuple[View, Progress]:
        if "query" not in sent:
            step = clamped(sent.get("step"), 1, len(STEPS), 1)
            return self._to_step(step, visitor, progress)
        view = self.table.read(sent["query"])
        if "lesson" not in view:
            return view, replace(progress, step=0)
        base, progress = self._to_step(view["lesson"], visitor, progress)
        return view.over(base), progress

    def _to_step(self, number: int, visitor: Visitor, progress: Progress) -> tuple[View, Progress]:
        step = STEPS[number - 1]
        example = self._example(step.example)
        run = example.run if example else visitor.run or self.service.examples[0].run
        view = self.table.clamped(step.view(run, number), run)
        return view, replace(progress, step=number, arrived=time.time())

    def _example(self, name: str | None) -> Example | None:
        """The example of that name. A page with other examples teaches on its first one."""
        if name is None:
            return None
        named = {example.name: example for example in self.service.examples}
        return named.get(name, self.service.examples[0])

    def arrive(self, values: Values) -> Updates:
        """Everything that the server moves for a view; the browser does the rest."""
        wanted, progress = values[self.wanted], values[self.progress]
        example = self._example(wanted.get("example"))
        visitor: Visitor = values[self.visitor]
        if example is not None:
            visitor = Visitor(example.run, "recorded", str(example.image))
        run = visitor.run or self.service.examples[0].run
        view = self.table.clamped(wanted, run)
        visitor = replace(visitor, eta=on_the_line(self._eta(view)))
        front = view.get("tab", next(iter(self.page.tabs)))
        question = view.get("prompt", None if example is None else example.prompt)
        draws = bool(progress.step) and progress.at.asks_of == "own"
        updates: Updates = {
            self.page.container: gr.Tabs(selected=front), self.page.opened: front,
            self.visitor: visitor, self.parts.share: self._arrived(view, visitor, run, front),
        }  # fmt: skip
        for name, tab in self.page.tabs.items():
            own = self.table.part(view, name, front)
            updates |= tab.arrive(Arrival(own, visitor, run, name == front, question, draws))
        return updates

    def _arrived(self, view: View, visitor: Visitor, run: Run, front: str) -> dict[str, Any]:
        known, origin = self._known(visitor, front)
        if "prompt" in view:
            known = known.but(prompt=view["prompt"])
        own = {field.name for field in self.table.tabs[front]}
        known = view.only(self.table.by_server & own).over(known)
        go = show_arrival(self.table, view, run, visitor.eta)
        return show_address(self.table.write(known), origin, go=go)

    def _eta(self, view: View) -> float:
        """The threshold of a view, or of one that names none: the lesson's questions are about
        VTW's own."""
        usual = DEFAULT_ETA if "lesson" in view else self.service.eta
        eta: float = view.get("eta", usual)
        return eta

    # ------------------------------------------------------------------ the address bar
    def address(self, values: Values) -> dict[str, Any]:
        """Another run, or another tab in front."""
        known, origin = self._known(values[self.visitor], values[self.page.opened])
        return show_address(self.table.write(known), origin)

    def address_of(self, tab: Tab) -> Callable[[Values], Any]:
        """The handler for when something else was chosen on a tab."""

        def address_of_choices(values: Values) -> Any:
            if values[self.page.opened] != tab.id:
                return gr.skip()
            known, origin = self._known(values[self.visitor], tab.id)
            return show_address(self.table.write(tab.chosen_view(values).over(known)), origin)

        return address_of_choices

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

    def code(self, values: Values, event: gr.EventData) -> dict[str, Any]:
        """The view as Python."""
        visitor, opened = values[self.visitor], values[self.page.opened]
        known, origin = self._known(visitor, opened)
        code = ""
        if visitor.run is not None:
            read = self.table.read(sent_with(event).get("query", ""))
            view = self.table.clamped(read, visitor.run)
            shown = view.but(tab=opened, eta=self._eta(view))
            example = self.service.example_of(visitor.picture)
            code = code_for(
                visitor.run, shown, self._paths_in_code(example, visitor.run),
                is_example=example is not None and example.image.parent == EXAMPLES,
            )  # fmt: skip
            known = view.only(self.table.by_server).over(known)
        return show_address(self.table.write(known), origin, code=code)

    def _paths_in_code(self, example: Example | None, run: Run) -> list[str]:
        first = text_share.OWN_PICTURE_FILE if example is None else example.image.name
        numbers = range(2, 2 + len(run.further_images))
        return [first, *(text_share.FURTHER_PICTURE_FILE.format(number=at) for at in numbers)]

    # ------------------------------------------------------------------ the lesson
    def show_lesson(self, values: Values) -> dict[str, Any] | None:
        return show_step(values[self.progress], values[self.visitor])

    def answer(self, values: Values, event: gr.EventData) -> Updates:
        """One more answer; what cannot be one changes nothing."""
        visitor, progress = values[self.visitor], values[self.progress]
        run = visitor.run
        if not progress.step or run is None:
            return {self.progress: progress}
        unchanged = {self.progress: progress, self.parts.lesson: show_step(progress, visitor)}
        questions, _ = questions_of(progress.at, run)
        asked, given = sent_with(event).get("question"), sent_with(event).get("given")
        if not questions or not _is_whole(asked, len(questions)):
            return unchanged
        question = questions[asked]
        if not _is_whole(given, len(question.choices) or run.layers + 1):
            return unchanged
        answered = progress.answered(run, asked, given, question.judge(given).right)
        return {self.progress: answered, self.parts.lesson: show_step(answered, visitor)}

    def close(self, values: Values, event: gr.EventData) -> Updates:
        """Closed half-way it resumes later; closed at its end it starts again."""
        finished = sent_with(event).get("finished") is True
        closed = Progress() if finished else replace(values[self.progress], step=0)
        return {self.progress: closed, self.parts.lesson: None}


def _is_whole(value: object, count: int) -> TypeGuard[int]:
    """Whether it is a whole number from 0 to count - 1."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count
