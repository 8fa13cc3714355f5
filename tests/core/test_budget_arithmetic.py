"""Equal budgets, by hand."""

import numpy as np
import pytest

from vtw_core.errors import InputError
from vtw_core.measures.budget import drop_schedule, dropped_share, withdrawn_mean


def test_withdrawal_leaves_its_part_of_the_layers():
    assert withdrawn_mean(10, 24, 144) == 60
    assert withdrawn_mean(0, 24, 144) == 0
    assert withdrawn_mean(24, 24, 144) == 144


def test_the_share_that_leaves_gives_the_same_mean():
    # 2 layers with 100, 8 with n: a mean of 36 asks for n = 20.
    assert dropped_share(36, k=2, layers=10, visual=100) == pytest.approx(0.8)
    assert np.mean(drop_schedule(0.8, 2, 10, 100)) == 36
    assert drop_schedule(0.8, 2, 4, 100) == (100, 100, 20, 20)


def test_every_budget_in_reach_is_met_to_half_a_token_for_each_layer():
    for k in range(24):
        for tokens in range(6 * k, 145, 7):
            share = dropped_share(tokens, k, 24, 144)
            assert abs(np.mean(drop_schedule(share, k, 24, 144)) - tokens) <= 0.5


def test_a_budget_out_of_reach_becomes_the_nearest():
    assert dropped_share(5, k=5, layers=10, visual=100) == 1
    assert dropped_share(1000, k=5, layers=10, visual=100) == 0
    with pytest.raises(InputError, match="0 to 9"):
        dropped_share(5, k=10, layers=10, visual=100)
