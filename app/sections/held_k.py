"""The page's one K: held in the browser, told to the server when it comes to rest."""

from __future__ import annotations

import gradio as gr

from ..gradio_internals import sent_with
from ..state import Visitor


def keep_k(visitor: Visitor, k: int | None, event: gr.EventData) -> int | None:
    """Where a slider of K stands. The number comes from the browser: clamp it."""
    wanted = sent_with(event).get("k")
    if visitor.run is None or isinstance(wanted, bool) or not isinstance(wanted, int):
        return k
    return max(0, min(wanted, visitor.run.layers))


def k_of(visitor: Visitor, k: int | None) -> int:
    """K as the server knows it: where it was left, or K* of the first answer token."""
    if visitor.run is None:
        return 0
    return visitor.run.choose_k(visitor.eta) if k is None else min(k, visitor.run.layers)
