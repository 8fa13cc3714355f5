"""Methods at equal budget: what is compared, what is measured, and where it is written."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from app.figures.budget import pareto
from app.figures.chart import Points
from benchmarks.methods import contenders, report
from benchmarks.methods.measuring import measure
from embedded_model.questions import Question
from vtw_core.results.equal_budget import MEASURES, load_budget_comparison

K_STAR = 3


@pytest.fixture(scope="module")
def merging(vlm):
    """The tiny model, its features taken from the end of the encoder, after the merging."""
    model = copy.deepcopy(vlm.model)
    model.config.vision_feature_layer = -1
    return replace(vlm, model=model)


@pytest.fixture(scope="module")
def settings(merging, image):
    visual = len(merging.layout(merging.inputs(image, "?")).visual)
    return contenders.settings(merging, visual, K_STAR, [(image, "what color is it ?")])[0]


@pytest.fixture(scope="module")
def values(merging, image, settings):
    return measure(merging, image, Question("color", "what color is it ?", "red"), 5, settings)


def test_vtw_says_the_budgets_and_the_others_are_set_to_them(merging, settings):
    budgets = {one.budget for one in settings if one.series == "vtw"}
    assert 0 in budgets
    assert {one.budget for one in settings} - {None} == budgets
    assert {"mustdrop_b", "fastv", "fastv_mean", "random_fastv", "random_vtw"} <= {
        one.series for one in settings
    }
    assert max(one.strategy.k for one in settings if one.series == "vtw") < merging.layers
    assert len(settings) == len({(one.series, one.budget) for one in settings})


def test_every_setting_is_near_its_budget(settings, values):
    for one, found in zip(settings, values, strict=True):
        # MustDrop's number moves in steps; the control of VTW may keep visual tokens.
        if one.budget is not None and one.series in ("vtw", "fastv", "random_fastv"):
            assert found["visual_tokens"] == pytest.approx(one.budget, abs=1)


def test_the_baseline_is_the_measure_of_all(settings, values):
    assert settings[0].series == "none"
    none = values[0]
    assert (none["kl_answer"], none["kl_first"], none["same"]) == (0, 0, 1)
    assert {none[name] for name in ("flops", "kv_bytes", "prefill_time", "whole_time")} == {1}
    for found in values[1:]:
        assert set(found) == set(MEASURES)
        assert found["kl_answer"] >= 0
        assert found["flops"] <= 1
        assert found["prefill_time"] > 0


def test_a_random_control_takes_the_tokens_of_what_it_follows(settings, values):
    followers = [place for place, one in enumerate(settings) if one.follows is not None]
    assert followers
    for place in followers:
        followed = settings[place].follows
        assert settings[place].series == f"random_{settings[followed].series}"
        for name in ("visual_tokens", "flops"):
            assert values[place][name] == values[followed][name]


def test_the_controls_draw_anew_for_each_question(settings):
    schedule = (64, 64, 10, 10)
    of_random = [one for one in settings if one.series.startswith("random")]
    for one in of_random:
        given = schedule if one.follows is not None else None
        assert one.on(1, given) == one.on(1, given) != one.on(2, given)


def test_the_document_and_the_page_show_one_recorded_comparison():
    comparison = load_budget_comparison(report.RESULTS)
    assert report.section(comparison) in report.DOCUMENT.read_text(encoding="utf-8")
    for name, chosen in report.figures(comparison).items():
        assert isinstance(pareto(comparison, chosen), Points)
        assert (report.ROOT / "docs" / name).is_file()


def test_the_recorded_comparison_holds_the_same_questions_for_all():
    comparison = load_budget_comparison(report.RESULTS)
    none = comparison.baseline.values
    assert not none["kl_answer"].any()
    assert np.array_equal(none["flops"], np.ones(len(comparison.kinds)))
    assert {one.series for one in comparison.contenders} >= {"vtw", "mustdrop", "fastv"}
    per_kind = comparison.facts["questions_per_kind"]
    assert {comparison.kinds.count(kind) for kind in comparison.every_kind} == {per_kind}
