"""Methods at equal budget: the recorded comparison, to read and to take away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError
from vtw_core.results.equal_budget import SHORT, BudgetComparison

from ..components.chart import chart_part, show_chart
from ..figures.budget import Choices, pareto, table
from ..gradio_internals import sent_with
from ..links.view_address import View
from ..presenters.budget_view import (
    X_MEASURES,
    Y_MEASURES,
    facts,
    kind_name,
    numbers_csv,
    reading,
    stages,
)
from ..requests.events import GLUE
from ..sections.board import save_chart
from ..sections.downloads import cached_table, download_button, download_on
from ..words import budget as text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service


PLACES = ("kind", "measure", "cost", "variants")
"""The controls' names in an address, in their order."""


@dataclass(frozen=True)
class WhichMethodTab:
    """``outputs`` take what ``show`` returns for ``inputs``; ``places``, of which an address tells,
    what ``arrive`` returns; ``kinds`` are those of the questions. Without a recorded comparison
    there is nothing to show."""

    show: Any
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    places: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


def build(service: Service) -> WhichMethodTab:
    gr.Markdown(text.INTRO)
    try:
        comparison = service.recorded_budgets
    except InputError as problem:
        gr.Markdown(text.NOT_RECORDED.format(problem=worded(problem)), elem_id="methods-missing")
        return WhichMethodTab(show=tuple)
    made = _Made(comparison)
    with gr.Column(visible=False, elem_classes="inside") as content:
        words = gr.Markdown(elem_id="methods-reading", container=True)
        controls = _controls(comparison)
        chart, rows = chart_part("methods-pareto"), chart_part("methods-table")
        download_button(text.SAVE_NUMBERS, "save-methods", made.numbers, [])
        foot = gr.Markdown(elem_classes="page-foot", elem_id="methods-facts")
    for control in controls:
        control.input(made.both, controls, [chart, rows], **GLUE)
    file = gr.DownloadButton(visible="hidden", elem_id="methods-file")
    download_on(chart.select, made.save_pareto, controls, file)
    download_on(rows.select, made.save_table, controls, file)

    def show(*choices: Any) -> tuple[Any, ...]:
        """The whole tab; its intervals take too long to be worked out before it is opened."""
        stale = "" if service.is_of_these_weights(comparison) else text.CHANGED_WEIGHTS
        told = made.reading(), stale + facts(comparison)
        return gr.Column(visible=True), *made.both(*choices), *told

    return WhichMethodTab(
        show, tuple(controls), (content, chart, rows, words, foot),
        places=dict(zip(PLACES, controls, strict=True)), kinds=tuple(comparison.every_kind),
    )  # fmt: skip


def arrive(view: View) -> tuple[Any, ...]:
    """The controls that a view tells of; the others stay as the visitor left them."""
    told = (getattr(view, name) for name in PLACES)
    return tuple(gr.skip() if value is None else value for value in told)


def _controls(comparison: BudgetComparison) -> list[Any]:
    """In the order of ``Choices``."""
    kinds = (SHORT, *comparison.long_kinds)
    kinds += tuple(kind for kind in comparison.every_kind if kind not in kinds)
    with gr.Row():
        kind = gr.Dropdown(
            [(kind_name(kind), kind) for kind in kinds], value=SHORT, label=text.CONTROL_KIND,
            min_width=200, elem_id="methods-kind",
        )  # fmt: skip
        measure = gr.Dropdown(
            [(text.MEASURES[name], name) for name in Y_MEASURES], value=Y_MEASURES[0],
            label=text.CONTROL_MEASURE, min_width=230, elem_id="methods-measure",
        )  # fmt: skip
        cost = gr.Dropdown(
            [(text.COSTS[name], name) for name in X_MEASURES], value=X_MEASURES[0],
            label=text.CONTROL_COST, min_width=230, elem_id="methods-cost",
        )  # fmt: skip
    everything = gr.Checkbox(label=text.CONTROL_EVERY, elem_id="methods-everything")
    return [kind, measure, cost, everything]


class _Made:
    """What is made of the comparison for a visitor's choices, which are clamped."""

    def __init__(self, comparison: BudgetComparison) -> None:
        self._comparison = comparison

    def both(self, *choices: Any) -> tuple[Any, Any]:
        """The values of the chart and of the table."""
        layers = self._comparison.facts["layers"]
        return (
            show_chart(pareto(self._comparison, Choices(*choices)), layers),
            show_chart(table(self._comparison, choices[0]), layers),
        )

    def reading(self) -> str:
        """What wins where, in words."""
        lines = "\n".join(f"- {line}" for line in reading(self._comparison))
        return f"## {text.READING_TITLE}\n{lines}\n\n{stages(self._comparison)}"

    def save_pareto(self, event: gr.EventData, *choices: Any) -> str:
        return save_chart(lambda: pareto(self._comparison, Choices(*choices)), sent_with(event))

    def save_table(self, event: gr.EventData, *choices: Any) -> str:
        return save_chart(lambda: table(self._comparison, choices[0]), sent_with(event))

    def numbers(self) -> str:
        return cached_table(numbers_csv(self._comparison), "methods.csv")
