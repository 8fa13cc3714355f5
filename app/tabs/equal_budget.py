"""Methods at equal budget: the recorded comparison, to read and to take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from vtw_core.errors import InputError
from vtw_core.results.equal_budget import SHORT, BudgetComparison

from ..figures.budget import Choices, pareto, table
from ..links.view_address import Field, one_of, yes
from ..presenters.budget_view import (
    X_MEASURES,
    Y_MEASURES,
    facts,
    kind_name,
    numbers_csv,
    reading,
    stages,
)
from ..sections.board import Board
from ..sections.downloads import cached_table, download_button
from ..sections.run_flow import Updates, Values
from ..words import budget as text
from ..words.library_words import worded
from .tab import Tab

if TYPE_CHECKING:
    from ..service.service import Service

CHARTS = {
    "pareto": pareto,
    "table": lambda comparison, chosen: table(comparison, chosen.kind),
}


class EqualBudget(Tab):
    id = "budget"
    follows_run = False

    @property
    def title(self) -> str:
        return str(text.TAB_BUDGET)

    @classmethod
    def fields(cls, service: Service) -> tuple[Field, ...]:
        try:
            kinds = tuple(service.recorded_budgets.every_kind)
        except InputError:
            return ()
        return (
            one_of("kind", kinds, usual=SHORT),  # of questions
            one_of("measure", Y_MEASURES, usual=Y_MEASURES[0]),
            one_of("cost", X_MEASURES, usual=X_MEASURES[0]),
            yes("variants"),  # and further controls too
        )

    def build(self) -> None:
        """Without a recorded comparison there is nothing to show but why."""
        gr.Markdown(text.INTRO)
        try:
            self.comparison = self.shared.service.recorded_budgets
        except InputError as problem:
            missing = text.NOT_RECORDED.format(problem=worded(problem))
            gr.Markdown(missing, elem_id="methods-missing")
            return
        self.board = Board(
            "budget", CHARTS, self._source, layers=lambda comparison: comparison.facts["layers"]
        )
        with gr.Column(visible=False, elem_classes="inside") as self.content:
            self.words = gr.Markdown(elem_id="methods-reading", container=True)
            self._build_controls(self.comparison)
            self.board.place(*CHARTS)
            download_button(text.SAVE_NUMBERS, "save-budget", self.numbers, [])
            self.foot = gr.Markdown(elem_classes="page-foot", elem_id="methods-facts")
        self.inputs = tuple(self.controls.values())
        self.board.connect(self.inputs, dict.fromkeys(self.inputs, tuple(CHARTS)))
        self.outputs = (self.content, *self.board.parts.values(), self.words, self.foot)

    def _build_controls(self, comparison: BudgetComparison) -> None:
        kinds = (SHORT, *comparison.long_kinds)
        kinds += tuple(kind for kind in comparison.every_kind if kind not in kinds)
        with gr.Row():
            self.kind = gr.Dropdown(
                [(kind_name(kind), kind) for kind in kinds], value=SHORT, label=text.CONTROL_KIND,
                min_width=200, elem_id="methods-kind",
            )  # fmt: skip
            self.measure = gr.Dropdown(
                [(text.MEASURES[name], name) for name in Y_MEASURES], value=Y_MEASURES[0],
                label=text.CONTROL_MEASURE, min_width=230, elem_id="methods-measure",
            )  # fmt: skip
            self.cost = gr.Dropdown(
                [(text.COSTS[name], name) for name in X_MEASURES], value=X_MEASURES[0],
                label=text.CONTROL_COST, min_width=230, elem_id="methods-cost",
            )  # fmt: skip
        self.variants = gr.Checkbox(label=text.CONTROL_EVERY, elem_id="methods-everything")
        self.controls = {
            "kind": self.kind, "measure": self.measure, "cost": self.cost,
            "variants": self.variants,
        }  # fmt: skip

    def show(self, values: Values) -> Updates:
        """The whole tab; its intervals take too long to be worked out before it is opened."""
        if not self.outputs:
            return {}
        of_these = self.shared.service.is_of_these_weights(self.comparison)
        return {
            self.content: gr.Column(visible=True),
            **self.board.show(values),
            self.words: self.reading(),
            self.foot: ("" if of_these else text.CHANGED_WEIGHTS) + facts(self.comparison),
        }

    def _source(self, values: Values) -> tuple[BudgetComparison, Choices]:
        chosen = Choices(
            values[self.kind], values[self.measure], values[self.cost], values[self.variants]
        )
        return self.comparison, chosen.clamped(self.comparison)

    def reading(self) -> str:
        """What wins where, in words."""
        lines = "\n".join(f"- {line}" for line in reading(self.comparison))
        return f"## {text.READING_TITLE}\n{lines}\n\n{stages(self.comparison)}"

    def numbers(self) -> str:
        return cached_table(numbers_csv(self.comparison), "methods.csv")
