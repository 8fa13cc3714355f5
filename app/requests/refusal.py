"""Refusals shown over the page, where they have no place of their own on it."""

from __future__ import annotations

import gradio as gr

from ..words import page as text


def refusal(sentence: str) -> gr.Error:
    """An expected error for the caller to raise; nothing is logged."""
    return gr.Error(sentence, title=text.REFUSED, print_exception=False)


def tell_refused(sentence: str) -> None:
    """Show the same while the event continues; the event must be one that waits in a queue."""
    gr.Warning(sentence, title=text.REFUSED)
