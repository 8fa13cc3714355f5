"""The switch between light and dark colours."""

from __future__ import annotations

import gradio as gr

from ..words import page as text
from .files import read, script


def theme_switch() -> gr.HTML:
    """Build the component; it lives in the browser alone.

    The address says which colours are shown, in the key that Gradio reads (``__theme``), and
    ``localStorage`` remembers the choice. Who has chosen none sees what his system prefers.
    """
    return gr.HTML(
        value=None,
        html_template=read("theme_switch.html"),
        css_template=read("theme_switch.css"),
        js_on_load=script("theme_switch.js", words=text.THEME_SWITCH),
        apply_default_css=False,
        elem_id="theme-switch",
        label=text.THEME_SWITCH["name"],
    )


def arrival() -> str:
    """The script of a page's head that asks for the colours last chosen, before any is drawn."""
    return f"(() => {{\n{script('theme_choice.js')}arriveInTheme();\n}})();"
