"""The choice of a model as a section of a tab: the picker, and what happens on its events."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError, VTWError

from ..components.model_picker import model_picker
from ..gradio_internals import sent_with
from ..presenters.models_view import Picking, show_models
from ..requests.events import IMMEDIATE, IMMEDIATE_EACH, LOADING_QUEUE
from ..words import models as text
from ..words import page as page_text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelChoice:
    """``changed`` is the event after which the model may be another."""

    changed: Any


def build(service: Service, model: gr.State) -> ModelChoice:
    """Put the picker here; ``model`` holds the name of the one that the visitor's next run asks."""
    handlers = _Handlers(service)
    awaited = gr.State(None)
    part = model_picker(show_models(service.models, Picking(service.model_name)))
    # Updated when a visitor arrives, and then every second while a model is being loaded: what is
    # written into the page when it is built would be yesterday's for all who come later.
    timer = gr.Timer(1.0, active=False)
    for arrived_or_later in (None, timer.tick):
        gr.on(arrived_or_later, handlers.look, [model, awaited], [part, timer], **IMMEDIATE)
    # First that it is asked for, at once; then the loading, when its turn has come.
    asked = part.submit(handlers.ask, model, [part, awaited], **IMMEDIATE_EACH)
    loaded = asked.then(
        handlers.load, [model, awaited], [part, model, awaited], show_progress="hidden",
        api_visibility="private", **LOADING_QUEUE,
    )  # fmt: skip
    loaded.failure(handlers.refuse, [model, awaited], [part, awaited], **IMMEDIATE)
    # First stop the stream, then say so: the other way round, its last event would be drawn over.
    given_up = gr.State(None)
    part.clear(
        lambda name: (name, None), awaited, [given_up, awaited], cancels=[loaded], **IMMEDIATE
    ).then(handlers.cancel, [model, given_up], [part, timer], **IMMEDIATE)
    return ModelChoice(loaded)


class _Handlers:
    """What happens on each event. What an event carries is a visitor's input."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.models = service.models

    def look(self, model: str, awaited: str | None) -> tuple[Any, ...]:
        """How far everything is now; whatever was said last stays there."""
        return self._shown(Picking(model, awaited, notice=None)), gr.Timer(active=self._is_loading)

    @property
    def _is_loading(self) -> bool:
        models = self.models
        return not models.wait(0) or any(
            models.state(name).phase == "loading" for name in models.offers
        )

    def ask(self, event: gr.EventData, model: str) -> tuple[Any, str | None]:
        """The name of the model that is asked for; one that cannot be had is one sentence."""
        sent = sent_with(event)
        try:
            name = self.models.offer(sent.get("name")).name
        except InputError as problem:
            return self._refused(model, None, worded(problem)), None
        return self._shown(Picking(model, awaited=name, viewed=name)), name

    def load(self, model: str, name: str | None) -> Generator[tuple[Any, ...], None, None]:
        """Have a model in memory and take it; until then, and if it fails, the one before stays."""
        if name is None:  # which has been said; a stream without any answer would empty the picker
            yield gr.skip(), gr.skip(), None
            return
        try:
            for _ in self.service.loading(name):
                yield self._shown(Picking(model, awaited=name, viewed=name)), gr.skip(), name
            said = text.IN_USE_NEW.format(title=self.models.offer(name).title)
            yield self._shown(Picking(name, viewed=name, notice=said)), name, None
        except VTWError:
            # The picker says why, beside the model itself.
            yield self._shown(Picking(model, viewed=name)), gr.skip(), None
        except Exception:
            log.exception("loading a model failed")
            yield self._refused(model, name, page_text.INTERNAL), gr.skip(), None

    def refuse(self, model: str, awaited: str | None) -> tuple[Any, None]:
        """The queue was full. A cancelled loading ends as a failure too, but is awaited no more."""
        return (gr.skip() if awaited is None else self._refused(model, awaited, text.BUSY)), None

    def cancel(self, model: str, awaited: str | None) -> tuple[Any, ...]:
        title = self.models.offer(model).title
        said = f"{text.CANCELLED} {text.STILL_IN_USE.format(title=title)}"
        # Whether the loading really ends is seen a little later: others may go on with it.
        return self._shown(Picking(model, viewed=awaited, notice=said)), gr.Timer(active=True)

    def _refused(self, model: str, name: str | None, problem: str) -> Any:
        return self._shown(Picking(model, viewed=name, notice=problem, is_error=True))

    def _shown(self, picking: Picking) -> dict[str, Any]:
        return show_models(self.models, picking)
