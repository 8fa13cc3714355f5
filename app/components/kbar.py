"""K as a slider outside the workbench; both hold the same K."""

from __future__ import annotations

from typing import Any

import gradio as gr

from vtw_core.results.run import Run

from ..words import inside as text
from .files import read, script


def kbar(elem_id: str) -> gr.HTML:
    """Build the component; its value is of `show_kbar`, or None.

    ``release`` fires with ``{k}``: a visitor's input.
    """
    return gr.HTML(
        value=None,
        html_template=read("kbar.html"),
        css_template=read("kbar.css"),
        js_on_load=script("kbar.js", words=text.KBAR),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="kbar-part",
    )


def show_kbar(run: Run, k: int) -> dict[str, Any]:
    """What the component is told of the run whose figures stand below it."""
    return {"layers": run.layers, "k": k, "model": run.model}
