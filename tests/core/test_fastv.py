"""FastV's rule on attention small enough to check by eye, and its published cost."""

import numpy as np
import pytest
from views_by_hand import layout_of, view_of

from vtw_core import InputError
from vtw_core.measures.cost import FASTV_CONVENTION, DecoderDims, flops_per_layer_counts
from vtw_core.results.trace import VisualAttention
from vtw_core.strategies.fastv import FastV
from vtw_core.strategies.view import Need

LAYOUT = layout_of(range(5, 9), 11)
# Four visual tokens at 5..8, two text rows after them.
ATTENTION = VisualAttention(
    layer=1,
    rows=np.array([9, 10]),
    columns=np.array([5, 6, 7, 8]),
    weights=np.array([[0.5, 0.0, 0.1, 0.1], [0.1, 0.3, 0.2, 0.2]], dtype=np.float32),
)

VIEW = view_of(LAYOUT, 2, attention=ATTENTION)


def test_the_last_token_ranks():
    # 0.1 0.3 0.2 0.2: of the two equal ones the later goes first.
    assert FastV(2, 0.25).decide(VIEW).kept.tolist() == [6, 7, 8]
    assert FastV(2, 0.5).decide(VIEW).kept.tolist() == [6, 7]
    assert FastV(2, 0.75).decide(VIEW).kept.tolist() == [6]
    assert FastV(2, 1).decide(VIEW).kept.tolist() == []


def test_or_the_mean_over_the_text_rows():
    # 0.3 0.15 0.15 0.15
    assert FastV(2, 0.5, "text_mean").decide(VIEW).kept.tolist() == [5, 6]
    assert FastV(2, 0.75, "text_mean").decide(VIEW).kept.tolist() == [5]


def test_the_layer_before_k_decides():
    assert FastV(2, 0.5).needs(32) == {1: frozenset({Need.LAST_ROW})}
    assert FastV(3, 0.5).needs(32) == {2: frozenset({Need.LAST_ROW})}
    assert FastV(32, 0.5).needs(32) == {}
    assert FastV(2, 0.0).needs(32) == {}


def test_half_of_576_from_layer_2_on_costs_what_the_paper_says():
    dims = DecoderDims(layers=32, hidden=4096, ffn=11008, heads=32, kv_heads=32, head_dim=128)
    text, visual, k = 64, 576, 2
    kept = text + visual - round(0.5 * visual)
    baseline = flops_per_layer_counts(dims, (text + visual,) * 32, FASTV_CONVENTION)
    pruned = (text + visual,) * k + (kept,) * (32 - k)
    assert round(100 * flops_per_layer_counts(dims, pruned, FASTV_CONVENTION) / baseline, 1) == 57.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0.5), "1 or more"),
        ((True, 0.5), "whole number"),
        ((2.0, 0.5), "whole number"),
        ((2, -0.1), "from 0 to 1"),
        ((2, 1.1), "from 0 to 1"),
        ((2, float("nan")), "from 0 to 1"),
        ((2, "half"), "number from 0 to 1"),
        ((2, 0.5, "first_token"), "last_token, text_mean"),
    ],
)
def test_bad_parameters_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        FastV(*arguments)


def test_without_k_the_published_one_is_scaled_to_the_models_depth():
    assert [FastV().value("k", layers) for layers in (4, 24, 32, 40, 80)] == [1, 2, 2, 3, 5]
    assert FastV().needs(40) == FastV(3).needs(40) == {2: frozenset({Need.LAST_ROW})}
    assert FastV(2).published(24) == {}
    assert FastV().published(24) == {
        "k": 2, "preset": "K as published, 2 of 32 layers, scaled to 24",
    }  # fmt: skip


def test_a_k_beyond_the_layers_is_refused():
    with pytest.raises(InputError, match="1 to 4"):
        FastV(5, 0.5).check(4)


def test_the_lowest_ranked_leave_a_running_model(vlm, image):
    result = vlm.generate(image, "What is left of the red ball?", FastV(2, 0.25), 3)
    assert result.visual_tokens_per_layer == (64, 64, 48, 48)
    heard = result.trace.attention[1]
    score = heard.weights[-1]
    stayed = np.isin(heard.columns, result.trace.kept[2])
    assert score[stayed].min() >= score[~stayed].max()
    assert result.flops < result.flops_baseline
