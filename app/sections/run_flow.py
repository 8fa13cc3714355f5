"""From the click on a button to the result of a run, for every tab that runs a model.

Load the model, wait in the queue, run, and show each state meanwhile; show a refusal as one
sentence in the tab; stop when the visitor cancels.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import VTWError

from ..presenters.models_view import loading_steps
from ..requests.events import IMMEDIATE, IMMEDIATE_ONCE, LOADING_QUEUE, MODEL_QUEUE
from ..words import page as text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

Values = Mapping[Any, Any]
"""Component -> its value."""
Updates = dict[Any, Any]
"""Component -> its update; components that are not in it stay unchanged."""
_STREAMED: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class Line:
    """Where a tab shows the progress of its runs, and in which words.

    Attributes:
        part: the component that shows the progress of a run, or the sentence that refuses it.
        starts: the buttons that start a run; they are disabled while one is running.
        cancel: the button that stops it; it is visible only while one is running.
        reads: the components whose values are passed to the functions below.
        running: words and a share from 0 to 1 -> the value of ``part``.
        refused: values and one sentence -> the value of ``part``.
        cancelled: values -> the value of ``part``, when the visitor has stopped it.
        broken: the sentence for an unexpected error.
        insists: whether the message that a run was stopped is shown again when it has really ended,
            since late events may have replaced it. False where another run may be shown by then.
    """

    part: Any
    starts: tuple[gr.Button, ...]
    cancel: gr.Button
    reads: tuple[Any, ...]
    running: Callable[[str, float], Any]
    refused: Callable[[Values, str], Any]
    cancelled: Callable[[Values], Any]
    broken: str
    insists: bool = False

    @property
    def parts(self) -> list[Any]:
        """The components that the methods below update."""
        return [self.part, *self.starts, self.cancel]

    def busy(self, shown: Any) -> Updates:
        """The updates while a run is in progress."""
        waiting = {start: gr.Button(interactive=False) for start in self.starts}
        return {self.part: shown, **waiting, self.cancel: gr.Button(visible=True)}

    def idle(self, shown: Any) -> Updates:
        """The updates when a run has ended."""
        ready = {start: gr.Button(interactive=True) for start in self.starts}
        return {self.part: shown, **ready, self.cancel: gr.Button(visible=False)}


@dataclass(frozen=True)
class Done:
    """The end of a run: the value of its line's part, and the other updates."""

    shown: Any
    updates: Updates


Steps = Callable[[Values], Generator[Any, None, None]]
"""Values -> values of the line's part while it runs, and `Done` at the end; raises `VTWError`."""


class RunFlow:
    """The runs of one line: one of them at a time.

    Attributes:
        waits: a state: whether a run waits to begin. Who cancels ``running`` sets it to False too.
        running: the events to cancel.
    """

    def __init__(self, service: Service, line: Line) -> None:
        self.service, self.line = service, line
        self.waits = gr.State(False)
        self.running: list[Any] = []

    # ------------------------------------------------------------------ wiring
    def begin_on(
        self,
        events: Sequence[Any],
        model: Callable[[Values], str | None],
        steps: Steps,
        inputs: Sequence[Any],
        outputs: Sequence[Any] = (),
        *,
        sent: Callable[[Any], Any] = lambda asked: asked,
    ) -> Any:
        """Run something when a visitor asks for it; returns the event of its end.

        Args:
            model: values -> the model's name; None leaves it to ``steps`` to say what is wrong.
            inputs: what ``model`` and ``steps`` read.
            outputs: what `Done` may tell.
            sent: the event -> a later one, when all that the run reads is on the server.
        """

        def load(values: Values) -> Generator[Updates, None, None]:
            yield from self.load(model, values)

        def run(values: Values) -> Generator[Updates, None, None]:
            yield from self.run(steps, values)

        reads = {self.waits, *self.line.reads, *inputs}
        shown = [*self.line.parts, self.waits]
        # First "waiting", at once; then the model, where it is not there; then the run, when its
        # turn has come.
        asked = sent(gr.on([*events], self.wait, None, shown, **IMMEDIATE_ONCE))
        loaded = asked.then(load, reads, shown, **_STREAMED, **LOADING_QUEUE)
        ran = loaded.success(run, reads, [*shown, *outputs], **_STREAMED, **MODEL_QUEUE)
        for step in (loaded, ran):
            step.failure(self.refuse, {self.waits, *self.line.reads}, self.line.parts, **IMMEDIATE)
        self.running += [loaded, ran]
        return ran

    def stop_on_cancel(self) -> None:
        """Wire the button that stops a run, when every `begin_on` is done."""
        # First stop the stream, then say so: the other way round, events of the run that are still
        # on their way would be drawn over it.
        self.stop_on(self.line.cancel.click, **IMMEDIATE).then(
            self.cancel, {*self.line.reads}, self.line.parts, **IMMEDIATE
        )

    def stop_on(self, event: Callable[..., Any], **how: Any) -> Any:
        """Stop whatever runs when something happens."""
        return event(lambda: False, None, self.waits, cancels=[*self.running], **how)

    # ------------------------------------------------------------------ handlers
    def wait(self) -> Updates:
        """It has been asked for."""
        return {**self.line.busy(self.line.running(text.WAITING, 0.0)), self.waits: True}

    def load(
        self, model: Callable[[Values], str | None], values: Values
    ) -> Generator[Updates, None, None]:
        """The visitor's model, where others made it leave or it is still on its way."""
        yield {self.waits: values[self.waits]}  # a stream without an answer would empty its parts
        if not values[self.waits]:  # cancelled meanwhile
            return
        try:
            name = model(values)
            for message, share in () if name is None else loading_steps(self.service, name):
                yield {**self.line.busy(self.line.running(message, share)), self.waits: True}
        except VTWError as problem:
            yield {**self._refused(values, worded(problem)), self.waits: False}

    def run(self, steps: Steps, values: Values) -> Generator[Updates, None, None]:
        """The run, state by state; on bad input one sentence."""
        if not values[self.waits]:  # the model could not be loaded, which has been said
            yield {self.waits: False}
            return
        try:
            for step in steps(values):
                if isinstance(step, Done):
                    yield {**self.line.idle(step.shown), **step.updates, self.waits: False}
                else:
                    yield {**self.line.busy(step), self.waits: False}
        except VTWError as problem:
            yield {**self._refused(values, worded(problem)), self.waits: False}
        except Exception:
            log.exception("a run failed")
            yield {**self._refused(values, self.line.broken), self.waits: False}

    def refuse(self, values: Values, request: gr.Request) -> Any:
        """The queue was full, or the visitor's limit reached. A cancelled run ends as a failure
        too, but no longer waits."""
        if values[self.waits]:
            why = self.service.limits.why_refused(request.session_hash, text.QUEUE_IS_FULL)
            return self._refused(values, why)
        return self.cancel(values) if self.line.insists else gr.skip()

    def cancel(self, values: Values) -> Updates:
        """The visitor has stopped it."""
        return self.line.idle(self.line.cancelled(values))

    def _refused(self, values: Values, sentence: str) -> Updates:
        return self.line.idle(self.line.refused(values, sentence))
