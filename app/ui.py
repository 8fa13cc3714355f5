"""The page, as a table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from app import text
from app.state import Visitor
from app.tabs import calibrate, compare, every_k
from app.view import show_run

if TYPE_CHECKING:
    from app.service import Service


# Once an hour what is older than a day: visitors' uploads and saved files do not pile up.
_DELETE_CACHE = (3600, 86400)


def build_demo(service: Service) -> gr.Blocks:
    """The whole page; it opens on the first recorded example, complete and without the model."""
    opening = service.examples[0].run
    with gr.Blocks(
        title=text.TITLE, analytics_enabled=False, fill_width=True, delete_cache=_DELETE_CACHE
    ) as demo:
        visitor = gr.State(Visitor(run=opening, recorded=True))
        with gr.Column(elem_classes="page-head"):
            gr.Markdown(f"# {text.TITLE}\n{text.INTRO}")
            gr.Markdown(text.LINKS, elem_classes="links")
        with gr.Tabs():
            with gr.Tab("Compare"):
                main = compare.build(service, visitor, show_run(opening, recorded=True))
            with gr.Tab("Every K"):
                table = every_k.build(visitor, opening)
            with gr.Tab("Calibrate"):
                calibrate.build(service)
            with gr.Tab("What the numbers mean"):
                gr.Markdown(text.NUMBERS, elem_classes="prose-wide")
        for event in main.finished:
            event.success(
                every_k.show, visitor, list(table.outputs), queue=False,
                show_progress="hidden", api_visibility="private",
            )  # fmt: skip
    return demo
