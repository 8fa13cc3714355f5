"""The run at every K, as charts and as a table, to read and to take away."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..components.kbar import kbar, show_kbar
from ..figures import every_k
from ..inputs.pictures import thumbnails
from ..presenters.csv_text import csv_text
from ..presenters.view import every_k_rows, every_k_shown
from ..requests.events import IMMEDIATE_EACH
from ..sections.board import Board
from ..sections.downloads import cached, cached_table, download_button
from ..sections.held_k import k_of, keep_k
from ..sections.run_flow import Updates, Values
from ..sections.saved_run import write_run
from ..state import Visitor
from ..words import page as text
from .tab import Tab


class EveryK(Tab):
    id = "every-k"

    @property
    def title(self) -> str:
        return str(text.TAB_EVERY_K)

    def build(self) -> None:
        visitor, k = self.shared.visitor, self.shared.k
        self.board = Board("every-k", every_k.CHARTS, self._source)
        gr.Markdown(text.EVERY_K_INTRO)
        with gr.Column(visible=False, elem_classes="inside") as self.content:
            self.bar = kbar("every-k-k")
            gr.Markdown(f"## {text.EVERY_K_CHARTS}", elem_classes="step-title")
            self.board.place(*every_k.CHARTS)
            gr.Markdown(f"## {text.EVERY_K_TABLE}", elem_classes="step-title")
            self.table = gr.Dataframe(
                every_k_shown(self.shared.service.examples[0].run),
                headers=list(text.EVERY_K_SHOWN), interactive=False, wrap=True, show_label=False,
                column_widths=[55, 95, 95, 95, 240, 85, 230, 100, 85, 100, 80, 95],
            )  # fmt: skip
            with gr.Row():
                download_button(text.SAVE_RUN, "save-run", write_run, [visitor])
                download_button(text.SAVE_TABLE, "save-table", write_table, [visitor])
                download_button(text.REPORT, "save-report", write_report, [visitor])
        self.board.connect([visitor, k], {})
        moved = self.bar.release(keep_k, [visitor, k], k, **IMMEDIATE_EACH)
        self.board.redraw_on(moved.success, ("cost",), [visitor, k])
        self.inputs = (visitor, k)
        self.outputs = (self.content, self.bar, *self.board.parts.values(), self.table)

    def show(self, values: Values) -> Updates:
        """The whole tab for the visitor's run."""
        visitor = values[self.shared.visitor]
        if visitor.run is None:
            return {}
        return {
            self.content: gr.Column(visible=True),
            self.bar: show_kbar(visitor.run, k_of(visitor, values[self.shared.k])),
            **self.board.show(values),
            self.table: every_k_shown(visitor.run),
        }

    def _source(self, values: Values) -> tuple[Any, ...] | None:
        visitor = values[self.shared.visitor]
        if visitor.run is None:
            return None
        at = k_of(visitor, values[self.shared.k])
        return visitor.run, every_k.Choices(at, visitor.eta)


def write_table(visitor: Visitor) -> str | None:
    if visitor.run is None:
        return None
    table = csv_text(text.EVERY_K_COLUMNS, every_k_rows(visitor.run))
    return cached_table(table, "every_k.csv")


def write_report(visitor: Visitor) -> str | None:
    if visitor.run is None:
        return None
    # With Plotly, which is not needed until a figure is looked at.
    from ..figures.report import report_html

    page = report_html(visitor.run, thumbnails(visitor.pictures), visitor.eta)
    return cached(page.encode("utf-8"), "report.html")
