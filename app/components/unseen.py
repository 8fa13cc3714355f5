"""Scripts of the whole page, which no part of it shows."""

from __future__ import annotations

import gradio as gr

from .files import script


def unseen_scripts() -> gr.HTML:
    """Build the component; it has nothing to show, and its scripts stay as long as the page."""
    return gr.HTML(
        value=None,
        html_template="<div></div>",
        js_on_load=script("unseen.js"),
        apply_default_css=False,
        elem_classes="unseen",
    )
