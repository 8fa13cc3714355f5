"""The switch between the languages of the page, and the choice of the first one."""

from __future__ import annotations

import gradio as gr

from ..words import page as text
from ..words.language import FIRST, LANGUAGES, current, speaking
from .files import read, script


def language_switch(usual: str = FIRST) -> gr.HTML:
    """Build the component; it lives in the browser alone.

    An address that names a language, by its path or by ``?lang=en``, opens in it. Any other opens
    in the one last chosen by the switch, which ``localStorage`` remembers, or else in the one that
    the browser prefers, or in the ``usual`` one.
    """
    facts = _facts(current())
    words = {"title": text.TITLE, "gradioNames": text.GRADIO_NAMES}
    return gr.HTML(
        value=None,
        html_template=read("language.html"),
        css_template=read("language.css"),
        js_on_load=script("language.js", **facts, **words, usually=usual),
        apply_default_css=False,
        elem_id="language",
        label=facts["there"]["name"],
    )


def arrival(code: str, usual: str = FIRST) -> str:
    """The script of a page's head that takes a visitor to the language he wants, before anything
    else of the page is fetched.

    Args:
        code: the language of the page.
        usual: as for `language_switch`.
    """
    choice = script("language_choice.js", **_facts(code), usually=usual)
    return f"(() => {{\n{choice}arrive();\n}})();"


def _facts(code: str) -> dict[str, dict[str, str]]:
    """What the scripts know of the page's language and the other one."""
    facts = {
        code: {"code": code, "tag": language.tag, "name": language.name, "path": language.path}
        for code, language in LANGUAGES.items()
    }
    here = facts.pop(code)
    (there,) = facts.values()
    return {"here": here, "there": there}


def gradio_words() -> gr.I18n:
    """What `launch(i18n=...)` takes: words of Gradio's own that it lacks."""
    words = {}
    for code, language in LANGUAGES.items():
        with speaking(code):
            words[language.tag] = text.GRADIO
    return gr.I18n(**words)
