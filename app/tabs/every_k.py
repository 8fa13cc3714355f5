"""The run at every K, as a chart and as a table, to read and to take away."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import text
from app.downloads import cached, download_button
from app.figures.cost import cost_figure
from app.figures.tables import csv_text
from app.state import Visitor
from app.view import every_k_rows
from vtw_core.results import Run


@dataclass(frozen=True)
class EveryKTab:
    """``outputs`` take what ``show`` returns."""

    outputs: tuple[Any, ...]


def build(visitor: gr.State, first: Run) -> EveryKTab:
    gr.Markdown(text.EVERY_K_INTRO)
    plot = gr.Plot(cost_figure(first), show_label=False, container=False)
    table = gr.Dataframe(
        every_k_rows(first), headers=list(text.EVERY_K_COLUMNS), interactive=False, wrap=True,
        show_label=False, column_widths=[55, 95, 95, 95, 240, 85, 230, 100, 85, 100, 80, 95],
    )  # fmt: skip
    with gr.Row():
        download_button(text.SAVE_RUN, "save-run", write_run, [visitor])
        download_button(text.SAVE_TABLE, "save-table", write_table, [visitor])
    return EveryKTab(outputs=(plot, table))


def show(visitor: Visitor) -> tuple[Any, ...]:
    if visitor.run is None:
        return gr.skip(), gr.skip()
    return cost_figure(visitor.run), every_k_rows(visitor.run)


def write_run(visitor: Visitor) -> str | None:
    if visitor.run is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return cached(visitor.run.save(Path(folder) / "run.vtw").read_bytes(), "run.vtw")


def write_table(visitor: Visitor) -> str | None:
    if visitor.run is None:
        return None
    table = csv_text(text.EVERY_K_COLUMNS, every_k_rows(visitor.run))
    return cached(table.encode("utf-8"), "every_k.csv")
