"""Several methods on the visitor's picture and question, beside the baseline."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.events import MethodRefused, MethodToken, Progress
from vtw_core.results.run import Run

from ..components.methods import methods
from ..figures.methods import CHARTS
from ..inputs.methods_choice import MOST_PANELS, Choice, choice_of, default_choices
from ..links.methods_address import beside, completed, read_methods, written
from ..links.view_address import Field, View, number, whole
from ..presenters.methods_view import show_comparing, show_methods, show_notice
from ..presenters.view import run_id
from ..requests.events import IMMEDIATE
from ..requests.refusal import refusal
from ..sections import stages
from ..sections.board import Board
from ..sections.downloads import cached, download_button
from ..sections.methods_panels import (
    AT_FIRST,
    add_panel,
    build_panel,
    chosen,
    fit,
    labels,
    laid_out,
    remover,
    set_equal,
    updated_controls,
)
from ..sections.run_flow import Done, Line, RunFlow, Updates, Values
from ..state import Origin, ShownMethods, Visitor
from ..words import methods as text
from .tab import Arrival, Tab

if TYPE_CHECKING:
    from ..service.service import Service


class Methods(Tab):
    """``shown`` holds the comparison, and so each entry's `TokenFates`; ``there`` which panels
    are there; ``wanted`` the methods that a link asks for, or None, until the tab is shown."""

    id = "methods"

    @property
    def title(self) -> str:
        return str(text.TAB)

    @classmethod
    def fields(cls, service: Service) -> tuple[Field, ...]:
        return (
            # What is usual there depends on the run.
            Field("methods", read_methods, completed, written, by_server=True),
            # Of MustDrop: a filter in no more than each layer, and four others; from 0.
            whole("stage", lambda run: run.layers + 3, usual=1),
            number("gamma", most=1),  # thresholds that its viewer tries
            number("alpha", most=1),
        )

    # ------------------------------------------------------------------ building
    def build(self) -> None:
        first = self.shared.service.examples[0].run
        self.shown, self.there = gr.State(ShownMethods()), gr.State(AT_FIRST)
        self.wanted = gr.State(None)
        self.board = Board("methods", CHARTS, self._source, gone=text.GONE)
        gr.Markdown(text.INTRO)
        self.notice = gr.Markdown(text.NO_PICTURE, visible=False, elem_id="methods-notice")
        with gr.Column() as self.content:
            with gr.Row(equal_height=False):
                self.panels = [
                    build_panel(number, choice, first, visible=visible)
                    for number, (choice, visible) in enumerate(
                        zip(default_choices(first), AT_FIRST, strict=True), start=1
                    )
                ]
            with gr.Row():
                self.add = gr.Button(text.ADD, size="sm", elem_id="methods-add")
                self.equal = gr.Button(text.EQUAL, size="sm", elem_id="methods-equal")
                self.compare = gr.Button(
                    text.COMPARE, variant="primary", size="sm", scale=2, elem_id="methods-run"
                )
                self.cancel = gr.Button(
                    text.CANCEL, size="sm", visible=False, elem_id="methods-cancel"
                )
            self.said = gr.Markdown("", elem_classes="page-foot", elem_id="methods-said")
            self.answers = methods("methods-answers")
            self.board.place(*CHARTS)
            download_button(text.SAVE, "save-methods", write_json, [self.shown])
            with gr.Column(elem_id="methods-stages"):
                self.stages = stages.build(self.shared.service)
        self.board.connect([self.shown], {})
        self.each_control = [control for panel in self.panels for control in panel.controls]
        self.columns = [panel.column for panel in self.panels]
        self.inputs = (self.shared.visitor, self.shown, self.there, self.wanted)
        self.outputs = (
            self.shown, self.there, self.content, self.notice, self.answers,
            *self.board.parts.values(), *self.columns, self.add, *self.each_control, self.wanted,
        )  # fmt: skip
        self.arrives_at = (self.wanted,)
        self._connect_panels()
        self._connect_runs()

    def _connect_panels(self) -> None:
        for panel in self.panels:
            gr.on([part.input for part in panel.deciding], fit, list(panel.deciding),
                  list(panel.controls[1:]), **IMMEDIATE)  # fmt: skip
        there, laid = self.there, [self.there, *self.columns, self.add]
        changed = [self.add.click(add_panel, there, laid, **IMMEDIATE)]
        for index, panel in enumerate(self.panels[1:], start=1):
            changed.append(panel.remove.click(remover(index), there, laid, **IMMEDIATE))
        changed.append(
            self.equal.click(
                set_equal, [self.shared.visitor, there, *self.each_control],
                [self.said, *self.each_control], **IMMEDIATE,
            )
        )  # fmt: skip
        self.chosen = (
            *(control.input for control in self.each_control),
            *(event.success for event in changed),
        )
        self.choices = (self.shown, self.there, *self.each_control)

    def _connect_runs(self) -> None:
        visitor = self.shared.visitor
        flow = RunFlow(self.shared.service, Line(
            self.answers, (self.compare,), self.cancel, (self.shown,), running=show_comparing,
            refused=lambda values, sentence: show_notice(values[self.shown], sentence),
            cancelled=lambda values: show_notice(
                values[self.shown], text.CANCELLED, is_error=False
            ),
            broken=text.INTERNAL, insists=True,
        ))  # fmt: skip
        ran = flow.begin_on(
            [self.compare.click], self.model, self.steps,
            [visitor, self.there, *self.each_control], [self.shown],
        )  # fmt: skip
        flow.stop_on_cancel()
        self.runs = flow
        self.compared = ran.success(
            self.settle, {visitor, self.shown, self.there}, [*self.outputs], **IMMEDIATE
        )

    def connect(self, drawn: Iterable[Any]) -> None:
        """The stage viewer shows a method of the comparison that is shown."""
        stages.follow(self.stages, (*drawn, self.compared), self.shared.visitor, self.shown)

    # ------------------------------------------------------------------ what is shown
    def show(self, values: Values) -> Updates:
        """The whole tab for the visitor's run: what was compared, or recorded, or an invitation."""
        visitor, shown, there = (
            values[part] for part in (self.shared.visitor, self.shown, self.there)
        )
        wanted = values.get(self.wanted)
        run = visitor.run
        if run is None or visitor.picture is None:
            return {
                self.content: gr.Column(visible=False), self.notice: gr.Markdown(visible=True),
                self.answers: None, **self.board.draw(None), self.wanted: None,
            }  # fmt: skip
        visible = {self.content: gr.Column(visible=True), self.notice: gr.Markdown(visible=False)}
        is_of_run = shown.of == run_id(run) and shown.comparison is not None
        if is_of_run and wanted is None:
            return {**visible, **self._drawn(shown), **self._laid_out(there), self.wanted: None}
        compared = recorded(self.shared.service, visitor)
        origin: Origin = "live" if compared is None else "recorded"
        of = ShownMethods(run_id(run), origin, compared, run.layers)
        choices: list[Choice] = []
        if wanted is not None or compared is not None or shown.layers != run.layers:
            choices = list(wanted or usual(self.shared.service, visitor, run))
        if wanted is not None or compared is not None:
            there = tuple(index < len(choices) for index in range(MOST_PANELS))
        updates = {
            **visible, **self._drawn(of), **self._laid_out(there), **self._set(choices, run),
            self.shown: of, self.wanted: None,
        }  # fmt: skip
        if compared is None:
            invitation = text.NOT_YET.format(prompt=run.prompt)
            updates[self.answers] = show_notice(of, invitation, is_error=False)
        elif wanted and written(wanted) != written(usual(self.shared.service, visitor, run)):
            updates[self.answers] = show_notice(of, text.ASKED_BY_LINK, is_error=False)
        return updates

    def settle(self, values: Values) -> Updates:
        """What belongs to the answers that have just come, or to the run that the visitor has gone
        on to meanwhile."""
        updates, run = self.show(values), values[self.shared.visitor].run
        if run is not None and values[self.shown].of == run_id(run):
            del updates[self.answers]  # they stand there, or why they do not
        return updates

    def _source(self, values: Values) -> tuple[MethodComparison] | None:
        compared = values[self.shown].comparison
        return None if compared is None else (compared,)

    def _drawn(self, shown: ShownMethods) -> Updates:
        """The answers and the charts."""
        answers = None if shown.comparison is None else show_methods(shown)
        return {self.answers: answers, **self.board.show({self.shown: shown})}

    def _laid_out(self, there: tuple[bool, ...]) -> Updates:
        parts = (self.there, *self.columns, self.add)
        return dict(zip(parts, laid_out(there), strict=True))

    def _set(self, choices: list[Choice], run: Run) -> Updates:
        """The controls of every panel; without choices they stay as they are."""
        every = beside(choices, run) if choices else []
        return {
            control: update
            for panel, choice in zip(self.panels, every, strict=False)
            for control, update in zip(panel.controls, updated_controls(choice, run), strict=True)
        }

    # ------------------------------------------------------------------ links
    def arrive(self, arrival: Arrival) -> Updates:
        return {self.wanted: arrival.view.get("methods") if arrival.in_front else None}

    def chosen_view(self, values: Values) -> View:
        """The methods that the controls are set to; nothing while they are those with which the tab
        opens for this run, and where they are not yet set for it."""
        visitor, shown = values[self.shared.visitor], values[self.shown]
        run = visitor.run
        if run is None or shown.of != run_id(run):
            return View()
        choices = self._choices(run, values)
        is_usual = written(choices) == written(usual(self.shared.service, visitor, run))
        return View(methods=None if is_usual else tuple(choices))

    def _choices(self, run: Run, values: Values) -> list[Choice]:
        """Those of the panels that are there."""
        every = chosen(run, tuple(values[control] for control in self.each_control))
        return [one for one, is_there in zip(every, values[self.there], strict=True) if is_there]

    # ------------------------------------------------------------------ comparing
    def model(self, values: Values) -> str | None:
        """The one that made the visitor's run."""
        run = values[self.shared.visitor].run
        return None if run is None else self.shared.service.models.of_run(run.model)

    def steps(self, values: Values) -> Generator[Any, None, None]:
        """The answers as they grow, one method after the other."""
        visitor: Visitor = values[self.shared.visitor]
        run = visitor.run
        if run is None or visitor.picture is None:
            raise InputError(text.NO_PICTURE)
        choices = self._choices(run, values)
        asked = list(zip(labels(choices), (one.checked() for one in choices), strict=True))
        titles = [("none", text.BASELINE), *((one.name, one.title) for one in choices)]
        message, fraction = text.ENCODING, 0.0
        texts: dict[int, str] = {}
        refused: dict[int, str] = {}
        yield show_comparing(message, fraction, titles)
        model = self.shared.service.models.of_run(run.model)
        for event in self.shared.service.compare(visitor.pictures, run.prompt, asked, model):
            if isinstance(event, MethodComparison):
                missing = tuple((at, *titles[at], why) for at, why in refused.items())
                shown = ShownMethods(run_id(run), "live", event, run.layers, missing)
                yield Done(show_methods(shown), {self.shown: shown})
                return
            if isinstance(event, MethodRefused):
                refused[event.method] = event.reason
            elif isinstance(event, MethodToken):
                texts[event.method] = event.text_so_far
            elif isinstance(event, Progress):
                fraction = event.done / event.total
                is_last = event.done >= len(titles)
                message = (
                    text.TIMING if is_last else text.RUNNING.format(title=titles[event.done][1])
                )
            yield show_comparing(message, fraction, titles, texts, refused)


def usual(service: Service, visitor: Visitor, run: Run) -> list[Choice]:
    """Those of the recorded comparison, or without one those with which the page opens."""
    compared = recorded(service, visitor)
    if compared is not None:
        return [choice_of(entry, run) for entry in compared.entries][:MOST_PANELS]
    return [choice for choice, is_there in zip(default_choices(run), AT_FIRST, strict=True)
            if is_there]  # fmt: skip


def recorded(service: Service, visitor: Visitor) -> MethodComparison | None:
    """The comparison that was recorded for the example that is shown."""
    if visitor.origin != "recorded":
        return None
    pictures = {str(example.image): example for example in service.examples}
    example = pictures.get(str(visitor.picture))
    return None if example is None else example.methods


def write_json(shown: ShownMethods) -> str:
    if shown.comparison is None:
        raise refusal(text.GONE)
    document = json.dumps(shown.comparison.to_json(), indent=1)
    return cached(document.encode("utf-8"), "methods.json")
