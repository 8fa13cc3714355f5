"""The page, as a table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from . import guide
from .api import build_api
from .components.unseen import unseen_scripts
from .gradio_internals import (
    describe_page_once,
    functions_of,
    take_no_words_for_events,
    tell_hidden_progress_to_nobody,
    wrap_functions,
)
from .lesson.syllabus import STEPS
from .links.view_address import Places
from .presenters.view import on_the_line, show_run
from .requests.events import GLUE, GLUE_OF_EVENT
from .sections import stages as stages_section
from .state import Visitor
from .tabs import (
    calibrate,
    compare,
    every_k,
    methods,
    migration,
    numbers,
    sinks,
    which_method,
)
from .words import budget as text_budget
from .words import inside as text_inside
from .words import methods as text_methods
from .words import page as text
from .words.language import FIRST, LANGUAGES, in_language, speaking

if TYPE_CHECKING:
    from .service.service import Service


_Show = Callable[..., tuple[Any, ...] | dict[str, Any]]  # gr.skip() is a dict
TABS = (
    "compare", "every-k", "sinks", "migration", "methods", "budget", "calibrate", "numbers",
)  # fmt: skip
"""Stable ids, which addresses use."""
# Once an hour what is older than a day: visitors' uploads and saved files do not pile up.
_DELETE_CACHE = (3600, 86400)


def build_demo(
    service: Service, usual_language: str = FIRST, most_waiting: int | None = None
) -> gr.Blocks:
    """The whole page, once for each language; the endpoints for programs stand on the first.

    It opens on the first recorded example, complete and without the model.

    Args:
        usual_language: for visitors who have chosen none, and whose browser prefers none.
        most_waiting: events that may wait in the queue; None does not limit them.
    """
    with gr.Blocks(
        title=text.TITLE, analytics_enabled=False, fill_width=True, delete_cache=_DELETE_CACHE
    ) as demo:
        # Before there is a page: behind it, Gradio would describe the whole page once more. Not
        # open as an API: a direct call would pass by the queue and its limit.
        demo.queue(max_size=most_waiting, default_concurrency_limit=4, api_open=False)
        _speak(demo, FIRST, service, usual_language)
        build_api(service)
    for code in tuple(LANGUAGES)[1:]:
        language = LANGUAGES[code]
        with demo.route(language.name, language.path, show_in_navbar=False):
            _speak(demo, code, service, usual_language)
    take_no_words_for_events(demo)
    tell_hidden_progress_to_nobody(demo)
    describe_page_once(demo)
    return demo


def _speak(demo: gr.Blocks, code: str, service: Service, usual_language: str) -> None:
    """Build the page of one language; whatever happens on it is answered in that language."""
    others = functions_of(demo)
    with speaking(code):
        _build_page(service, usual_language)
    wrap_functions(demo, others, lambda function: in_language(code, function))


def _build_page(service: Service, usual_language: str) -> None:
    example, opening = service.examples[0], service.examples[0].run
    eta = on_the_line(service.eta)
    visitor = gr.State(Visitor(opening, "recorded", str(example.image), eta))
    with gr.Column(elem_classes="page-head"):
        gr.Markdown(f"# {text.TITLE}\n{text.INTRO}")
        gr.Markdown(text.LINKS, elem_classes="links")
        parts = guide.build(service, TABS[0], usual_language)
        unseen_scripts()
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
            numbers.build()
    chosen = tabs.select(_opened, None, opened, **GLUE_OF_EVENT)
    page = guide.Page(
        tabs, chosen, opened, visitor, main, attention, moved, several, budget, calibrated
    )
    names = tuple(example.name for example in service.examples)
    places = Places(names, TABS, len(STEPS), budget.kinds)
    arrived = guide.connect(service, parts, page, places)
    of_run = {
        "every-k": (table, every_k.show),
        "sinks": (attention, sinks.show),
        "migration": (moved, migration.show),
        "methods": (several, several.show),
    }
    every = {**of_run, "budget": (budget, budget.show), "calibrate": (calibrated, calibrate.show)}
    drawn = [
        *(_draw_in_front(event, opened, every) for event in (chosen, arrived)),
        *(_draw_in_front(event, opened, of_run) for event in main.finished),
    ]
    guide.follow_methods(service, parts, page, places, drawn)
    stages_section.follow(stages, (*drawn, several.compared), visitor, several.shown)


def _draw_in_front(event: Any, opened: gr.State, tabs: Mapping[str, tuple[Any, _Show]]) -> Any:
    """Figures are large: behind an event they are made for the tab in front, not for every one.

    Args:
        opened: the id of the tab in front.
        tabs: by id, each with its inputs and outputs and with what makes these of those.
    """

    def draw(values: Mapping[Any, Any]) -> Any:
        if values[opened] not in tabs:
            return gr.skip()
        tab, show = tabs[values[opened]]
        told = show(*(values[part] for part in tab.inputs))
        return dict(zip(tab.outputs, told, strict=True)) if isinstance(told, tuple) else told

    inputs = {opened, *(part for tab, _ in tabs.values() for part in tab.inputs)}
    outputs = [part for tab, _ in tabs.values() for part in tab.outputs]
    return event.success(draw, inputs, outputs, **GLUE)


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
