"""MustDrop's rules on numbers one can check by eye, and what is kept of every decision."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from family_laws import close
from oracle import attention, greedy_logits, masked_as, renumbered_by_layer

from vtw_core import InputError, TokenLayout, withdraw
from vtw_core.results.trace import Trace, VisualAttention
from vtw_core.strategies.mustdrop import PRESETS, MustDrop, VisionStage
from vtw_core.strategies.mustdrop.record import (
    FATES,
    FELL,
    GONE,
    KEPT_BOTH,
    KEPT_GLOBAL,
    KEPT_INDIVIDUAL,
    PROTECTED,
    MustDropRecord,
)
from vtw_core.strategies.mustdrop.rules import dual_attention, key_set, merged_windows
from vtw_core.strategies.words import method_from

# Two text rows on five visual tokens; all of it sums to 1.
WEIGHTS = np.array([[0.10, 0.02, 0.30, 0.01, 0.05], [0.10, 0.18, 0.20, 0.01, 0.03]])
# share: 0.20 0.20 0.50 0.02 0.08; peak: 0.10 0.18 0.30 0.01 0.05


def test_the_filter_needs_both_thresholds():
    verdict = dual_attention(WEIGHTS, gamma=0.25, alpha=0.15)
    assert np.allclose(verdict.share, [0.20, 0.20, 0.50, 0.02, 0.08])
    assert np.allclose(verdict.peak, [0.10, 0.18, 0.30, 0.01, 0.05])
    assert verdict.below_global.tolist() == [True, True, False, True, True]
    assert verdict.below_individual.tolist() == [True, False, False, True, True]
    assert verdict.falls.tolist() == [True, False, False, True, True]


def test_the_key_set_stays():
    verdict = dual_attention(WEIGHTS, 0.25, 0.15, protected=[True, False, False, False, True])
    assert verdict.falls.tolist() == [False, False, False, True, False]


def test_the_thresholds_themselves_are_not_below():
    verdict = dual_attention([[0.25, 0.75]], gamma=0.25, alpha=0.75)
    assert verdict.below_global.tolist() == [False, False]
    assert verdict.below_individual.tolist() == [True, False]


def test_zero_thresholds_drop_nothing_and_great_ones_all():
    assert not dual_attention(WEIGHTS, 0, 0).falls.any()
    assert dual_attention(WEIGHTS, 1.1, 1.1).falls.all()


def test_a_window_is_merged_when_its_patches_look_alike():
    # A 2 x 5 grid in windows of 2: the left one alike, the middle one not, the right one (narrow)
    # alike.
    alike, other = [1.0, 0.0], [0.0, 1.0]
    grid = [[alike, alike, alike, other, other], [alike, alike, alike, alike, other]]
    found = merged_windows(np.reshape(grid, (10, 2)), (2, 5), window=2, similarity=0.8)
    assert found.reshape(2, 5).tolist() == [[0, 0, 1, 2, 3], [0, 0, 4, 5, 3]]


def test_the_mean_is_over_pairs_of_different_patches():
    # Three equal patches and one at a right angle: 3 of 6 pairs are 1, the others 0.
    x = [[1, 0], [2, 0], [3, 0], [0, 1]]
    assert len(set(merged_windows(x, (2, 2), 2, 0.5).tolist())) == 1
    assert len(set(merged_windows(x, (2, 2), 2, 0.51).tolist())) == 4


def test_the_key_set_is_the_rounded_up_share_with_most_attention():
    assert key_set([0.1, 0.4, 0.2, 0.3], 0.25).tolist() == [1]
    assert key_set([0.1, 0.4, 0.2, 0.3], 0.3).tolist() == [1, 3]
    assert key_set([0.2, 0.2, 0.2], 0.34).tolist() == [0, 1]
    assert len(key_set(np.arange(25), 0.08)) == 2
    assert len(key_set(np.arange(26), 0.08)) == 3
    assert key_set([0.5], 0).tolist() == []


@pytest.mark.parametrize(
    ("layers", "filters"),
    [(32, (2, 6, 10, 14)), (40, (3, 8, 13, 18)), (12, (1, 2, 4, 5)), (4, (0, 1, 2)), (1, (0,))],
)
def test_filters_are_scaled_to_the_depth(layers, filters):
    strategy = MustDrop(0.001, 0.001)
    assert strategy.filters(layers) == tuple(strategy.needs(layers)) == filters
    assert strategy.reduced_cache(layers) == range(filters[0], filters[-1] + 1)


def test_each_stage_can_be_switched_off():
    assert MustDrop(0.1, 0.1, prefill=False).needs(32) == {}
    assert MustDrop(0.1, 0.1, prefill=False).reduced_cache(32) == range(0)
    assert MustDrop(0.1, 0.1, cache=False).reduced_cache(32) == range(0)
    assert MustDrop(0.1, 0.1, layers=(1, 3)).reduced_cache(32) == range(1, 4)


def test_presets_name_their_data_set():
    assert MustDrop.preset("textvqa-128") == MustDrop(0.0012, 0.001)
    assert MustDrop.preset("vizwiz-64", vision=None) == MustDrop(0.005, 0.001, vision=None)
    assert MustDrop.preset("128") == MustDrop.preset("textvqa-128")
    assert method_from("mustdrop --preset 128 --stages bc").strategy == MustDrop.preset(
        "textvqa-128", vision=None
    )
    assert method_from("mustdrop").strategy == MustDrop.preset("textvqa-192")
    assert {(p.data, p.tokens) for p in PRESETS.values()} == {
        ("textvqa", 192), ("textvqa", 128), ("textvqa", 64), ("vizwiz", 64),
    }  # fmt: skip
    with pytest.raises(InputError, match="textvqa-192"):
        MustDrop.preset("pope-64")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MustDrop(-1, 0.1), "gamma must be 0 or more"),
        (lambda: MustDrop(0.1, float("nan")), "alpha must be a finite"),
        (lambda: MustDrop(0.1, "x"), "alpha must be a finite"),
        (lambda: MustDrop(0.1, 0.1, layers=(3, 1)), "rising"),
        (lambda: MustDrop(0.1, 0.1, layers=(1.0,)), "rising"),
        (lambda: MustDrop(0.1, 0.1, positions="shift"), "'keep' or 'repack'"),
        (lambda: MustDrop(0.1, 0.1, layers=(4,)).check(4), "0 to 3"),
        (lambda: VisionStage(window=0), "window"),
        (lambda: VisionStage(key_share=1.5), "0 to 1"),
        (lambda: VisionStage(similarity=None), "similarity"),
    ],
)
def test_bad_parameters_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_the_record_says_of_every_token_why_it_stayed_or_fell():
    layout = TokenLayout(
        total=7,
        segments=("visual",) * 5 + ("question",) * 2,
        visual=np.arange(5),
        grids=((2, 3),),
        patches=np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 1], [0, 1, 2]]),
        absorbed=np.array([[0, 0, 1, 0]]),
        key=np.array([4]),
    )
    strategy = MustDrop(0.15, 0.12, layers=(1, 2))
    first = VisualAttention(1, np.array([5, 6]), np.arange(5), WEIGHTS)
    later = VisualAttention(2, np.array([5, 6]), np.array([0, 2]), np.array([[0.1, 0.9], [0, 0]]))
    every, left = np.arange(7), np.array([2, 5, 6])
    trace = Trace(layout, (every, every, left), (every, left, left), {2: later, 1: first})
    record = MustDropRecord.of(strategy, trace)
    assert [one.layer for one in record.decisions] == [1, 2]
    assert record.decisions[0].fate.tolist() == [
        KEPT_GLOBAL, KEPT_BOTH, KEPT_BOTH, FELL, PROTECTED,
    ]  # fmt: skip
    assert record.decisions[1].fate.tolist() == [FELL, GONE, KEPT_BOTH, GONE, GONE]
    assert np.isnan(record.decisions[1].score("share")[[1, 3, 4]]).all()
    assert record.token_maps[0].tolist() == [[0, 1, 2], [0, 3, 4]]
    assert record.sizes.tolist() == [2, 1, 1, 1, 1]
    assert record.key.tolist() == [False, False, False, False, True]
    assert record.merged_windows == 1
    assert record.visual_tokens_per_layer == (5, 5, 1)
    assert record.cached_visual_tokens_per_layer == (5, 1, 1)
    assert len(FATES) == 6
    # A peak of alpha or more alone keeps a token too.
    individual = MustDrop(0.6, 0.3, layers=(1,))
    fate = MustDropRecord.of(individual, trace).decisions[0].fate
    assert fate[2] == KEPT_INDIVIDUAL


def test_the_record_of_a_run_adds_up(vlm, image):
    strategy = MustDrop(1 / 64, 1.0, vision=None)
    trace = vlm.generate(image, PROMPT, strategy, 2).trace
    record = strategy.explain(trace)
    again = MustDropRecord.of(strategy, trace)
    for here, there in zip(record.decisions, again.decisions, strict=True):
        assert np.array_equal(here.fate, there.fate)
        assert np.array_equal(here.scores, there.scores, equal_nan=True)
    assert [one.layer for one in record.decisions] == list(strategy.filters(vlm.layers))
    for one in record.decisions:
        stayed = ~np.isin(one.fate, (GONE, FELL))
        assert stayed.sum() == trace.visual_tokens_per_layer[one.layer + 1]
        here = one.fate != GONE
        assert here.sum() == trace.visual_tokens_per_layer[one.layer]
        assert np.isclose(one.score("share")[here].sum(), 1)
    assert record.cached_visual_tokens_per_layer[0] < record.visual_tokens_per_layer[0]


@pytest.mark.parametrize("cache", [True, False])
def test_repacked_positions_equal_masking_with_renumbered_tables(vlm, inputs, layout, cache):
    strategy = MustDrop(1 / 40, 0.02, None, layers=(1, 2), positions="repack", cache=cache)
    with withdraw(vlm.model, strategy, layout) as withdrawal:
        found, found_ids = greedy_logits(vlm.model, inputs)
    trace = withdrawal.trace()
    gone = [torch.as_tensor(np.setdiff1d(np.arange(layout.total), kept)) for kept in trace.kept]
    assert len(gone[1]) == 0 < len(gone[2]) < len(gone[3]) < len(layout.visual)
    with (
        attention(vlm.model, "eager"),
        masked_as(vlm.model, trace),
        renumbered_by_layer(vlm.model, gone, 0),
    ):
        expected, ids = greedy_logits(vlm.model, inputs)
    assert torch.equal(found_ids, ids)
    close(found, expected)
