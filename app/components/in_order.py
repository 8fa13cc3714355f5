"""The order of answers: who clicks twice on a slow line sees what he clicked last."""

from __future__ import annotations

import gradio as gr

from app.components.files import script


def answers_in_order() -> gr.HTML:
    """Build the component; it has nothing to show, and its script stays as long as the page."""
    return gr.HTML(
        value=None,
        html_template="<div></div>",
        js_on_load=script("in_order.js"),
        apply_default_css=False,
        elem_classes="in-order",
    )
