"""The choice of pictures as a section of a tab: the first in its field, further ones below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError, VTWError
from vtw_core.families.catalogue import EMBEDDED
from vtw_core.pictures.images import load_image

from ..components.further import further_strip, show_further
from ..gradio_internals import sent_with, upload_folder
from ..inputs.pictures import FILE_TYPES, chosen_picture, uploaded
from ..inputs.previews import pictured, preview
from ..requests.events import IMMEDIATE, IMMEDIATE_EACH, PICTURE_QUEUE
from ..requests.refusal import tell_refused
from ..words import page as text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

MOST = 4
"""Pictures of one question."""


@dataclass(frozen=True)
class Further:
    """The pictures after the first: ``held`` their paths, ``strip`` what shows them, ``note`` why
    there can be none."""

    held: gr.State
    strip: gr.HTML
    add: gr.UploadButton
    note: gr.Markdown


def build_further(model: str) -> Further:
    """Put them here, for a model that is asked at first."""
    several = takes_several(model)
    held, strip = gr.State(()), further_strip()
    add = gr.UploadButton(
        text.ADD_PICTURE, size="sm", file_types=FILE_TYPES, visible=several,
        elem_id="add-picture",
    )  # fmt: skip
    note = gr.Markdown(text.ONE_PICTURE, visible=not several, elem_classes="page-foot")
    return Further(held, strip, add, note)


def connect(
    service: Service, field: gr.Image, further: Further, model: gr.State, changed: Any
) -> None:
    """What happens when a picture comes, moves or goes, and when another model is chosen.

    Args:
        changed: the event after which ``model`` may be another one.
    """
    handlers = Pictures(service)
    streamed: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    field.upload(handlers.check, field, field, **streamed, **PICTURE_QUEUE)
    held, strip = further.held, further.strip
    further.add.upload(
        handlers.add, [further.add, held], [held, strip], **streamed, **PICTURE_QUEUE
    )
    strip.select(handlers.move, [field, held], [field, held, strip], **IMMEDIATE_EACH)
    changed.success(_suit, model, [further.add, further.note], **IMMEDIATE)


def takes_several(model: str) -> bool:
    """Whether a model may be asked about several pictures. What others cannot, the library says."""
    return model != EMBEDDED


def in_field(picture: str | None) -> str | None:
    """A run's picture for the picture field, as long as it is there."""
    try:
        return None if picture is None else preview(picture)
    except VTWError:
        return None


class Pictures:
    """What happens to a visitor's pictures. What an event carries is a visitor's input."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def roots(self) -> list[Path]:
        """Where a visitor's pictures may lie: Gradio's upload folder and the bundled examples."""
        uploads = upload_folder()
        return [uploads, *{example.image.parent for example in self.service.examples}]

    def check(self, upload: str | None) -> Any:
        """What stands in the field for a file that has just come: nothing, where it is refused."""
        try:
            path = chosen_picture(upload, None, is_drawing=False, roots=self.roots)
            shown = preview(path)
        except VTWError as problem:
            tell_refused(worded(problem))
            return None
        return gr.skip() if shown == upload else shown

    def add(self, file: str | None, held: tuple[str, ...]) -> tuple[Any, ...]:
        """One more picture, after the others."""
        try:
            if len(held) >= MOST - 1:
                raise InputError(text.TOO_MANY_PICTURES, most=MOST)
            path = uploaded(file, self.roots, text.PICTURE_ELSEWHERE)
            load_image(path)
        except VTWError as problem:
            tell_refused(worded(problem))
            return gr.skip(), gr.skip()
        return (*held, path), show_further((*held, path))

    def move(
        self, event: gr.EventData, upload: str | None, held: tuple[str, ...]
    ) -> tuple[Any, ...]:
        """One picture a place forward, or out; the first of them forward into the field."""
        sent = sent_with(event)
        at, left = sent.get("at"), list(held)
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < len(left):
            return gr.skip(), held, show_further(held)
        field = gr.skip()
        if sent.get("does") == "remove":
            del left[at]
        elif at:
            left[at - 1 : at + 1] = left[at], left[at - 1]
        else:
            field = in_field(left[0])
            first = self._path(upload)
            left[:1] = [] if first is None else [first]
        return field, tuple(left), show_further(left)

    def _path(self, upload: str | None) -> str | None:
        """The file in the field, if there is one."""
        try:
            return pictured(uploaded(upload, self.roots, text.PICTURE_ELSEWHERE))
        except InputError:
            return None

    def asked(self, first: str, held: Sequence[str], model: str) -> tuple[str, ...]:
        """Every picture of a question.

        Raises:
            InputError: the model takes one.
        """
        if held and not takes_several(model):
            raise InputError(text.ONE_PICTURE)
        return (first, *held)


def _suit(model: str) -> tuple[gr.UploadButton, gr.Markdown]:
    """Whether one more can be added, for the model that was chosen."""
    several = takes_several(model)
    return gr.UploadButton(visible=several), gr.Markdown(visible=not several)
