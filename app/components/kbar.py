"""K as a slider outside the workbench; both hold the same K."""

from __future__ import annotations

import gradio as gr

from app import text_inside as text
from app.components.files import read, script


def kbar(elem_id: str) -> gr.HTML:
    """Build the component; its value is ``{layers, k}`` or None.

    ``release`` fires with ``{k}``: a visitor's input.
    """
    return gr.HTML(
        value=None,
        html_template=read("kbar.html"),
        css_template=read("kbar.css"),
        js_on_load=script("words.js", "kbar.js", words=text.KBAR),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="kbar-part",
    )
