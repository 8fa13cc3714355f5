"""What is kept in the browser for when the server forgets the page, and what is said then."""

from __future__ import annotations

from itertools import chain

import gradio as gr

from ..links.view_address import usual_places
from ..requests.forgotten import HEADER
from ..words import share as text
from .files import read, script


def kept_visit() -> gr.HTML:
    """Build the component.

    ``submit`` fires with ``{path, question}`` behind a page that was loaded again since the server
    had forgotten it: where the visitor's picture was uploaded again, or None, and what stood in
    the box. Both are a visitor's input.
    """
    return gr.HTML(
        value=None,
        html_template=read("kept_visit.html"),
        css_template=read("kept_visit.css"),
        js_on_load=script(
            "kept_visit.js", words=text.KEPT, header=HEADER,
            ours=["example", "prompt", "k", "eta", "rule", "tab", "methods", "lesson",
                  *chain.from_iterable(usual_places().values())],
        ),
        apply_default_css=False,
        elem_id="kept-visit",
        label=text.KEPT["forgotten"],
    )  # fmt: skip
