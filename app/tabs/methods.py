"""Several methods on the visitor's picture and question, beside the baseline."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError, VTWError
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.events import MethodRefused, MethodToken, Progress
from vtw_core.results.run import Run

from ..components.chart import chart_part, show_chart
from ..components.methods import methods
from ..figures.methods import CHARTS
from ..inputs.methods_choice import MOST_PANELS, Choice, choice_of, default_choices
from ..links.methods_address import beside, written
from ..presenters.methods_view import show_comparing, show_methods, show_notice
from ..presenters.models_view import loading_steps
from ..presenters.view import run_id
from ..requests.events import GLUE, GLUE_OF_START, LOADING_QUEUE, MODEL_QUEUE
from ..requests.refusal import refusal
from ..sections.board import save_chart
from ..sections.downloads import cached, download_on
from ..sections.methods_panels import (
    AT_FIRST,
    add_panel,
    build_panel,
    chosen,
    control_count,
    fit,
    labels,
    laid_out,
    remover,
    set_equal,
    told_controls,
)
from ..state import Origin, ShownMethods, Visitor
from ..words import methods as text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

_ANSWERS = 4  # the answers' place among the tab's outputs


@dataclass(frozen=True)
class MethodsTab:
    """``outputs`` take what ``show`` returns for ``inputs``.

    ``shown`` holds the comparison, and so each entry's `TokenFates`; ``compared`` is the event
    after which it is new; ``stages`` is the place for a viewer of it. ``wanted`` takes the methods
    that a link asks for, of `Choice`, or None, before the tab is shown. ``chosen`` tells of a
    visitor who chooses others; of ``choices``, `unusual` tells them.
    """

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    show: Callable[..., tuple[Any, ...]]
    shown: gr.State
    compared: Any
    stages: gr.Column
    wanted: gr.State
    chosen: tuple[Any, ...]
    choices: tuple[Any, ...]


def build(service: Service, visitor: gr.State, first: Run) -> MethodsTab:
    handlers = _Handlers(service)
    shown, there, wanted = gr.State(ShownMethods()), gr.State(AT_FIRST), gr.State(None)
    gr.Markdown(text.INTRO)
    notice = gr.Markdown(text.NO_PICTURE, visible=False, elem_id="methods-notice")
    with gr.Column() as content:
        with gr.Row(equal_height=False):
            panels = [
                build_panel(number, choice, first, visible=visible)
                for number, (choice, visible) in enumerate(
                    zip(default_choices(first), AT_FIRST, strict=True), start=1
                )
            ]
        with gr.Row():
            add = gr.Button(text.ADD, size="sm", elem_id="methods-add")
            equal = gr.Button(text.EQUAL, size="sm", elem_id="methods-equal")
            compare = gr.Button(
                text.COMPARE, variant="primary", size="sm", scale=2, elem_id="methods-run"
            )
            cancel = gr.Button(text.CANCEL, size="sm", visible=False, elem_id="methods-cancel")
        said = gr.Markdown("", elem_classes="page-foot", elem_id="methods-said")
        answers = methods("methods-answers")
        charts = {name: chart_part(f"methods-{name}") for name in CHARTS}
        save = gr.Button(text.SAVE, size="sm", elem_id="save-methods")
        stages = gr.Column(elem_id="methods-stages")
    file = gr.DownloadButton(visible="hidden", elem_id="methods-file")
    download_on(save.click, write_json, [shown], file)
    for name, part in charts.items():
        download_on(part.select, _saver(name), [shown], file)

    every = [control for panel in panels for control in panel.controls]
    for panel in panels:
        gr.on([part.input for part in panel.deciding], fit, list(panel.deciding),
              list(panel.controls[1:]), **GLUE)  # fmt: skip
    columns = [panel.column for panel in panels]
    changed = [add.click(add_panel, there, [there, *columns, add], **GLUE)]
    for index, panel in enumerate(panels[1:], start=1):
        changed.append(panel.remove.click(remover(index), there, [there, *columns, add], **GLUE))
    changed.append(equal.click(set_equal, [visitor, there, *every], [said, *every], **GLUE))

    waits = gr.State(False)
    line = [answers, compare, cancel]
    asked = compare.click(handlers.wait, shown, [*line, waits], **GLUE_OF_START)
    streamed: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    loaded = asked.then(
        handlers.load, [visitor, shown], [*line, waits], **streamed, **LOADING_QUEUE
    )
    ran = loaded.success(
        handlers.compare, [visitor, shown, there, waits, *every], [*line, shown, waits], **streamed,
        **MODEL_QUEUE,
    )  # fmt: skip
    for step in (loaded, ran):
        step.failure(handlers.refuse, [shown, waits], line, **GLUE)
    # First stop the stream, then say so: the other way round, its last event would be drawn over.
    cancel.click(lambda: False, None, waits, cancels=[loaded, ran], **GLUE).then(
        handlers.cancel, shown, line, **GLUE
    )
    inputs = (visitor, shown, there, wanted)
    outputs = (
        shown, there, content, notice, answers, *charts.values(), *columns, add, *every, wanted,
    )  # fmt: skip
    compared = ran.success(handlers.settle, list(inputs[:3]), list(outputs), **GLUE)
    return MethodsTab(
        inputs, outputs, handlers.show, shown, compared, stages, wanted,
        chosen=(*(control.input for control in every), *(event.success for event in changed)),
        choices=(shown, there, *every),
    )  # fmt: skip


def unusual(
    service: Service, visitor: Visitor, shown: ShownMethods, there: tuple[bool, ...], *values: Any
) -> tuple[Choice, ...] | None:
    """The methods that the controls are set to; None while they are those with which the tab opens
    for this run, and where they are not yet set for it."""
    run = visitor.run
    if run is None or shown.of != run_id(run):
        return None
    every = zip(chosen(run, values), there, strict=True)
    choices = tuple(choice for choice, is_there in every if is_there)
    return None if written(choices) == written(_usual(service, visitor, run)) else choices


def _usual(service: Service, visitor: Visitor, run: Run) -> list[Choice]:
    """Those of the recorded comparison, or without one those with which the page opens."""
    compared = _recorded(service, visitor)
    if compared is not None:
        return [choice_of(entry, run) for entry in compared.entries][:MOST_PANELS]
    return [choice for choice, is_there in zip(default_choices(run), AT_FIRST, strict=True)
            if is_there]  # fmt: skip


def _recorded(service: Service, visitor: Visitor) -> MethodComparison | None:
    if visitor.origin != "recorded":
        return None
    pictures = {str(example.image): example for example in service.examples}
    example = pictures.get(str(visitor.picture))
    return None if example is None else example.methods


# ------------------------------------------------------------------ comparing
class _Handlers:
    """What happens on each event; answers, compare and cancel come first in a run's outputs."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def show(
        self,
        visitor: Visitor,
        shown: ShownMethods,
        there: tuple[bool, ...],
        wanted: tuple[Choice, ...] | None = None,
    ) -> tuple[Any, ...]:
        """The whole tab for the visitor's run: what was compared, or recorded, or an invitation.

        Args:
            wanted: by a link; where they were not compared, the controls stand at them.
        """
        run = visitor.run
        if run is None or visitor.picture is None:
            nothing = [gr.skip()] * (MOST_PANELS + 1 + control_count())
            hidden = gr.Column(visible=False), gr.Markdown(visible=True)
            return shown, there, *hidden, None, *[None] * len(CHARTS), *nothing, None
        visible = gr.Column(visible=True), gr.Markdown(visible=False)
        is_of_run = shown.of == run_id(run) and shown.comparison is not None
        if is_of_run and wanted is None:
            return (shown, there, *visible, *_drawn(shown), *laid_out(there)[1:],
                    *[gr.skip()] * control_count(), None)  # fmt: skip
        compared = _recorded(self.service, visitor)
        origin: Origin = "live" if compared is None else "recorded"
        of = ShownMethods(run_id(run), origin, compared, run.layers)
        choices: list[Choice] = []
        if wanted is not None or compared is not None or shown.layers != run.layers:
            choices = list(wanted or _usual(self.service, visitor, run))
        if wanted is not None or compared is not None:
            there = tuple(index < len(choices) for index in range(MOST_PANELS))
        told = [
            update
            for choice in (beside(choices, run) if choices else [])
            for update in told_controls(choice, run)
        ]
        told = told or [gr.skip()] * control_count()
        drawn = list(_drawn(of))
        if compared is None:
            invitation = text.NOT_YET.format(prompt=run.prompt)
            drawn[0] = show_notice(of, invitation, is_error=False)
        elif wanted is not None and written(wanted) != written(_usual(self.service, visitor, run)):
            drawn[0] = show_notice(of, text.ASKED_BY_LINK, is_error=False)
        return of, there, *visible, *drawn, *laid_out(there)[1:], *told, None

    def settle(
        self, visitor: Visitor, shown: ShownMethods, there: tuple[bool, ...]
    ) -> tuple[Any, ...]:
        """What belongs to the answers that have just come, or to the run that the visitor has gone
        on to meanwhile."""
        told = list(self.show(visitor, shown, there))
        if visitor.run is not None and shown.of == run_id(visitor.run):
            told[_ANSWERS] = gr.skip()  # they stand there, or why they do not
        return tuple(told)

    def wait(self, shown: ShownMethods) -> tuple[Any, ...]:
        return show_comparing(text.WAITING, 0.0), *_busy(), True

    def load(self, visitor: Visitor, shown: ShownMethods) -> Generator[tuple[Any, ...], None, None]:
        """The model of the visitor's run, where it is not in memory."""
        yield *(gr.skip(),) * 3, True  # a stream without any answer would empty what it is for
        if visitor.run is None:
            return
        try:
            model = self.service.models.of_run(visitor.run.model)
            for message, share in loading_steps(self.service, model):
                yield show_comparing(message, share), *_busy(), True
        except VTWError as problem:
            yield show_notice(shown, worded(problem)), *_idle(), False

    def compare(
        self,
        visitor: Visitor,
        shown: ShownMethods,
        there: tuple[bool, ...],
        waits: bool,
        *values: Any,
    ) -> Generator[tuple[Any, ...], None, None]:
        """Stream the answers, one method behind the other; on bad input show one sentence."""
        keep = gr.skip(), False
        if not waits:  # the model could not be loaded, which has been said
            yield *(gr.skip(),) * 3, *keep
            return
        try:
            for event in self._steps(visitor, there, values):
                if isinstance(event, ShownMethods):
                    yield _drawn(event)[0], *_idle(), event, False
                else:
                    yield event, *_busy(), *keep
        except VTWError as problem:
            yield show_notice(shown, worded(problem)), *_idle(), *keep
        except Exception:
            log.exception("a comparison failed")
            yield show_notice(shown, text.INTERNAL), *_idle(), *keep

    def _steps(
        self, visitor: Visitor, there: tuple[bool, ...], values: tuple[Any, ...]
    ) -> Generator[dict[str, Any] | ShownMethods, None, None]:
        run = visitor.run
        if run is None or visitor.picture is None:
            raise InputError(text.NO_PICTURE)
        every = zip(chosen(run, values), there, strict=True)
        choices = [choice for choice, is_there in every if is_there]
        asked = list(zip(labels(choices), (one.checked() for one in choices), strict=True))
        titles = [("none", text.BASELINE), *((one.name, one.title) for one in choices)]
        message, fraction = text.ENCODING, 0.0
        texts: dict[int, str] = {}
        refused: dict[int, str] = {}
        yield show_comparing(message, fraction, titles)
        model = self.service.models.of_run(run.model)
        for event in self.service.compare(visitor.pictures, run.prompt, asked, model):
            if isinstance(event, MethodComparison):
                missing = tuple((at, *titles[at], why) for at, why in refused.items())
                yield ShownMethods(run_id(run), "live", event, run.layers, missing)
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

    def refuse(self, shown: ShownMethods, waits: bool, request: gr.Request) -> tuple[Any, ...]:
        """The queue was full, or the visitor's limit reached. A cancelled comparison ends
        as a failure too, but waits no longer: said once more, since events
        that were still on their way may have been drawn over it."""
        if not waits:
            return self.cancel(shown)
        why = self.service.limits.why_refused(request.session_hash, text.QUEUE_IS_FULL)
        return show_notice(shown, why), *_idle()

    def cancel(self, shown: ShownMethods) -> tuple[Any, ...]:
        return show_notice(shown, text.CANCELLED, is_error=False), *_idle()


def _drawn(shown: ShownMethods) -> tuple[Any, ...]:
    """The answers, then the charts."""
    compared = shown.comparison
    if compared is None:
        return (None, *[None] * len(CHARTS))
    charts = [show_chart(make(compared), compared.layers) for make in CHARTS.values()]
    return (show_methods(shown), *charts)


def _busy() -> tuple[gr.Button, gr.Button]:
    return gr.Button(interactive=False), gr.Button(visible=True)


def _idle() -> tuple[gr.Button, gr.Button]:
    return gr.Button(interactive=True), gr.Button(visible=False)


# ------------------------------------------------------------------ files to take away
def _saver(name: str) -> Callable[..., str]:
    def save(event: gr.EventData, shown: ShownMethods) -> str:
        if shown.comparison is None:
            raise refusal(text.GONE)
        comparison = shown.comparison
        return save_chart(lambda: CHARTS[name](comparison), event._data)

    return save


def write_json(shown: ShownMethods) -> str:
    if shown.comparison is None:
        raise refusal(text.GONE)
    document = json.dumps(shown.comparison.to_json(), indent=1)
    return cached(document.encode("utf-8"), "methods.json")
