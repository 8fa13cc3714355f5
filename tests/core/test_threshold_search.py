"""The search for MustDrop's thresholds, by hand and on a running model."""

import numpy as np
import pytest
from conftest import PROMPT
from family_laws import OTHER_PICTURE, PICTURE

from vtw_core import InputError, TokenLayout, load_model
from vtw_core.compare.threshold_search import fit_mustdrop, fitted
from vtw_core.results.trace import Trace, VisualAttention
from vtw_core.strategies.mustdrop import EQUAL_THRESHOLDS, MustDrop
from vtw_core.strategies.mustdrop.search import find_thresholds, predicted_tokens, recorder_of
from vtw_core.strategies.words import method_from

LAYOUT = TokenLayout(
    total=5,
    segments=("visual",) * 4 + ("question",),
    visual=np.arange(4),
    grids=((2, 2),),
    patches=np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]]),
)
BASE = MustDrop(1.0, 1.0, vision=None)


def trace(layout=LAYOUT, **by_layer):
    """Four layers; weights of the only text row on four visual tokens in some."""
    attention = {
        int(name[1:]): VisualAttention(
            int(name[1:]), np.array([4]), np.arange(4), np.array([weights])
        )
        for name, weights in by_layer.items()
    }
    return Trace(layout, (np.arange(5),) * 4, (np.arange(5),) * 4, attention)


def test_the_prediction_follows_the_filters_by_hand():
    one = trace(l0=[0.1, 0.2, 0.3, 0.4], l2=[0.1, 0.1, 0.3, 0.05])
    # After layer 0 the first two fall, whose shares are below 0.25. After layer 2 the two that
    # are left share 0.35, and 0.05 is less than a quarter of it.
    strategy = MustDrop(0.25, 0.25, vision=None)
    assert predicted_tokens(strategy, one) == (4, 2, 2, 1)
    assert predicted_tokens(MustDrop(0.35, 0.35, vision=None), one) == (4, 1, 1, 1)
    # All of them fall below 0.5 but for the individual threshold.
    assert predicted_tokens(MustDrop(0.5, 0.15, vision=None), one) == (4, 3, 3, 1)
    assert predicted_tokens(recorder_of(strategy), one) == (4, 4, 4, 4)


@pytest.mark.parametrize(
    ("target", "tokens"), [(4, 4.0), (3.4, 3.25), (3.3, 3.25), (2.5, 2.5), (1.0, 1.0), (1.2, 1.0)]
)
def test_the_nearest_number_within_reach_is_found(target, tokens):
    # One filter after layer 0: 3 of 4 layers have what it leaves, 4 to 0 tokens.
    found = find_thresholds(BASE, [trace(l0=[0.1, 0.2, 0.3, 0.4])], target)
    assert found.tokens == tokens
    assert np.mean(predicted_tokens(found.strategy, trace(l0=[0.1, 0.2, 0.3, 0.4]))) == tokens


def test_gamma_and_alpha_keep_their_proportion():
    base = MustDrop(0.0012, 0.001, vision=None, layers=(0,), positions="repack")
    found = find_thresholds(base, [trace(l0=[0.1, 0.2, 0.3, 0.4])], 2.5).strategy
    assert found.gamma / found.alpha == pytest.approx(1.2)
    assert (found.layers, found.positions) == ((0,), "repack")


def test_python_the_commands_and_the_page_find_the_same_thresholds():
    """At 48 tokens of the embedded model the first search measures 53.6."""
    vlm = load_model("embedded")
    picture = "assets/examples/three_shapes.png"
    prompt = "what color is the shape at the top left ?"
    base = MustDrop(*EQUAL_THRESHOLDS)
    fit = fit_mustdrop(vlm, [(picture, prompt)], 48, base)
    assert abs(fit.measured - 48) <= 1
    assert fitted(vlm, picture, prompt, method_from("mustdrop --tokens 48")) == fit.strategy


def test_what_is_out_of_reach_is_refused_and_what_is_within_is_named():
    one = trace(l1=[0.1, 0.2, 0.3, 0.4])
    for target in (1.9, 4.1, -1, float("nan")):
        with pytest.raises(InputError, match=r"2\.0 to 4\.0"):
            find_thresholds(BASE, [one], target)
    keys = TokenLayout(**{**vars(LAYOUT), "key": np.array([0, 1])})
    with pytest.raises(InputError, match=r"3\.0 to 4\.0"):
        find_thresholds(BASE, [trace(keys, l1=[0.1, 0.2, 0.3, 0.4])], 2.5)


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="greater than 0"):
        find_thresholds(MustDrop(0, 1, vision=None), [trace()], 1)
    with pytest.raises(InputError, match="one sample"):
        find_thresholds(BASE, [], 1)


def test_with_one_filter_the_prediction_is_what_a_run_measures(vlm):
    base = MustDrop(1.0, 1.0, vision=None, layers=(1,))
    samples = [(PICTURE, PROMPT), (OTHER_PICTURE, PROMPT)]
    for target in (35, 48, 60):
        fit = fit_mustdrop(vlm, samples, target, base)
        assert abs(fit.predicted - target) <= 1
        assert fit.measured == fit.predicted


def test_with_several_it_comes_near(vlm):
    fit = fit_mustdrop(vlm, [(PICTURE, PROMPT)], 40, MustDrop(1.0, 1.0, vision=None))
    assert abs(fit.predicted - 40) <= 1
    assert abs(fit.measured - 40) <= 8
    result = vlm.generate(PICTURE, PROMPT, fit.strategy, 2)
    assert np.mean(result.visual_tokens_per_layer) == fit.measured


def test_further_rounds_never_measure_farther_from_the_target(vlm):
    base, sample = MustDrop(1.0, 1.0, vision=None), [(PICTURE, PROMPT)]
    for target in (30, 40, 50):
        once = fit_mustdrop(vlm, sample, target, base, rounds=1)
        often = fit_mustdrop(vlm, sample, target, base, rounds=5)
        assert abs(often.measured - target) <= abs(once.measured - target)
        result = vlm.generate(PICTURE, PROMPT, often.strategy, 1)
        assert np.mean(result.visual_tokens_per_layer) == often.measured


def test_what_is_out_of_reach_may_become_the_nearest_in_reach(vlm):
    base, sample = MustDrop(1.0, 1.0, vision=None), [(PICTURE, PROMPT)]
    assert fit_mustdrop(vlm, sample, 1000, base, nearest=True).measured == 64
    with pytest.raises(InputError, match="out of reach"):
        fit_mustdrop(vlm, sample, 1000, base)
