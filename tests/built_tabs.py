"""The page's tabs and what drives them, without a browser, called as Gradio calls them."""

from operator import attrgetter

import gradio as gr

from app.lesson.progress import Progress
from app.state import Visitor
from app.tabs.tab import Shared
from app.ui import TABS, address_of, build_page
from app.words.language import FIRST

TAB_IDS = tuple(tab.id for tab in TABS)


def built(kind, service):
    """One tab alone."""
    with gr.Blocks() as blocks:
        shared = Shared(
            service, gr.State(Visitor()), gr.State(None), gr.State(service.model_name), gr.HTML()
        )
        tab = kind(shared)
        tab.build()
    tab.blocks = blocks
    return tab


def holding(tab, **named):
    """What all components of a tab hold: what they were built with, but for those named, which are
    attributes of the tab, further__held for further.held, or shared by tabs."""
    values = {part: getattr(part, "value", None) for part in tab.blocks.blocks.values()}
    for name, value in named.items():
        of = tab.shared if hasattr(tab.shared, name) else tab
        values[attrgetter(name.replace("__", "."))(of)] = value
    return values


def ran(tab, steps=None, *, waits=True, **named):
    """All updates of a run, while the tab holds the named values."""
    values = {**holding(tab, **named), tab.runs.waits: waits}
    return list(tab.runs.run(steps or tab.steps, values))


def guided(service, tabs=TABS):
    """What drives a page."""
    with gr.Blocks():
        return build_page(service, FIRST, tabs)


def address(service, tabs=TABS):
    """The fields of a page's address."""
    return address_of(service, tabs)


def arrive(guide, view, visitor, progress=None):
    """The updates that a view sends to the page's components."""
    held = {guide.wanted: view, guide.visitor: visitor, guide.progress: progress or Progress()}
    return guide.arrive(held)


def looked_up(guide, sent, visitor, progress):
    """(view, progress) of what a browser sends."""
    held = {guide.visitor: visitor, guide.progress: progress}
    updates = guide.look_up(held, gr.EventData(None, sent))
    return updates[guide.wanted], updates[guide.progress]
