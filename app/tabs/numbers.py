"""What the numbers mean: in short, and below it the documents that define every one of them."""

from __future__ import annotations

import re
from functools import partial

import gradio as gr

from vtw_core.shipped import DOCS

from ..requests.events import IMMEDIATE
from ..words import page as text
from .tab import Tab

DOCUMENTS = ("quantities", "strategies")
"""Of docs/; a term's definition stands in one of them (`app.components.terms`)."""
_LATEX: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]


class Numbers(Tab):
    id = "numbers"
    follows_run = False

    @property
    def title(self) -> str:
        return str(text.TAB_NUMBERS)

    def build(self) -> None:
        """A document is fetched when it is unfolded: few visitors read them, and they are long."""
        gr.Markdown(text.NUMBERS, elem_classes="prose-wide")
        gr.Markdown(text.DOCUMENTS_INTRO, elem_classes="prose-wide")
        for name in DOCUMENTS:
            with gr.Accordion(
                text.DOCUMENTS[name], open=False, elem_id=f"document-{name}",
                elem_classes="document",
            ) as sheet:  # fmt: skip
                body = gr.Markdown(latex_delimiters=_LATEX)
            sheet.expand(partial(document, name), None, body, **IMMEDIATE)


def document(name: str) -> str:
    """One of `DOCUMENTS` as the page can show it: its title and its links to other files are gone,
    its headings stand below the page's own, its formulas are marked as Gradio wants them.

    Source: GitHub's Markdown writes a formula as a fenced block of language "math".
    """
    written = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    written = re.sub(r"\A# .*\n", "", written)
    written = re.sub(r"^```math\n(.*?)\n```$", r"$$\n\1\n$$", written, flags=re.M | re.S)
    written = re.sub(r"\[([^\]]+)\]\([\w./-]+\.(?:md|py)(?:#[\w-]*)?\)", r"\1", written)
    return re.sub(r"^(#+) ", r"#\1 ", written, flags=re.M)
