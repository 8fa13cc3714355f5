"""A strip of the pictures that are asked about with the first one."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from ..inputs.pictures import thumbnail
from ..words import page as text
from .files import read, script

_LONGEST = 160


def further_strip() -> gr.HTML:
    """Build the component; its value is of `show_further`.

    ``select`` fires with ``{does, at}``: ``"earlier"`` or ``"remove"``, and which picture, counted
    from 0, counted after the first: a visitor's input.
    """
    return gr.HTML(
        value=[],
        html_template=read("further.html"),
        css_template=read("further.css"),
        js_on_load=script("further.js", words=text.FURTHER),
        apply_default_css=False,
        elem_id="further",
        elem_classes="further-part",
    )


def show_further(paths: Sequence[str]) -> list[str]:
    """What the strip draws: a small picture of each, empty where the file is gone."""
    return [thumbnail(path, _LONGEST) or "" for path in paths]
