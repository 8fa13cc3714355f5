"""Drawings on their way: the browser sends one as bytes, the run that it is for comes after it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..gradio_internals import drawings_of, flat_drawing, receive_drawings

MOST_BYTES = 64_000_000
"""Of all visitors' drawings that no run has asked for yet; the oldest go."""
LONGEST_ID = 200


def keep_few_drawings(canvas: gr.ImageEditor) -> None:
    """Keep the flattened drawing alone, which is all that a run looks at."""
    kept = drawings_of(canvas)

    def accept(said: Any, files: Any) -> None:
        if not isinstance(said, dict) or said.get("type") != "composite" or not files:
            return
        name, drawing = said.get("id"), files[0][1]
        if not isinstance(name, str) or len(name) > LONGEST_ID or not isinstance(drawing, bytes):
            return
        kept.pop(name, None)  # the newest is the last
        kept[name] = flat_drawing(drawing)
        while sum(len(one.composite or b"") for one in kept.values()) > MOST_BYTES:
            del kept[next(iter(kept))]

    receive_drawings(canvas, accept)
