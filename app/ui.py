"""The page, as a table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from . import guide
from .api import build_api
from .components.unseen import unseen_scripts
from .gradio_internals import (
    describe_page_once,
    functions_of,
    skip_hidden_progress,
    take_no_words_for_events,
    wrap_functions,
)
from .lesson.syllabus import STEPS
from .links.view_address import Address, fields_of_page
from .presenters.view import on_the_line
from .requests.events import IMMEDIATE, IMMEDIATE_EACH
from .sections.run_flow import Updates, Values
from .state import Visitor
from .tabs.calibrate import Calibrate
from .tabs.compare import Compare
from .tabs.equal_budget import EqualBudget
from .tabs.every_k import EveryK
from .tabs.methods import Methods
from .tabs.migration import Migration
from .tabs.numbers import Numbers
from .tabs.sinks import Sinks
from .tabs.tab import Shared, Tab
from .words import page as text
from .words.language import FIRST, LANGUAGES, in_language, speaking

if TYPE_CHECKING:
    from .service.service import Service


TABS: tuple[type[Tab], ...] = (
    Compare, EveryK, Sinks, Migration, Methods, EqualBudget, Calibrate, Numbers,
)  # fmt: skip
"""In their order; the first is in front when the page opens."""
# Once an hour what is older than a day: visitors' uploads and saved files do not pile up.
_DELETE_CACHE = (3600, 86400)


def build_demo(
    service: Service,
    usual_language: str = FIRST,
    most_waiting: int | None = None,
    tabs: Sequence[type[Tab]] = TABS,
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
        # Before there is a page: after it, Gradio would describe the whole page once more. Not
        # open as an API: a direct call would pass by the queue and its limit.
        demo.queue(max_size=most_waiting, default_concurrency_limit=4, api_open=False)
        _speak(demo, FIRST, service, usual_language, tabs)
        build_api(service)
    for code in tuple(LANGUAGES)[1:]:
        language = LANGUAGES[code]
        with demo.route(language.name, language.path, show_in_navbar=False):
            _speak(demo, code, service, usual_language, tabs)
    take_no_words_for_events(demo)
    skip_hidden_progress(demo)
    describe_page_once(demo)
    return demo


def _speak(
    demo: gr.Blocks, code: str, service: Service, usual_language: str, tabs: Sequence[type[Tab]]
) -> None:
    """Build the page of one language; whatever happens on it is answered in that language."""
    others = functions_of(demo)
    with speaking(code):
        build_page(service, usual_language, tabs)
    wrap_functions(demo, others, lambda function: in_language(code, function))


def address_of(service: Service, tabs: Sequence[type[Tab]]) -> Address:
    """Every field of an address of a page with some tabs."""
    names = tuple(example.name for example in service.examples)
    of_page = fields_of_page(names, tuple(tab.id for tab in tabs), len(STEPS))
    return Address(of_page, {tab.id: tab.fields(service) for tab in tabs})


def build_page(service: Service, usual_language: str, kinds: Sequence[type[Tab]]) -> guide.Guide:
    """Put the page of one language here; returns what drives it."""
    example, address, first = service.examples[0], address_of(service, kinds), kinds[0].id
    eta = on_the_line(service.eta)
    visitor = gr.State(Visitor(example.run, "recorded", str(example.image), eta))
    k, model, opened = gr.State(None), gr.State(service.model_name), gr.State(first)
    with gr.Column(elem_classes="page-head"):
        gr.Markdown(f"# {text.TITLE}\n{text.INTRO}")
        gr.Markdown(text.LINKS, elem_classes="links")
        parts = guide.build(service, address, first, usual_language)
        unseen_scripts()
    shared = Shared(service, visitor, k, model, parts.kept)
    tabs = {kind.id: kind(shared) for kind in kinds}
    with gr.Tabs() as container:
        for tab in tabs.values():
            with gr.Tab(tab.title, id=tab.id):
                tab.build()
    chosen = container.select(_opener(tabs, opened), None, [opened], **IMMEDIATE_EACH)
    page = guide.Page(container, opened, chosen, tabs, shared)
    guided = guide.Guide(parts, page, address)
    arrived = guided.connect()
    every = [tab for tab in tabs.values() if tab.outputs]
    of_run = [tab for tab in every if tab.follows_run]
    drawn = [
        *(_draw_in_front(event, opened, every) for event in (chosen, arrived)),
        *(_draw_in_front(event, opened, of_run) for event in page.finished),
    ]
    guided.follow_choices(drawn)
    for tab in tabs.values():
        tab.connect(drawn)
    return guided


def _draw_in_front(event: Any, opened: gr.State, tabs: Sequence[Tab]) -> Any:
    """Figures are large: after an event they are made for the tab in front, not for every one.

    Args:
        opened: the id of the tab in front.
    """
    known = {tab.id: tab for tab in tabs}

    def draw(values: Values) -> Any:
        tab = known.get(values[opened])
        return (tab is not None and tab.show(values)) or gr.skip()

    inputs = {opened, *(part for tab in tabs for part in tab.inputs)}
    outputs = [part for tab in tabs for part in tab.outputs]
    return event.success(draw, inputs, outputs, **IMMEDIATE)


def _opener(tabs: Mapping[str, Tab], opened: gr.State) -> Callable[[gr.SelectData], Updates]:
    """The handler that says which tab is in front."""

    def open_tab(event: gr.SelectData) -> Updates:
        named = {tab.title: name for name, tab in tabs.items()}
        return {opened: named.get(str(event.value), next(iter(tabs)))}

    return open_tab
