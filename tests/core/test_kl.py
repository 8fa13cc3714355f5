"""KL divergence: numbers by hand, and laws."""

import math

import numpy as np
import pytest

from vtw_core.measures.kl import kl_divergence, log_softmax


def logits_of(*probabilities):
    return np.log(probabilities)


def test_kl_by_hand():
    p, q = logits_of(0.5, 0.5), logits_of(0.25, 0.75)
    assert kl_divergence(p, q) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))


def test_kl_is_zero_exactly_for_equal_logits():
    logits = np.random.default_rng(0).normal(size=(5, 100)).astype(np.float32)
    assert (kl_divergence(logits, logits) == 0).all()


def test_kl_is_not_negative_and_not_symmetric():
    rng = np.random.default_rng(1)
    p, q = rng.normal(size=(50, 20)), rng.normal(size=(50, 20))
    assert (kl_divergence(p, q) > 0).all()
    assert not np.allclose(kl_divergence(p, q), kl_divergence(q, p))


def test_adding_a_constant_to_logits_changes_nothing():
    p, q = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.5, 1.0])
    assert kl_divergence(p + 1000, q - 1000) == pytest.approx(kl_divergence(p, q))


def test_huge_logits_do_not_overflow():
    assert np.isfinite(kl_divergence([1e4, 0.0], [9e3, 0.0]))


def test_a_token_that_p_never_gives_adds_nothing():
    assert kl_divergence([0.0, -np.inf], [0.0, 0.0]) == pytest.approx(math.log(2))


def test_probabilities_sum_to_one():
    assert np.exp(log_softmax([3.0, 1.0, -2.0])).sum() == pytest.approx(1.0)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="compared"):
        kl_divergence([0.0, 1.0], [0.0, 1.0, 2.0])
