"""What cannot be done, told over the page where it has no place of its own."""

from __future__ import annotations

import gradio as gr

from ..words import page as text


def refusal(sentence: str) -> gr.Error:
    """To be raised: an error that was foreseen, so nothing is logged."""
    return gr.Error(sentence, title=text.REFUSED, print_exception=False)


def tell_refused(sentence: str) -> None:
    """The same while the event goes on; it must be one that waits in a queue."""
    gr.Warning(sentence, title=text.REFUSED)
