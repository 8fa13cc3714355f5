"""Methods at equal budget on the page: every choice is drawn, and the words follow the numbers."""

import csv
import dataclasses
import io
import json
import re

import numpy as np
import pytest
from built_tabs import built, holding
from small_budgets import K_STAR, made_up_comparison

from app.figures import budget, style
from app.figures.chart import Table
from app.figures.plotly_charts import figure
from app.presenters.budget_view import MAIN, facts, numbers_csv, reading, stages
from app.tabs.equal_budget import EqualBudget
from app.words import budget as text
from vtw_core.results.equal_budget import MEASURES, SHORT, load_budget_comparison

COMPARISON = made_up_comparison()


def with_right(**right):
    """The comparison with series that are right on every question, or on none."""

    def changed(one):
        if one.series not in right:
            return one
        values = dict(one.values) | {"right": np.full(len(COMPARISON.kinds), right[one.series])}
        return dataclasses.replace(one, values=values)

    every = tuple(changed(one) for one in COMPARISON.contenders)
    return dataclasses.replace(COMPARISON, contenders=every)


@pytest.mark.parametrize("kind", [SHORT, *COMPARISON.every_kind])
@pytest.mark.parametrize("measure", budget.Y_MEASURES)
def test_every_choice_is_a_chart_that_says_what_it_shows(kind, measure):
    for cost in budget.X_MEASURES:
        chart = budget.pareto(COMPARISON, budget.Choices(kind, measure, cost, True))
        assert figure(chart).data
        assert "{" not in chart.title + chart.caption + chart.summary + chart.x_label
        assert "FastV, K = 1" in chart.summary
    low, high = chart.y_range
    for series in chart.series:
        assert chart.log_y or low <= series.low.min()
        assert series.high.max() <= high


def test_series_of_one_method_share_its_colour_and_differ_without_it():
    chart = budget.pareto(COMPARISON, budget.Choices(everything=True))
    assert len(chart.series) == 8
    assert {series.color for series in chart.series} == set(style.METHODS.values())
    looks = [(series.color, series.dash, series.filled) for series in chart.series]
    assert len(set(looks)) == len(looks)
    markers = {(series.color, series.marker) for series in chart.series}
    assert len(markers) == len(style.METHODS) == len({marker for _, marker in markers})


def test_the_story_is_told_by_five_series_and_the_rest_on_request():
    chart = budget.pareto(COMPARISON, budget.Choices())
    assert len(chart.series) == len(MAIN)


def test_a_chart_sums_up_the_cheapest_settings_as_good_as_the_baseline():
    made = with_right(vtw=1, mustdrop=0)
    summary = budget.pareto(made, budget.Choices(cost="visual_tokens")).summary
    assert "VTW, K = 0 (6); " in summary
    assert "MustDrop, stages a b c: none" in summary
    assert "nothing withdrawn" not in summary


def test_what_a_visitor_sends_is_clamped():
    chosen = budget.Choices("<script>", "weight", ["flops"], "yes").clamped(COMPARISON)
    assert chosen == budget.Choices(everything=True)
    assert isinstance(budget.table(COMPARISON, None), Table)


def test_the_table_has_a_row_for_each_setting_and_the_csv_one_for_each_number():
    table = budget.table(COMPARISON, "count")
    assert len(table.rows) == len(COMPARISON.contenders)
    assert {len(row) for row in table.rows} == {len(text.TABLE_COLUMNS)}
    assert len({row[0] for row in table.rows}) == len(table.rows), "a name says which one it is"
    rows = list(csv.DictReader(io.StringIO(numbers_csv(COMPARISON))))
    kinds = 1 + len(COMPARISON.every_kind)
    assert len(rows) == len(COMPARISON.contenders) * len(MEASURES) * kinds
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)


def test_the_reading_says_who_beats_vtw_and_whom_it_beats():
    lines = reading(with_right(vtw=0, mustdrop=1, fastv=0, random_fastv=0))
    assert f"K\\* = {K_STAR}" in lines[0]
    assert "VTW 0% (" in lines[0]
    assert "MustDrop 100% (" in lines[0]
    assert (
        "right than VTW: MustDrop; significantly less often: none; no significant difference: "
        "FastV, random tokens." in lines[0]
    )
    lines = reading(with_right(vtw=1, mustdrop=0, fastv=1, random_fastv=0))
    assert "less often: MustDrop, random tokens; no significant difference: FastV." in lines[0]


def test_the_reading_counts_where_chance_wins():
    found = reading(with_right(fastv=0, random_fastv=1, vtw=1))
    assert any(
        "VTW is significantly better at 0 and worse at 0 of 2 budgets" in line
        and "FastV, K = 1 is significantly better at 0 and worse at 2 of 2 budgets" in line
        for line in found
    )


def test_every_sentence_is_filled_in_and_names_what_is_out_of_reach():
    lines = [*reading(COMPARISON), stages(COMPARISON), facts(COMPARISON)]
    assert not re.search(r"[{}]|None|nan", " ".join(lines))
    assert any("MustDrop, stages a b c" in line and "give 16 visual" in line for line in lines)
    assert "say nothing about other models" in lines[-1]


class Recorded:
    """A service with a comparison, or without."""

    model_name = ""

    def __init__(self, path, here=True):
        self.path, self.here = path, here

    @property
    def recorded_budgets(self):
        return load_budget_comparison(self.path)

    def is_of_these_weights(self, comparison):
        return self.here


def words_of(demo):
    return " ".join(str(block.value) for block in demo.blocks.values() if hasattr(block, "value"))


def test_the_tab_says_when_its_numbers_are_of_other_weights(tmp_path):
    path = COMPARISON.save(tmp_path / "methods.vtwb")
    for here in (True, False):
        tab = built(EqualBudget, Recorded(path, here))
        told = tab.show(holding(tab, measure="kl_answer", cost="prefill_time", variants=True))
        assert set(told) == set(tab.outputs)
        assert (text.CHANGED_WEIGHTS.strip() in told[tab.foot]) is not here
        assert all(line in told[tab.words] for line in reading(COMPARISON))
    chart, table = (told[tab.board.parts[name]] for name in ("pareto", "table"))
    assert json.loads(chart["figure"])["layout"]["yaxis"]["type"] == "log"
    assert len(table["table"]["rows"]) == len(COMPARISON.contenders)


def test_a_page_without_a_recorded_budgets_says_how_to_make_one(tmp_path):
    tab = built(EqualBudget, Recorded(tmp_path / "none.json"))
    assert "python -m benchmarks.methods" in words_of(tab.blocks)
    assert "There is no file" in words_of(tab.blocks)
    assert (tab.outputs, tab.show({})) == ((), {})
