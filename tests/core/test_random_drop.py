"""The random controls: as many tokens, none comes back, the same seed the same tokens."""

import itertools

import numpy as np
import pytest
from views_by_hand import view_of

from vtw_core import InputError, TokenLayout, VisualTokenWithdrawal
from vtw_core.strategies.fastv import FastV
from vtw_core.strategies.random_drop import RandomDrop, RandomShare, RandomWithdrawal

PROMPT = "What is left of the red ball?"
LAYOUT = TokenLayout(
    total=10,
    segments=("bos", *["system"] * 2, *["visual"] * 4, *["question"] * 3),
    visual=np.arange(3, 7),
    grids=((2, 2),),
    patches=np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]]),
)


def seen(strategy, layers=4):
    """[layers] visual positions, asked layer by layer as the engine asks."""
    alive, found = LAYOUT.visual, []
    for layer in range(layers):
        tokens = np.union1d(LAYOUT.text, alive)
        alive = strategy.kept(view_of(LAYOUT, layer, tokens, layers))
        found.append(set(alive.tolist()))
    return found


def test_each_layer_has_as_many_as_the_schedule_says_and_none_comes_back():
    for seed in range(20):
        found = seen(RandomDrop((4, 3, 3, 1), seed))
        assert [len(one) for one in found] == [4, 3, 3, 1]
        assert all(later <= earlier for earlier, later in itertools.pairwise(found))


def test_seeds_decide():
    assert seen(RandomDrop((4, 2, 2, 1), 3)) == seen(RandomDrop((4, 2, 2, 1), 3))
    drawn = {tuple(sorted(seen(RandomDrop((4, 2, 2, 1), seed))[1])) for seed in range(60)}
    assert len(drawn) == 6  # every pair of four


def test_a_share_is_the_same_as_its_schedule():
    for seed in range(9):
        assert seen(RandomShare(2, 0.5, seed)) == seen(RandomDrop((4, 4, 2, 2), seed))
    assert [len(one) for one in seen(RandomShare(0, 1.0))] == [0] * 4
    assert [len(one) for one in seen(RandomShare(4, 1.0))] == [4] * 4


def test_a_prompt_with_fewer_tokens_keeps_what_it_has():
    assert [len(one) for one in seen(RandomDrop((9, 9, 2, 0)))] == [4, 4, 2, 0]


def test_it_repeats_the_schedule_of_another_run(vlm, image):
    other = vlm.generate(image, PROMPT, FastV(2, 0.5), 3)
    control = RandomDrop(other.visual_tokens_per_layer, seed=1)
    result = vlm.generate(image, PROMPT, control, 3)
    assert result.visual_tokens_per_layer == other.visual_tokens_per_layer
    assert result.flops == other.flops
    assert not np.array_equal(result.trace.kept[2], other.trace.kept[2])


def test_vtws_control_drops_as_many_tokens_of_any_kind_and_keeps_the_last():
    for seed in range(20):
        stay = RandomWithdrawal(2, seed).kept(view_of(LAYOUT, 2))
        assert len(stay) == 6
        assert 9 in stay
    dropped = {
        token
        for seed in range(40)
        for token in np.setdiff1d(
            np.arange(10), RandomWithdrawal(2, seed).kept(view_of(LAYOUT, 3))
        ).tolist()
    }
    assert dropped == set(range(9))


def test_vtws_control_costs_what_vtw_costs(vlm, image):
    withdrawn = vlm.generate(image, PROMPT, VisualTokenWithdrawal(2), 3)
    control = vlm.generate(image, PROMPT, RandomWithdrawal(2, 5), 3)
    assert control.trace.tokens_per_layer == withdrawn.trace.tokens_per_layer
    assert (control.flops, control.kv_bytes) == (withdrawn.flops, withdrawn.kv_bytes)
    assert 0 < control.visual_tokens_per_layer[2] < 64


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomDrop((1, 2)), "rises"),
        (lambda: RandomDrop((2, -1)), "whole numbers"),
        (lambda: RandomDrop((2, 1.0)), "whole numbers"),
        (lambda: RandomDrop(3), "whole numbers"),
        (lambda: RandomDrop((2, 1), -1), "seed"),
        (lambda: RandomDrop((2, 1), True), "seed"),
        (lambda: RandomWithdrawal(-1), "K must be"),
        (lambda: RandomWithdrawal(1, 0.5), "seed"),
        (lambda: RandomWithdrawal(5).check(4), "0 to 4"),
        (lambda: RandomDrop((2, 1)).check(4), "one count for each layer"),
    ],
)
def test_bad_parameters_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
