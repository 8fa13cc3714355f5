"""What is kept in the browser for when the server forgets the page, and what is said then."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from ..requests.forgotten import HEADER
from ..words import share as text
from .files import read, script


def kept_visit(ours: Sequence[str]) -> gr.HTML:
    """Build the component.

    Args:
        ours: the keys of an address that are the page's.

    ``submit`` fires with ``{path, question}`` after a page was loaded again since the server
    had forgotten it: where the visitor's picture was uploaded again, or None, and what stood in
    the box. Both are a visitor's input.
    """
    return gr.HTML(
        value=None,
        html_template=read("kept_visit.html"),
        css_template=read("kept_visit.css"),
        js_on_load=script(
            "kept_visit.js", words=text.KEPT, header=HEADER, ours=list(ours)
        ),
        apply_default_css=False,
        elem_id="kept-visit",
        label=text.KEPT["forgotten"],
    )  # fmt: skip
