"""The page, as a table of contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import stages_section, text, text_budget, text_inside, text_methods
from app.api import build_api
from app.events import GLUE
from app.state import Visitor
from app.tabs import calibrate, compare, every_k, methods, migration, sinks, which_method
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
        example = service.examples[0]
        visitor = gr.State(Visitor(run=opening, origin="recorded", picture=str(example.image)))
        with gr.Column(elem_classes="page-head"):
            gr.Markdown(f"# {text.TITLE}\n{text.INTRO}")
            gr.Markdown(text.LINKS, elem_classes="links")
        opened = gr.State("")
        with gr.Tabs() as tabs:
            with gr.Tab("Compare"):
                main = compare.build(service, visitor, show_run(opening, origin="recorded"))
            with gr.Tab(text.TAB_EVERY_K):
                table = every_k.build(visitor, main.k, opening)
            with gr.Tab(text_inside.TAB_SINKS):
                attention = sinks.build(visitor, main.k)
            with gr.Tab(text_inside.TAB_MIGRATION):
                moved = migration.build(service, visitor, main.k)
            with gr.Tab(text_methods.TAB):
                several = methods.build(service, visitor, opening)
                with several.stages:
                    stages = stages_section.build(service)
            with gr.Tab(text_budget.TAB_BUDGET):
                budget = which_method.build(service)
            with gr.Tab("Calibrate"):
                calibrate.build(service)
            with gr.Tab("What the numbers mean"):
                gr.Markdown(text.NUMBERS, elem_classes="prose-wide")
        build_api(service)
        chosen = tabs.select(_opened, None, opened, **GLUE)
        drawn = {
            name: [
                event.success(
                    _when_opened(name, show), [opened, *tab.inputs], list(tab.outputs), **GLUE
                )
                for event in (chosen, *main.finished)
            ]
            for name, tab, show in (
                (text.TAB_EVERY_K, table, every_k.show),
                (text_inside.TAB_SINKS, attention, sinks.show),
                (text_inside.TAB_MIGRATION, moved, migration.show),
                (text_methods.TAB, several, several.show),
            )
        }
        compared = (*drawn[text_methods.TAB], several.compared)
        stages_section.follow(stages, compared, visitor, several.shown)
        chosen.success(
            _when_opened(text_budget.TAB_BUDGET, budget.show), [opened, *budget.inputs],
            list(budget.outputs), **GLUE,
        )  # fmt: skip
    return demo


def _opened(event: gr.SelectData) -> str:
    """Which tab is in front."""
    return str(event.value)


def _when_opened(name: str, show: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """Figures are large: they are made for a tab in front, not for every run."""

    def made(opened: str, *inputs: Any) -> Any:
        return show(*inputs) if opened == name else gr.skip()

    return made
