"""Attention sinks: where the text's attention goes, and what is left for the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from vtw_core.analysis.rows import inside_of, tokens_of
from vtw_core.analysis.sinks import sink_verdict
from vtw_core.results.run import Run

from ..components.gaze import gaze, show_gaze
from ..components.kbar import kbar, show_kbar
from ..figures import sinks, tokens
from ..gradio_internals import sent_with
from ..inputs.clamping import clamped
from ..inputs.pictures import thumbnails
from ..links.view_address import View
from ..presenters.inside_view import sink_words
from ..requests.events import GLUE_OF_EVENT
from ..sections.board import Board
from ..sections.held_k import k_of, keep_k
from ..state import Visitor
from ..words import inside as text

MEAN = -1
"""Of all heads, in the list of heads."""
AT_K = ("mass", "looks")
"""Charts that may show one K, and not only where it stands."""
PLACES = ("rows", "head", "withdrawn", "linear", "layer")
"""The controls' names in an address, in their order."""
LAST = 10_000
"""No layer yet: more than any model has, so it becomes the last of a run."""


@dataclass(frozen=True)
class SinksTab:
    """``outputs`` take what ``show`` returns for ``inputs``; ``places``, of which an address tells,
    what ``arrive`` returns."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    places: dict[str, Any]


def choices(
    visitor: Visitor, k: int, rows: Any, head: Any, withdrawn: Any, log: Any, layer: Any
) -> sinks.Choices:
    """K and the controls' values, in their order."""
    return sinks.Choices(rows, None if head == MEAN else head, layer, k, bool(withdrawn), bool(log))


def new_board() -> Board:
    return Board("sinks", sinks.CHARTS, choices)


def build(visitor: gr.State, k: gr.State) -> SinksTab:
    board = new_board()
    gr.Markdown(text.SINKS_INTRO)
    notice = gr.Markdown(text.NO_INSIDE, visible=False, elem_id="sinks-notice")
    with gr.Column(visible=False, elem_classes="inside") as content:
        verdict = gr.Markdown(elem_id="sinks-verdict", elem_classes="verdict", container=True)
        bar = kbar("sinks-k")
        gr.Markdown(f"## {text.SECTION_SEGMENTS}", elem_classes="step-title")
        with gr.Row():
            rows = gr.Dropdown(
                [(words, name) for name, words in text.ROWS.items()], value="last_prompt",
                label=text.CONTROL_ROWS, min_width=250, elem_id="sinks-rows",
            )  # fmt: skip
            head = gr.Dropdown(label=text.CONTROL_HEAD, min_width=250, elem_id="sinks-head")
            withdrawn = gr.Checkbox(
                label=text.CONTROL_WITHDRAWN, min_width=250, elem_id="sinks-withdrawn"
            )
        board.place("mass")
        with gr.Row(equal_height=True):
            for name in ("heads_sink", "heads_visual"):
                with gr.Column(min_width=320):
                    board.place(name)
        log = gr.Checkbox(True, label=text.CONTROL_LOG, elem_id="sinks-log")
        board.place("received")
        gr.Markdown(f"## {text.SECTION_GAZE}", elem_classes="step-title")
        looks = gaze("gaze")
        board.place("looks")
        gr.Markdown(f"## {text.SECTION_MAPS}", elem_classes="step-title")
        layer = gr.Slider(0, LAST, LAST, step=1, label=text.CONTROL_LAYER, elem_id="sinks-layer")
        board.place("layer_map", "layer_sheet")
        gr.Markdown(f"## {text.SECTION_TOKENS}", elem_classes="step-title")
        board.place("sink_table", "visual_table", "massive_table")
    controls = {
        rows: ("mass", "heads_sink", "heads_visual", "looks"), head: ("mass",),
        withdrawn: AT_K,
        log: ("received",), layer: ("layer_map", "layer_sheet"),
    }  # fmt: skip
    board.connect(visitor, k, controls)
    inputs = [visitor, k, *controls]
    moved = bar.release(keep_k, [visitor, k], k, **GLUE_OF_EVENT)
    board.redraw_on(moved.success, AT_K, inputs)
    looks.select(look, [visitor, k], looks, **GLUE_OF_EVENT)
    parts = [board.parts[name] for name in sinks.CHARTS]
    outputs = (content, notice, verdict, bar, *controls, looks, *parts)
    places = dict(zip(PLACES, controls, strict=True))
    return SinksTab(inputs=tuple(inputs), outputs=outputs, places=places)


def show(visitor: Visitor, k: int | None, *controls: Any) -> tuple[Any, ...]:
    """The whole tab for the visitor's run; one sentence where nothing was recorded inside it."""
    names = list(sinks.CHARTS)
    if visitor.run is None or visitor.run.inside is None:
        nothing = [gr.skip()] * len(controls)
        empty = gr.Column(visible=False), gr.Markdown(visible=True), "", None
        return *empty, *nothing, None, *[None] * len(names)
    run, at = visitor.run, k_of(visitor, k)
    chosen = choices(visitor, at, *controls).clamped(run)
    return (
        gr.Column(visible=True), gr.Markdown(visible=False), _verdict(run),
        show_kbar(run, at), *_controls(run, chosen),
        show_gaze(run, at, thumbnails(visitor.pictures)),
        *new_board().values(visitor, chosen, names),
    )  # fmt: skip


def arrive(view: View, run: Run) -> tuple[Any, ...]:
    """The controls that a view tells of; the others stay as the visitor left them."""
    told = [getattr(view, name) for name in PLACES]
    if run.inside is None:
        return (gr.skip(),) * len(told)
    usual = sinks.Choices()
    chosen = sinks.Choices(
        rows=usual.rows if view.rows is None else view.rows, head=view.head, layer=view.layer,
        k=0, withdrawn=bool(view.withdrawn), log=not view.linear,
    ).clamped(run)  # fmt: skip
    return tuple(
        gr.skip() if value is None else control
        for value, control in zip(told, _controls(run, chosen), strict=True)
    )


def _verdict(run: Run) -> str:
    return sink_words(sink_verdict(run), tokens_of(run)[1])


def _controls(run: Run, chosen: sinks.Choices) -> tuple[Any, ...]:
    """The controls, offering what this run has."""
    heads = inside_of(run).attention.mass.shape[1]
    of_heads = [(text.CONTROL_HEAD_ONE.format(head=head), head) for head in range(heads)]
    return (
        gr.Dropdown(choices=tokens.row_options(run), value=chosen.rows),
        gr.Dropdown(
            choices=[(text.CONTROL_HEAD_MEAN, MEAN), *of_heads],
            value=MEAN if chosen.head is None else chosen.head,
        ),
        gr.Checkbox(chosen.withdrawn), gr.Checkbox(chosen.log),
        gr.Slider(maximum=max(1, run.layers - 1), value=chosen.layer),
    )  # fmt: skip


def look(event: gr.EventData, visitor: Visitor, k: int | None) -> Any:
    """One word's rows and one patch's readers, of a run whose weights do not all travel."""
    if visitor.run is None or visitor.run.inside is None:
        return gr.skip()
    asked = sent_with(event)
    inside, patch = visitor.run.inside, asked.get("patch")
    last_row, last_patch = len(inside.attention.query_positions) - 1, len(inside.patches) - 1
    return show_gaze(
        visitor.run, k_of(visitor, k), thumbnails(visitor.pictures),
        row=clamped(asked.get("row"), 0, last_row, 0),
        patch=None if patch is None else clamped(patch, 0, last_patch, 0),
    )  # fmt: skip
