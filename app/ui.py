"""The page, as a table of contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import guide, stages_section, text, text_budget, text_inside, text_methods
from app.api import build_api
from app.events import GLUE
from app.lesson.syllabus import STEPS
from app.state import Visitor
from app.tabs import calibrate, compare, every_k, methods, migration, sinks, which_method
from app.view import show_run
from app.view_address import Places

if TYPE_CHECKING:
    from app.service import Service


# Stable ids, which addresses use -> what stands on the tab.
TABS = {
    "compare": text.TAB_COMPARE,
    "every-k": text.TAB_EVERY_K,
    "sinks": text_inside.TAB_SINKS,
    "migration": text_inside.TAB_MIGRATION,
    "methods": text_methods.TAB,
    "budget": text_budget.TAB_BUDGET,
    "calibrate": text.TAB_CALIBRATE,
    "numbers": text.TAB_NUMBERS,
}
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
            parts = guide.build(service, next(iter(TABS)))
        opened = gr.State(next(iter(TABS)))
        with gr.Tabs() as tabs:
            with _tab("compare"):
                main = compare.build(service, visitor, show_run(opening, origin="recorded"))
            with _tab("every-k"):
                table = every_k.build(visitor, main.k, opening)
            with _tab("sinks"):
                attention = sinks.build(visitor, main.k)
            with _tab("migration"):
                moved = migration.build(service, visitor, main.k)
            with _tab("methods"):
                several = methods.build(service, visitor, opening)
                with several.stages:
                    stages = stages_section.build(service)
            with _tab("budget"):
                budget = which_method.build(service)
            with _tab("calibrate"):
                calibrate.build(service)
            with _tab("numbers"):
                gr.Markdown(text.NUMBERS, elem_classes="prose-wide")
        build_api(service)
        chosen = tabs.select(_opened, None, opened, **GLUE)
        page = guide.Page(
            tabs, chosen, opened, visitor, main, layer=attention.layer, token=moved.token
        )
        places = Places(
            tuple(example.name for example in service.examples), tuple(TABS), len(STEPS)
        )
        arrived = guide.connect(service, parts, page, places)
        drawn = {
            name: [
                event.success(
                    _when_opened(name, show), [opened, *tab.inputs], list(tab.outputs), **GLUE
                )
                for event in (chosen, arrived, *main.finished)
            ]
            for name, tab, show in (
                ("every-k", table, every_k.show),
                ("sinks", attention, sinks.show),
                ("migration", moved, migration.show),
                ("methods", several, several.show),
            )
        }
        compared = (*drawn["methods"], several.compared)
        stages_section.follow(stages, compared, visitor, several.shown)
        for event in (chosen, arrived):
            event.success(
                _when_opened("budget", budget.show), [opened, *budget.inputs],
                list(budget.outputs), **GLUE,
            )  # fmt: skip
    return demo


def _tab(name: str) -> gr.Tab:
    return gr.Tab(TABS[name], id=name)


def _opened(event: gr.SelectData) -> str:
    """Which tab is in front, by its id."""
    names = {label: name for name, label in TABS.items()}
    return names.get(str(event.value), next(iter(TABS)))


def _when_opened(name: str, show: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """Figures are large: they are made for a tab in front, not for every run."""

    def made(opened: str, *inputs: Any) -> Any:
        return show(*inputs) if opened == name else gr.skip()

    return made
