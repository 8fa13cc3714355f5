"""How tokens are drawn."""

import pytest
import torch

from vtw_core import InputError, Sampling

LOGITS = torch.tensor([2.0, 1.0, 0.0, -5.0]).log_softmax(-1)


def drawn(sampling, count=4000):
    picks = torch.stack([sampling.choose(LOGITS, position) for position in range(count)])
    return torch.bincount(picks, minlength=4) / count


def test_greedy_takes_the_likeliest():
    assert int(Sampling().choose(LOGITS, 0)) == 0


def test_frequencies_are_the_probabilities_at_the_temperature():
    assert torch.allclose(drawn(Sampling(1.0)), LOGITS.exp(), atol=0.03)
    hot = (LOGITS / 3).softmax(-1)
    assert torch.allclose(drawn(Sampling(3.0)), hot, atol=0.03)


def test_the_nucleus_leaves_out_the_unlikely():
    # Probabilities 0.66, 0.24, 0.09, 0.001: the first two reach 0.8, the first alone reaches 0.5.
    frequencies = drawn(Sampling(1.0, top_p=0.8))
    assert (frequencies[2:] == 0).all()
    assert (frequencies[:2] > 0).all()
    assert drawn(Sampling(1.0, top_p=0.5))[0] == 1


def test_a_seed_and_a_position_give_the_same_token_alone_or_in_a_batch():
    sampling = Sampling(1.0, seed=3)
    for position in range(20):
        one = sampling.choose(LOGITS, position)
        assert torch.equal(sampling.choose(LOGITS.expand(5, 4), position), one.expand(5))
    assert not torch.equal(drawn(sampling, 50), drawn(Sampling(1.0, seed=4), 50))


@pytest.mark.parametrize(
    "values",
    [{"temperature": -1}, {"temperature": float("nan")}, {"temperature": "1"},
     {"temperature": 1e-9}, {"top_p": 0}, {"top_p": 1.1}, {"seed": -1}, {"seed": 1.5},
     {"seed": True}, {"seed": 2**31}],
)  # fmt: skip
def test_values_out_of_range_are_refused(values):
    with pytest.raises(InputError):
        Sampling(**values)
