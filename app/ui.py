"""The page, as a table of contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import guide, stages_section, text, text_budget, text_inside, text_methods
from app.api import build_api
from app.components.in_order import answers_in_order
from app.events import GLUE, GLUE_OF_EVENT
from app.language import FIRST, LANGUAGES, in_language, speaking
from app.lesson.syllabus import STEPS
from app.state import Visitor
from app.tabs import calibrate, compare, every_k, methods, migration, sinks, which_method
from app.view import on_the_line, show_run
from app.view_address import Places

if TYPE_CHECKING:
    from app.service import Service


TABS = (
    "compare", "every-k", "sinks", "migration", "methods", "budget", "calibrate", "numbers",
)  # fmt: skip
"""Stable ids, which addresses use."""
# Once an hour what is older than a day: visitors' uploads and saved files do not pile up.
_DELETE_CACHE = (3600, 86400)


def build_demo(service: Service, usual_language: str = FIRST) -> gr.Blocks:
    """The whole page, once for each language; the endpoints for programs stand on the first.

    It opens on the first recorded example, complete and without the model.

    Args:
        usual_language: for visitors who have chosen none, and whose browser prefers none.
    """
    with gr.Blocks(
        title=text.TITLE, analytics_enabled=False, fill_width=True, delete_cache=_DELETE_CACHE
    ) as demo:
        _speak(demo, FIRST, service, usual_language)
        build_api(service)
    for code in tuple(LANGUAGES)[1:]:
        language = LANGUAGES[code]
        with demo.route(language.name, language.path, show_in_navbar=False):
            _speak(demo, code, service, usual_language)
    for part in demo.blocks.values():
        if isinstance(part, gr.HTML):
            # Where a part's script says 'every', Gradio takes it for an event, puts that into the
            # page's configuration, and copies the whole page for each visitor who opens it.
            part.every = None  # type: ignore[attr-defined]
    for event in demo.fns.values():
        if event.show_progress == "hidden":
            # The browser would still tell every output, and all that stands in it, each status of
            # each event: the whole page, copied some twenty times for one click on a step.
            event.show_progress_on = []
    return demo


def _speak(demo: gr.Blocks, code: str, service: Service, usual_language: str) -> None:
    """Build the page of one language; whatever happens on it is answered in that language."""
    others = set(demo.fns)
    with speaking(code):
        _build_page(service, usual_language)
    for at, event in demo.fns.items():
        if at not in others and event.fn is not None:
            event.fn = in_language(code, event.fn)


def _build_page(service: Service, usual_language: str) -> None:
    example, opening = service.examples[0], service.examples[0].run
    eta = on_the_line(service.eta)
    visitor = gr.State(Visitor(opening, "recorded", str(example.image), eta))
    with gr.Column(elem_classes="page-head"):
        gr.Markdown(f"# {text.TITLE}\n{text.INTRO}")
        gr.Markdown(text.LINKS, elem_classes="links")
        parts = guide.build(service, TABS[0], usual_language)
        answers_in_order()
    opened = gr.State(TABS[0])
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
            calibrated = calibrate.build(service, main.model)
        with _tab("numbers"):
            gr.Markdown(text.NUMBERS, elem_classes="prose-wide")
    chosen = tabs.select(_opened, None, opened, **GLUE_OF_EVENT)
    page = guide.Page(
        tabs, chosen, opened, visitor, main, attention, moved, several, budget, calibrated
    )
    names = tuple(example.name for example in service.examples)
    places = Places(names, TABS, len(STEPS), budget.kinds)
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
    guide.follow_methods(service, parts, page, places, drawn["methods"])
    stages_section.follow(stages, compared, visitor, several.shown)
    for name, tab, show in (
        ("budget", budget, budget.show),
        ("calibrate", calibrated, calibrate.show),
    ):
        for event in (chosen, arrived):
            event.success(
                _when_opened(name, show), [opened, *tab.inputs], list(tab.outputs), **GLUE
            )


def _tab(name: str) -> gr.Tab:
    return gr.Tab(_tab_names()[name], id=name)


def _tab_names() -> dict[str, str]:
    """Id -> what stands on the tab."""
    names = (
        text.TAB_COMPARE, text.TAB_EVERY_K, text_inside.TAB_SINKS, text_inside.TAB_MIGRATION,
        text_methods.TAB, text_budget.TAB_BUDGET, text.TAB_CALIBRATE, text.TAB_NUMBERS,
    )  # fmt: skip
    return dict(zip(TABS, names, strict=True))


def _opened(event: gr.SelectData) -> str:
    """Which tab is in front, by its id."""
    names = {label: name for name, label in _tab_names().items()}
    return names.get(str(event.value), TABS[0])


def _when_opened(name: str, show: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """Figures are large: they are made for a tab in front, not for every run."""

    def made(opened: str, *inputs: Any) -> Any:
        return show(*inputs) if opened == name else gr.skip()

    return made
