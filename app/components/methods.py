"""Answers of several methods beside the baseline's, with what each one cost."""

from __future__ import annotations

import gradio as gr

from ..words import methods as text
from .files import read, script


def methods(elem_id: str) -> gr.HTML:
    """Build the component; its value is of ``app.presenters.methods_view``."""
    return gr.HTML(
        value=None,
        html_template=read("methods.html"),
        css_template=read("methods.css"),
        js_on_load=script("methods.js", words=text.PANELS),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="methods-part",
    )
