"""Drawings on their way: the browser sends one as bytes, the run that it is for comes after it."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.image_editor import EditorDataBlobs

MOST_BYTES = 64_000_000
"""Of all visitors' drawings that no run has asked for yet; the oldest go."""
LONGEST_ID = 200


def keep_few_drawings(canvas: gr.ImageEditor) -> None:
    """Gradio would keep whatever is sent for ever, and make as many layers as the sender says.

    Only the flattened drawing is kept here, which is all that a run looks at.
    """
    kept = canvas.blob_storage

    def accept_blobs(data: Any) -> None:
        said, files = getattr(data, "data", None), getattr(data, "files", None)
        if not isinstance(said, dict) or said.get("type") != "composite" or not files:
            return
        name, drawing = said.get("id"), files[0][1]
        if not isinstance(name, str) or len(name) > LONGEST_ID or not isinstance(drawing, bytes):
            return
        kept.pop(name, None)  # the newest is the last
        kept[name] = EditorDataBlobs(background=None, layers=[], composite=drawing)
        while sum(len(one.composite or b"") for one in kept.values()) > MOST_BYTES:
            del kept[next(iter(kept))]

    accept_blobs._is_server_fn = True  # type: ignore[attr-defined]
    canvas.accept_blobs = accept_blobs
