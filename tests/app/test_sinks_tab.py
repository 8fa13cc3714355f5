"""Attention sinks: charts as functions of a run, and the handlers of the tab."""

import csv
import re
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from built_tabs import built, holding
from inside_runs import SIZES, run_with_inside
from small_records import small_run

from app.figures import sinks
from app.presenters.inside_view import sink_words
from app.sections.board import save_chart
from app.service.service import Service
from app.state import Visitor
from app.tabs.sinks import Sinks
from app.words import inside as text
from vtw_core.analysis.rows import tokens_of
from vtw_core.analysis.sinks import sink_verdict


@pytest.fixture(scope="module")
def tab():
    return built(Sinks, Service())


@pytest.fixture(scope="module", params=SIZES)
def run(request):
    return run_with_inside(**SIZES[request.param])


@pytest.fixture(scope="module")
def usual():
    return run_with_inside(**SIZES["usual"])


def event(data):
    return gr.EventData(None, data)


def test_the_shares_of_a_layer_sum_to_one_and_stack_in_the_order_of_the_prompt(run):
    chart = sinks.mass(run, sinks.Choices(rows="all_text"))
    np.testing.assert_allclose(sum(one.values for one in chart.series), 1, atol=5e-3)
    assert [one.name for one in chart.series] == list(text.SEGMENTS.values())


def test_withdrawn_at_k_nothing_is_left_on_the_image_from_k_on(usual):
    chart = sinks.mass(usual, sinks.Choices(k=2, withdrawn=True))
    visual = next(one for one in chart.series if one.name == "image").values
    assert (visual[:2] > 0).all()
    assert (visual[2:] == 0).all()
    assert "withdrawn from layer K = 2" in chart.caption


def test_a_head_is_named_and_given_up_where_only_the_mean_was_recorded(usual):
    assert "head 1 of 3" in sinks.mass(usual, sinks.Choices(head=1)).caption
    at_k = sinks.mass(usual, sinks.Choices(head=1, k=2, withdrawn=True)).caption
    assert "mean over all 3 heads" in at_k


def test_the_rows_asked_for_are_named_in_the_caption(usual):
    assert "the answer's tokens" in sinks.mass(usual, sinks.Choices(rows="answer")).caption
    assert "“what”" in sinks.mass(usual, sinks.Choices(rows=0)).caption


def test_the_bands_cover_every_position_once(run):
    chart = sinks.received(run, sinks.Choices())
    covered = [at for band in chart.bands for at in range(band.start, band.stop)]
    assert covered == list(range(chart.values.shape[1]))


def test_a_logarithmic_scale_is_the_same_for_every_run_and_a_linear_one_starts_at_zero(usual):
    log, linear = (sinks.received(usual, sinks.Choices(log=log)) for log in (True, False))
    assert (log.low, log.high) == (sinks.FLOOR, 1)
    assert linear.low == 0
    assert linear.high == linear.values.max()


def test_the_map_of_a_layer_has_no_future(run):
    chart = sinks.layer_map(run, sinks.Choices())
    above = np.triu(np.ones(chart.values.shape, bool), 1)
    assert np.isnan(chart.values[above]).all()
    assert not np.isnan(chart.values[~above]).any()


def test_coarser_bins_keep_rows_that_sum_to_one():
    rng = np.random.default_rng(1)
    edges = np.array([0, 1, 3, 4, 8, 9])
    image = rng.random((2, 5, 5))
    image /= image.sum(axis=2, keepdims=True)
    coarse = sinks.pooled(image, edges, 2)
    assert coarse.shape == (2, 3, 3)
    np.testing.assert_allclose(coarse.sum(axis=2), 1)
    widths = np.array([1, 2])
    expected = (image[0, :2] * widths[:, None]).sum(axis=0) / 3
    np.testing.assert_allclose(coarse[0, 0], [expected[:2].sum(), expected[2:4].sum(), expected[4]])


def test_a_sheet_of_many_layers_stays_small():
    chart = sinks.layer_sheet(run_with_inside(**SIZES["forty layers"]), sinks.Choices())
    assert len(chart.titles) == 40
    assert chart.values.size <= sinks.SHEET_CELLS


@pytest.mark.parametrize("rows", ["nonsense", -5, 10**9, None, 1.5, True, ["x"]])
@pytest.mark.parametrize("number", [-5, 10**9, None, "x", float("nan"), True])
def test_forged_choices_become_ones_that_the_run_has(usual, rows, number):
    chosen = sinks.Choices(rows, number, number, number, True, True).clamped(usual)
    for chart in sinks.charts(usual, chosen):
        assert chart.title
    assert chosen.layer in range(usual.layers)


def test_every_part_of_the_tab_is_told_something(tab, run):
    shown = tab.show(holding(tab, visitor=Visitor(run=run)))
    assert set(shown) == set(tab.outputs)
    assert shown[tab.bar] == {"layers": run.layers, "k": run.choose_k(), "model": run.model}
    assert set(tab.board.parts) == set(sinks.CHARTS)
    assert all(shown[part]["title"] for part in tab.board.parts.values())


def test_the_tab_keeps_what_a_visitor_chose(tab, usual):
    chosen = {"rows": "answer", "head": 2, "withdrawn": True, "log": False, "layer": 1}
    shown = tab.show(holding(tab, visitor=Visitor(run=usual), k=3, **chosen))
    assert {name: shown[getattr(tab, name)].value for name in chosen} == chosen


@pytest.mark.parametrize("visitor", [Visitor(), Visitor(run=small_run())])
def test_without_an_inside_the_tab_says_what_to_do(tab, visitor):
    values = holding(tab, visitor=visitor)
    shown = tab.show(values)
    assert shown[tab.content].visible is False
    assert shown[tab.notice].visible is True
    assert set(shown) == set(tab.outputs) - set(tab.controls.values())
    assert tab.board.show(values, ["mass"]) == {tab.board.parts["mass"]: None}


def test_the_verdict_names_the_numbers_and_no_word_of_the_model(run):
    words = sink_words(sink_verdict(run), tokens_of(run)[1])
    assert re.search(r"\d", words)
    assert "{" not in words
    assert "KL is" in words


def test_a_verdict_with_a_sink_says_so(usual):
    verdict = sink_verdict(usual)
    found = SimpleNamespace(**{
        **{name: getattr(verdict, name) for name in dir(verdict) if name[0] != "_"},
        "has_sink": True, "sink_position": 0, "sink_share": 0.71, "from_layer": 2,
    })  # fmt: skip
    words = sink_words(found, tokens_of(usual)[1])
    assert "There is an attention sink" in words
    assert "71.0%" in words
    assert "From layer 2 on" in words


@pytest.mark.parametrize("format", ["png", "svg", "html", "csv", "exe", None, 3])
def test_a_figure_is_saved_in_the_format_asked_for_or_as_csv(tab, usual, format):
    values = holding(tab, visitor=Visitor(run=usual))
    path = tab.board.saver("mass")(values, event({"format": format}))
    known = format in ("png", "svg", "html", "csv")
    assert path.endswith(f"attention_by_segment.{format if known else 'csv'}")


def test_a_table_is_saved_as_csv_whatever_is_asked_for(usual):
    path = save_chart(lambda: sinks.sink_table(usual, sinks.Choices()), {"format": "png"})
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == text.SINK_COLUMNS
    assert len(rows) == sinks.COUNT + 1


def test_a_figure_of_no_run_cannot_be_saved(tab):
    with pytest.raises(gr.Error, match="open the tab again"):
        tab.board.saver("mass")(holding(tab, visitor=Visitor()), event({"format": "png"}))


@pytest.mark.parametrize("asked", [{"row": 10**9, "patch": -4}, {"row": "x", "patch": {}}, None])
def test_a_forged_look_becomes_one_that_the_run_has(tab, usual, asked):
    value = tab.look(holding(tab, visitor=Visitor(run=usual)), event(asked))
    assert value["row"] in range(len(value["tokens"]))
