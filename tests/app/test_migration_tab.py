"""Information migration: charts as functions of a run, and the handlers of the tab."""

import dataclasses

import numpy as np
import pytest
from built_tabs import built, holding
from inside_runs import SIZES, run_with_inside
from small_records import small_run

from app.figures import causal, migration
from app.service.service import Service
from app.state import Visitor
from app.tabs.migration import Migration
from app.words import inside as text
from vtw_core.analysis.migration import joint_curves, similarity


@pytest.fixture(scope="module")
def tab():
    return built(Migration, Service())


@pytest.fixture(scope="module", params=SIZES)
def run(request):
    return run_with_inside(**SIZES[request.param])


@pytest.fixture(scope="module")
def usual():
    return run_with_inside(**SIZES["usual"])


def test_the_joint_panel_lines_up_attention_causal_test_and_kl(usual):
    chart = migration.joint(usual, migration.Choices(k=2, image=1))
    share, causal, kl = (panel.series[0].values for panel in chart.panels)
    curves = joint_curves(usual, usual.inside.counterfactuals[1])
    np.testing.assert_array_equal(share, curves.visual_share)
    np.testing.assert_array_equal(causal, curves.causal_kl)
    np.testing.assert_array_equal(kl, usual.kl_answer)
    # Layer l lies between l and l + 1, so K cuts the layers with the image from those without.
    assert chart.panels[0].x[0] == 0.5
    assert chart.panels[1].x == chart.panels[2].x == tuple(range(usual.layers + 1))
    assert chart.k_line.at == 2
    assert chart.panels[1].y_range == chart.panels[2].y_range


def test_without_other_images_two_panels_are_left_and_the_page_says_so():
    run = run_with_inside(**SIZES["one layer, one head, one answer token"])
    chart = migration.joint(run, migration.Choices())
    assert len(chart.panels) == 2
    assert chart.summary == text.NO_COUNTERFACTUAL
    assert migration.settings_table(run, migration.Choices()).rows == ()
    assert len(migration.causal_kl(run, migration.Choices()).series) == 1


def test_attention_without_use_is_told_with_the_layers_drawn_together(usual):
    curves = dataclasses.replace(
        joint_curves(usual, usual.inside.counterfactuals[0]), low_but_used=(4, 5),
        high_but_unused=(0, 2, 3, 4),
    )  # fmt: skip
    words = causal._disagreement(curves)
    assert "From layer 4 on" in words
    assert "In layers 0, 2–4," in words
    agreed = dataclasses.replace(curves, low_but_used=(), high_but_unused=())
    assert "agree" in causal._disagreement(agreed)


def test_the_causal_chart_has_a_curve_for_each_other_image_and_withdrawal(usual):
    chart = migration.causal_kl(usual, migration.Choices())
    assert [one.name for one in chart.series] == [
        "image “white” from layer l on", "image “noise” from layer l on", text.WITHDRAWN_CURVE,
    ]  # fmt: skip
    styles = {(one.color, one.dash, one.marker) for one in chart.series}
    assert len(styles) == len(chart.series)


def test_the_three_settings_name_each_other_image_once(usual):
    rows = migration.settings_table(usual, migration.Choices(k=3)).rows
    assert [row[0][:3] for row in rows] == ["(a)", "(b)", "(b)", "(c)"]
    assert "white" in rows[1][0]
    assert "K = 3" in rows[3][0]


def test_the_lens_shows_both_runs_for_the_first_token_and_one_for_the_others(usual):
    count = usual.inside.lens.top.shape[2]
    first = migration.lens_words(usual, migration.Choices(k=2))
    later = migration.lens_words(usual, migration.Choices(k=2, token=1))
    assert first.values.shape == (usual.layers + 1, 2 * count)
    assert later.values.shape == (usual.layers + 1, count)
    top = int(usual.inside.lens.first_top[2, 3, 0])
    assert first.words[3][count] == usual.inside.lens.pieces[top].strip()
    assert text.LENS_FIRST_ONLY in later.caption


def test_the_lens_on_patches_covers_the_grid_asked_for():
    run = run_with_inside(**SIZES["several grids"])
    for grid, shape in enumerate(run.inside.grids):
        chart = migration.lens_patches(run, migration.Choices(grid=grid))
        assert chart.values.shape == shape
        assert all(word for row in chart.words for word in row)


def test_a_run_without_the_lens_on_patches_has_no_such_chart():
    run = run_with_inside(**SIZES["one layer, one head, one answer token"])
    assert migration.lens_patches(run, migration.Choices()) is None
    assert len(migration.charts(run, migration.Choices())) == len(migration.CHARTS) - 1


def test_states_are_the_same_up_to_k_and_one_scale_serves_every_k(usual):
    scales = set()
    for k in range(usual.layers + 1):
        for make, index in ((migration.cosine, 0), (migration.norm_ratio, 1)):
            chart = make(usual, migration.Choices(k=k))
            np.testing.assert_array_equal(chart.values, similarity(usual.inside, k)[index])
            assert (chart.values[: k + 1] == 1).all()
            assert chart.low <= chart.values.min()
            assert chart.values.max() <= chart.high
            scales.add((index, chart.low, chart.high))
    assert len(scales) == 2
    assert migration.cosine(usual, migration.Choices(k=usual.layers)).summary == (
        text.SIMILARITY_SAME
    )


@pytest.mark.parametrize("number", [-5, 10**9, None, "x", float("nan"), True, [1]])
def test_forged_choices_become_ones_that_the_run_has(run, number):
    chosen = migration.Choices(number, number, number, number, number, number).clamped(run)
    assert chosen.at in range(run.layers + 1)
    for chart in migration.charts(run, chosen):
        assert chart.title


def test_every_part_of_the_tab_is_told_something(tab, run):
    shown = tab.show(holding(tab, visitor=Visitor(run=run), k=1))
    assert set(shown) == set(tab.outputs)
    assert shown[tab.bar] == {"layers": run.layers, "k": 1, "model": run.model}
    assert set(tab.board.parts) == set(migration.CHARTS)
    missing = [name for name, part in tab.board.parts.items() if shown[part] is None]
    assert missing == ([] if len(run.inside.lens.patches) else ["lens_patches"])


def test_the_tab_keeps_what_a_visitor_chose(tab, usual):
    chosen = {"rows": "answer", "image": 1, "token": 2, "state": 3}
    shown = tab.show(holding(tab, visitor=Visitor(run=usual), k=1, **chosen))
    assert {name: shown[getattr(tab, name)].value for name in chosen} == chosen


@pytest.mark.parametrize("visitor", [Visitor(), Visitor(run=small_run())])
def test_without_an_inside_the_tab_says_what_to_do(tab, visitor):
    shown = tab.show(holding(tab, visitor=visitor))
    assert shown[tab.content].visible is False
    assert shown[tab.notice].visible is True
    assert not set(tab.controls.values()) & set(shown)
    assert {shown[part] for part in tab.board.parts.values()} == {None}
