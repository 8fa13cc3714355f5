"""Attention sinks: where the text's attention goes, and what is left for the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from ..links.view_address import Field, last_row, rows, whole, yes
from ..presenters.inside_view import sink_words
from ..requests.events import IMMEDIATE_EACH
from ..sections.board import Board
from ..sections.held_k import k_of, keep_k
from ..sections.run_flow import Updates, Values
from ..words import inside as text
from .tab import Arrival, Tab

if TYPE_CHECKING:
    from ..service.service import Service

MEAN = -1
"""Of all heads, in the list of heads."""
AT_K = ("mass", "looks")
"""Charts that may show one K, and not only where it stands."""
LAST = 10_000
"""No layer yet: more than any model has, so it becomes the last of a run."""


class Sinks(Tab):
    id = "sinks"

    @property
    def title(self) -> str:
        return str(text.TAB_SINKS)

    @classmethod
    def fields(cls, service: Service) -> tuple[Field, ...]:
        return (
            whole("layer", lambda run: run.layers - 1),
            whole("row", last_row),  # text token whose attention the picture shows
            whole("patch", lambda run: run.visual_tokens - 1),  # visual token, with its readers
            rows("last_prompt"),
            whole("head", _last_head, usual=MEAN),
            yes("withdrawn"),
            yes("linear", javascript="{ linear: !value }"),  # what positions receive
        )

    def build(self) -> None:
        visitor, k = self.shared.visitor, self.shared.k
        self.board = board = Board("sinks", sinks.CHARTS, self._source)
        gr.Markdown(text.SINKS_INTRO)
        self.notice = gr.Markdown(text.NO_INSIDE, visible=False, elem_id="sinks-notice")
        with gr.Column(visible=False, elem_classes="inside") as self.content:
            self.verdict = gr.Markdown(
                elem_id="sinks-verdict", elem_classes="verdict", container=True
            )
            self.bar = kbar("sinks-k")
            gr.Markdown(f"## {text.SECTION_SEGMENTS}", elem_classes="step-title")
            with gr.Row():
                self.rows = gr.Dropdown(
                    [(words, name) for name, words in text.ROWS.items()], value="last_prompt",
                    label=text.CONTROL_ROWS, min_width=250, elem_id="sinks-rows",
                )  # fmt: skip
                self.head = gr.Dropdown(
                    label=text.CONTROL_HEAD, min_width=250, elem_id="sinks-head"
                )
                self.withdrawn = gr.Checkbox(
                    label=text.CONTROL_WITHDRAWN, min_width=250, elem_id="sinks-withdrawn"
                )
            board.place("mass")
            with gr.Row(equal_height=True):
                for name in ("heads_sink", "heads_visual"):
                    with gr.Column(min_width=320):
                        board.place(name)
            self.log = gr.Checkbox(True, label=text.CONTROL_LOG, elem_id="sinks-log")
            board.place("received")
            gr.Markdown(f"## {text.SECTION_GAZE}", elem_classes="step-title")
            self.gaze = gaze("gaze")
            board.place("looks")
            gr.Markdown(f"## {text.SECTION_MAPS}", elem_classes="step-title")
            self.layer = gr.Slider(
                0, LAST, LAST, step=1, label=text.CONTROL_LAYER, elem_id="sinks-layer"
            )
            board.place("layer_map", "layer_sheet")
            gr.Markdown(f"## {text.SECTION_TOKENS}", elem_classes="step-title")
            board.place("sink_table", "visual_table", "massive_table")
        moves = {
            self.rows: ("mass", "heads_sink", "heads_visual", "looks"), self.head: ("mass",),
            self.withdrawn: AT_K, self.log: ("received",),
            self.layer: ("layer_map", "layer_sheet"),
        }  # fmt: skip
        self.inputs = (visitor, k, *moves)
        board.connect(self.inputs, moves)
        moved = self.bar.release(keep_k, [visitor, k], k, **IMMEDIATE_EACH)
        board.redraw_on(moved.success, AT_K, self.inputs)
        self.gaze.select(self.look, {visitor, k}, self.gaze, **IMMEDIATE_EACH)
        self.outputs = (
            self.content, self.notice, self.verdict, self.bar, *moves, self.gaze,
            *board.parts.values(),
        )  # fmt: skip
        self.controls = {
            "rows": self.rows, "head": self.head, "withdrawn": self.withdrawn, "linear": self.log,
            "layer": self.layer,
        }  # fmt: skip

    def show(self, values: Values) -> Updates:
        """The whole tab for the visitor's run; one sentence where nothing was recorded inside."""
        visitor, source = values[self.shared.visitor], self._source(values)
        drawn = self.board.draw(source)
        if source is None:
            return {
                self.content: gr.Column(visible=False), self.notice: gr.Markdown(visible=True),
                self.verdict: "", self.bar: None, self.gaze: None, **drawn,
            }  # fmt: skip
        run, chosen = source
        at = k_of(visitor, values[self.shared.k])
        return {
            self.content: gr.Column(visible=True), self.notice: gr.Markdown(visible=False),
            self.verdict: sink_words(sink_verdict(run), tokens_of(run)[1]),
            self.bar: show_kbar(run, at),
            self.gaze: show_gaze(run, at, thumbnails(visitor.pictures)),
            **self._controls(run, chosen), **drawn,
        }  # fmt: skip

    def arrive(self, arrival: Arrival) -> Updates:
        run, said = arrival.run, arrival.view
        if run.inside is None:
            return {}
        chosen = sinks.Choices(
            rows=said.get("rows", sinks.Choices.rows), head=said.get("head"),
            layer=said.get("layer"), k=0, withdrawn="withdrawn" in said, log="linear" not in said,
        ).clamped(run)  # fmt: skip
        updates = self._controls(run, chosen)
        return {part: updates[part] for name, part in self.controls.items() if name in said}

    def _source(self, values: Values) -> tuple[Run, sinks.Choices] | None:
        visitor = values[self.shared.visitor]
        if visitor.run is None or visitor.run.inside is None:
            return None
        head = values[self.head]
        chosen = sinks.Choices(
            values[self.rows], None if head == MEAN else head, values[self.layer],
            k_of(visitor, values[self.shared.k]), bool(values[self.withdrawn]),
            bool(values[self.log]),
        )  # fmt: skip
        return visitor.run, chosen.clamped(visitor.run)

    def _controls(self, run: Run, chosen: sinks.Choices) -> Updates:
        """The controls, offering what this run has."""
        of_heads = [
            (text.CONTROL_HEAD_ONE.format(head=head), head) for head in range(_last_head(run) + 1)
        ]
        return {
            self.rows: gr.Dropdown(choices=tokens.row_options(run), value=chosen.rows),
            self.head: gr.Dropdown(
                choices=[(text.CONTROL_HEAD_MEAN, MEAN), *of_heads],
                value=MEAN if chosen.head is None else chosen.head,
            ),
            self.withdrawn: gr.Checkbox(chosen.withdrawn),
            self.log: gr.Checkbox(chosen.log),
            self.layer: gr.Slider(maximum=max(1, run.layers - 1), value=chosen.layer),
        }

    def look(self, values: Values, event: gr.EventData) -> Any:
        """One word's rows and one patch's readers, of a run whose weights do not all travel."""
        visitor = values[self.shared.visitor]
        if visitor.run is None or visitor.run.inside is None:
            return gr.skip()
        asked = sent_with(event)
        inside, patch = inside_of(visitor.run), asked.get("patch")
        return show_gaze(
            visitor.run, k_of(visitor, values[self.shared.k]), thumbnails(visitor.pictures),
            row=clamped(asked.get("row"), 0, last_row(visitor.run), 0),
            patch=None if patch is None else clamped(patch, 0, len(inside.patches) - 1, 0),
        )  # fmt: skip


def _last_head(run: Run) -> int:
    return run.inside.attention.mass.shape[1] - 1 if run.inside else -1
