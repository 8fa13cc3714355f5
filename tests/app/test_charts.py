"""Charts as data, and every renderer on every chart of runs of several sizes."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from inside_runs import SIZES, run_with_inside
from small_budgets import made_up_comparison

from app.figures import (
    budget,
    every_k,
    matplotlib_charts,
    migration,
    plotly_charts,
    sinks,
    style,
    tables,
)  # fmt: skip
from app.figures.chart import (
    Heatmap,
    Joint,
    KLine,
    Lines,
    Mark,
    Points,
    Scatter,
    Series,
    Sheet,
    Stack,
    Table,
)  # fmt: skip
from vtw_core.errors import InputError
from vtw_core.results.inside import SEGMENTS

WORDS = {"name": "n", "title": "T", "x_label": "x", "y_label": "y", "unit": "u", "caption": "c",
         "summary": "s"}  # fmt: skip


def every_chart(run, k=2):
    return [
        *every_k.charts(run, k),
        *sinks.charts(run, sinks.Choices(k=k)),
        *migration.charts(run, migration.Choices(k=k)),
    ]


@pytest.fixture(scope="module", params=SIZES)
def run(request):
    return run_with_inside(**SIZES[request.param])


def test_every_chart_of_every_run_says_what_it_shows_and_what_it_comes_to(run):
    charts = every_chart(run)
    for chart in charts:
        assert chart.title
        assert len(chart.caption) > 20
        assert chart.summary
        assert "{" not in chart.caption + chart.summary + chart.title
    assert len({chart.name for chart in charts}) == len(charts), "names of files must differ"


def test_every_chart_but_a_table_becomes_a_plotly_figure_of_plain_json(run):
    for chart in every_chart(run):
        if isinstance(chart, Table):
            with pytest.raises(InputError, match="CSV"):
                plotly_charts.figure(chart)
        else:
            figure = json.loads(plotly_charts.figure(chart).to_json())
            assert figure["layout"]["height"] > 100
            assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
            assert "title" not in figure["layout"]


def test_every_chart_becomes_csv_with_a_row_for_each_value(run):
    for chart in every_chart(run):
        rows = list(csv.reader(io.StringIO(tables.chart_csv(chart))))
        assert len({len(row) for row in rows}) == 1
        if isinstance(chart, (Lines, Stack)):
            assert len(rows) == 1 + len(chart.x)
        if isinstance(chart, (Heatmap, Sheet)):
            assert len(rows) == 1 + chart.values.size


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_every_kind_of_chart_is_drawn_to_the_same_bytes_twice(kind):
    run = run_with_inside(layers=2, grids=((1, 2),))
    points = budget.pareto(made_up_comparison(), budget.Choices(measure="kl_answer"))
    kinds = {type(chart): chart for chart in (*every_chart(run), points)}
    assert set(kinds) == {Lines, Stack, Heatmap, Sheet, Joint, Table, Points}
    for chart in kinds.values():
        if isinstance(chart, Table):
            with pytest.raises(InputError, match="CSV"):
                matplotlib_charts.export(chart, kind)
        else:
            data = matplotlib_charts.export(chart, kind)
            assert data.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
            assert data == matplotlib_charts.export(chart, kind)


def test_charts_with_k_at_either_end_and_with_words_are_drawn(run):
    drawn_alike = {}
    for chart in every_chart(run, k=run.layers):
        line = chart.k_line and chart.k_line.axis
        if isinstance(chart, Heatmap):
            drawn_alike[bool(chart.words), bool(chart.bands), bool(chart.y_bands), line] = chart
        elif isinstance(chart, Joint):
            drawn_alike[len(chart.panels), line] = chart
    assert len(drawn_alike) >= 4
    for chart in drawn_alike.values():
        assert matplotlib_charts.export(chart, "svg")


def test_a_chart_saved_as_html_needs_nothing_else_and_runs_no_words_of_a_model():
    run = run_with_inside(question=["<script>alert(1)</script>", "why"])
    page = plotly_charts.export_html(sinks.received(run, sinks.Choices()))
    assert "<script>alert(1)" not in page
    assert "https://cdn" not in page.split("<body>")[0]
    assert 'src="http' not in page
    assert "Plotly.newPlot" in page


def test_a_word_that_looks_like_a_formula_is_text_in_a_spreadsheet():
    run = run_with_inside(question=["=1+1", "@you"])
    rows = tables.chart_csv(migration.share_per_token(run, migration.Choices()))
    assert ",'=1+1," in rows
    assert ",=1+1" not in rows
    assert ",'@you," in rows


def test_a_missing_value_is_an_empty_cell_and_no_zero():
    lines = Lines(**WORDS, x=(0, 1), series=(Series("a", [np.nan, 2.0], "#000000"),))
    assert tables.chart_csv(lines).splitlines() == ["x,a", "0,", "1,2"]


def test_a_log_axis_leaves_out_what_is_not_above_zero():
    lines = Lines(
        **WORDS, x=(0, 1, 2), series=(Series("a", [1.0, 0.0, 0.1], "#000000"),), log_y=True,
        marks=(Mark("y", 0.003, "eta", "#000000"), Mark("x", 1, "here", "#000000")),
    )  # fmt: skip
    drawn = plotly_charts.figure(lines)
    assert np.isnan(drawn.data[0].y[1])
    assert drawn.layout.yaxis.type == "log"


def test_points_stand_at_their_values_with_their_own_intervals():
    one = Scatter("<b>", ("p", "=q"), [1, 2], [5, 6], [4, 6], [7, 8], "#000000", labels=("a", ""))
    chart = Points(**WORDS, series=(one,), x_unit="%")
    (drawn,) = plotly_charts.figure(chart).data
    assert drawn.name == "&lt;b&gt;"
    assert [*drawn.x, *drawn.y] == [1, 2, 5, 6]
    assert [*drawn.error_y.arrayminus, *drawn.error_y.array] == [1, 0, 2, 2]
    rows = list(csv.reader(io.StringIO(tables.chart_csv(chart))))
    assert rows == [
        ["series", "point", "x", "y", "low", "high"],
        ["<b>", "p", "1", "5", "4", "7"],
        ["<b>", "'=q", "2", "6", "6", "8"],
    ]


def test_points_on_a_log_axis_are_cut_off_where_it_ends_and_zero_has_no_point():
    one = Scatter("a", ("p", "q", "r"), [1, 2, 3], [0, 1e-9, 1], [0, 0, 1e-9], [0, 1, 2], "#000000")
    chart = Points(**WORDS, series=(one,), log_y=True, y_range=(1e-3, 10))
    y, (below, above) = chart.drawn(one)
    np.testing.assert_allclose(y, [np.nan, 1e-3, 1])
    np.testing.assert_allclose(below[1:], [0, 0.999])
    np.testing.assert_allclose(above[1:], [0.999, 1])
    assert plotly_charts.figure(chart).layout.yaxis.type == "log"


def test_a_log_colour_scale_keeps_its_ends_and_its_floor():
    heat = Heatmap(
        **WORDS, values=[[0.0, 0.5], [np.nan, 1.0]], low=1e-3, high=1, log=True,
        x_names=("a", "b"), y_names=("c", "d"),
    )  # fmt: skip
    np.testing.assert_allclose(heat.scaled, [[-3, np.log10(0.5)], [np.nan, 0]])
    assert heat.scaled_range == (-3, 0)
    drawn = plotly_charts.figure(heat)
    assert drawn.layout.coloraxis.cmin == -3
    assert drawn.layout.coloraxis.colorbar.ticktext == ("0.001", "0.01", "0.1", "1")


def test_the_line_of_k_stands_between_layers_and_can_be_found_by_name():
    shares = Series("a", [1.0, 1.0], "#000000")
    for k, at in ((0, -0.5), (2, 1.5)):
        stack = Stack(**WORDS, x=(0, 1), series=(shares,), k_line=KLine("x", k, -0.5))
        drawn = plotly_charts.figure(stack)
        line = next(shape for shape in drawn.layout.shapes if shape.name == plotly_charts.K_NAME)
        assert line.x0 == line.x1 == at
        assert drawn.layout.meta["k"] == {"axis": "x", "offset": -0.5}


def test_values_of_a_chart_cannot_be_changed():
    series = Series("a", [1.0], "#000000")
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        series.name = "b"


def test_every_segment_has_its_own_colour():
    assert set(style.SEGMENTS) == set(SEGMENTS)
    assert len(set(style.SEGMENTS.values())) == len(SEGMENTS)
    assert style.SEGMENTS["visual"] == "#e69f00"
