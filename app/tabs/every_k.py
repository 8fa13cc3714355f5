"""The run at every K, as charts and as a table, to read and to take away."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from vtw_core.results.run import Run

from ..components.kbar import kbar, show_kbar
from ..figures import every_k
from ..inputs.pictures import thumbnails
from ..presenters.csv_text import csv_text
from ..presenters.view import every_k_rows, every_k_shown
from ..requests.events import GLUE_OF_EVENT
from ..requests.faults import on_disk
from ..sections.board import Board
from ..sections.downloads import cached, cached_table, download_button
from ..sections.held_k import k_of, keep_k
from ..state import Visitor
from ..words import page as text


@dataclass(frozen=True)
class EveryKTab:
    """``outputs`` take what ``show`` returns for ``inputs``."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


def choices(visitor: Visitor, k: int) -> every_k.Choices:
    return every_k.Choices(k, visitor.eta)


def new_board() -> Board:
    return Board("every-k", every_k.CHARTS, choices, needs_inside=False)


def build(visitor: gr.State, k: gr.State, first: Run) -> EveryKTab:
    board = new_board()
    gr.Markdown(text.EVERY_K_INTRO)
    with gr.Column(visible=False, elem_classes="inside") as content:
        bar = kbar("every-k-k")
        gr.Markdown(f"## {text.EVERY_K_CHARTS}", elem_classes="step-title")
        board.place(*every_k.CHARTS)
        gr.Markdown(f"## {text.EVERY_K_TABLE}", elem_classes="step-title")
        table = gr.Dataframe(
            every_k_shown(first), headers=list(text.EVERY_K_SHOWN), interactive=False, wrap=True,
            show_label=False, column_widths=[55, 95, 95, 95, 240, 85, 230, 100, 85, 100, 80, 95],
        )  # fmt: skip
        with gr.Row():
            download_button(text.SAVE_RUN, "save-run", write_run, [visitor])
            download_button(text.SAVE_TABLE, "save-table", write_table, [visitor])
            download_button(text.REPORT, "save-report", write_report, [visitor])
    board.connect(visitor, k, {})
    moved = bar.release(keep_k, [visitor, k], k, **GLUE_OF_EVENT)
    board.redraw_on(moved.success, ("cost",), [visitor, k])
    parts = [board.parts[name] for name in every_k.CHARTS]
    return EveryKTab(inputs=(visitor, k), outputs=(content, bar, *parts, table))


def show(visitor: Visitor, k: int | None) -> tuple[Any, ...]:
    """The whole tab for the visitor's run."""
    if visitor.run is None:
        return (gr.skip(),) * (len(every_k.CHARTS) + 3)
    at = k_of(visitor, k)
    bar, shown = show_kbar(visitor.run, at), gr.Column(visible=True)
    return shown, bar, *_charts(visitor, at), every_k_shown(visitor.run)


def _charts(visitor: Visitor, at: int) -> list[Any]:
    return new_board().values(visitor, choices(visitor, at), list(every_k.CHARTS))


def write_run(visitor: Visitor) -> str | None:
    if visitor.run is None:
        return None
    with on_disk(), tempfile.TemporaryDirectory() as folder:
        return cached(visitor.run.save(Path(folder) / "run.vtw").read_bytes(), "run.vtw")


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
