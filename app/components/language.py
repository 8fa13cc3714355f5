"""The switch between the languages of the page, and the choice of the first one."""

from __future__ import annotations

import gradio as gr

from app import text
from app.components.files import read, script
from app.language import FIRST, LANGUAGES, current, speaking


def language_switch(usual: str = FIRST) -> gr.HTML:
    """Build the component; it lives in the browser alone.

    An address that names a language, by its path or by ``?lang=en``, opens in it. Any other opens
    in the one last chosen by the switch, which ``localStorage`` remembers, or else in the one that
    the browser prefers, or in the ``usual`` one.
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
        js_on_load=script("language.js", here=here, there=there, usually=usual, title=text.TITLE),
        apply_default_css=False,
        elem_id="language",
        label=there["name"],
    )


def gradio_words() -> gr.I18n:
    """What `launch(i18n=...)` takes: words of Gradio's own that it lacks."""
    words = {}
    for code, language in LANGUAGES.items():
        with speaking(code):
            words[language.tag] = text.GRADIO
    return gr.I18n(**words)
