"""The switch between the languages of the page, and the choice of the first one."""

from __future__ import annotations

import gradio as gr

from app import text
from app.components.files import read, script
from app.language import FIRST, LANGUAGES, current


def language_switch(usual: str = FIRST) -> gr.HTML:
    """Build the component; it lives in the browser alone.

    A visitor who opens the page without naming a language is taken to the one last chosen here, or
    else to the one that the browser prefers, or to the usual one; which, ``localStorage``
    remembers.
    """
    facts = {
        code: {"code": code, "tag": language.tag, "name": language.name, "path": language.path}
        for code, language in LANGUAGES.items()
    }
    here = facts.pop(current())
    (there,) = facts.values()
    return gr.HTML(
        value=None,
        html_template=read("language.html"),
        css_template=read("language.css"),
        js_on_load=script("language.js", here=here, there=there, usual=usual, title=text.TITLE),
        apply_default_css=False,
        elem_id="language",
        label=there["name"],
    )
