"""Methods side by side: the laws that tie every entry to the baseline and to the run at every K."""

import numpy as np
import pytest
from conftest import PROMPT

from vtw_core import FastV, InputError, KeepAll, MustDrop, RandomDrop, VisualTokenWithdrawal
from vtw_core.compare.methods import compare_methods, compare_steps, default_methods
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.events import MethodRefused, MethodToken
from vtw_core.results.fates import LEFT, STAYED
from vtw_core.strategies.method import Method
from vtw_core.strategies.mustdrop.record import MustDropRecord

T = 8
MUSTDROP = MustDrop(0.02, 0.02, vision=None)


@pytest.fixture(scope="module")
def compared(vlm, image):
    """Everything that a comparison can hold, on the picture and prompt of `run`."""
    methods = [Method("all", KeepAll())]
    methods += [Method(f"vtw {k}", VisualTokenWithdrawal(k)) for k in range(5)]
    methods += [
        Method("fastv", FastV(1, 0.75)),
        Method("random", RandomDrop((64, 16, 16, 16), seed=1)),
        Method("mustdrop", MUSTDROP),
        Method("fitted", MUSTDROP, tokens=40),
    ]
    return compare_methods(vlm, image, PROMPT, methods, max_new_tokens=T, timed=1)


def entry(compared, label):
    return next(one for one in compared.everyone if one.label == label)


def test_keeping_all_is_the_baseline_bit_for_bit(compared):
    kept = entry(compared, "all")
    assert not kept.kl_positions.any()
    assert not kept.kl_positions_reverse.any()
    assert kept.agreement == 1
    assert compared.same_answer(kept)
    assert (compared.flops_share(kept), compared.kv_share(kept)) == (1, 1)


def test_withdrawal_at_every_k_says_what_the_run_says_of_it(compared, run):
    for k in range(run.layers + 1):
        one = entry(compared, f"vtw {k}")
        np.testing.assert_allclose(one.kl_positions, run.kl_positions[k], atol=1e-5)
        np.testing.assert_allclose(one.kl_positions_reverse, run.kl_positions_reverse[k], atol=1e-5)
        assert one.answer == run.answers[k]
        assert one.token_ids == run.answer_ids[k]
        assert one.flops == run.flops[k]
        assert one.kv_bytes == run.kv_bytes[k]
        assert compared.same_answer(one) == run.same_as_baseline[k]


def test_every_answer_is_that_of_generate(vlm, image, compared):
    for label, strategy in (("fastv", FastV(1, 0.75)), ("mustdrop", MUSTDROP)):
        alone = vlm.generate(image, PROMPT, strategy, T)
        one = entry(compared, label)
        assert one.token_ids == alone.token_ids
        assert one.tokens == alone.tokens
        assert one.strategy == alone.strategy
        assert one.visual_tokens_per_layer == alone.visual_tokens_per_layer
        assert (one.flops, one.kv_bytes) == (alone.flops, alone.kv_bytes)
        assert compared.baseline.flops == alone.flops_baseline


def test_agreement_counts_the_positions_whose_token_stays_the_baselines(compared):
    lost = entry(compared, "vtw 0")
    assert lost.kl_answer > 0
    first = next(
        (t for t, (a, b) in enumerate(
            zip(lost.token_ids, compared.baseline.token_ids, strict=False)) if a != b),
        len(lost.agrees),
    )  # fmt: skip
    # Up to the first difference the method's own answer is the one that it was given.
    assert lost.agrees[:first].all()
    assert not lost.agrees[first : first + 1].any()
    assert lost.agreement == lost.agrees.mean()


def test_the_stage_viewer_gets_mustdrops_own_record(vlm, image, compared):
    alone = MustDropRecord.of(MUSTDROP, vlm.generate(image, PROMPT, MUSTDROP, 1).trace)
    mine = entry(compared, "mustdrop").fates
    assert [one.layer for one in mine.decisions] == [one.layer for one in alone.decisions]
    for here, there in zip(mine.decisions, alone.decisions, strict=True):
        np.testing.assert_array_equal(here.fate, there.fate)
    assert mine.cached_visual_tokens_per_layer == alone.cached_visual_tokens_per_layer


def test_any_strategy_that_scores_says_why_a_token_left(compared):
    fates = entry(compared, "fastv").fates
    (one,) = fates.decisions
    assert one.layer == 0
    assert one.names == ("attention",)
    assert (one.fate == LEFT).sum() == 48
    score = one.score("attention")
    assert score[one.fate == LEFT].max() <= one.thresholds[0] == score[one.fate == STAYED].min()
    assert ((fates.left_after() == 0) == (one.fate == LEFT)).all()
    assert entry(compared, "vtw 2").fates is None
    assert compared.baseline.fates is None


def test_thresholds_are_fitted_on_the_very_prompt(compared):
    fitted = entry(compared, "fitted")
    assert fitted.tokens_wanted == 40
    # The number moves in steps, which are large where all patches get about the same attention.
    assert abs(fitted.mean_visual_tokens - 40) <= 8
    assert fitted.strategy["gamma"] == fitted.strategy["alpha"]


def test_a_number_of_tokens_out_of_reach_becomes_the_nearest_in_reach(vlm, image):
    methods = [Method("few", MUSTDROP, tokens=0), Method("many", MUSTDROP, tokens=1000)]
    few, many = compare_methods(vlm, image, PROMPT, methods, max_new_tokens=1, timed=1).entries
    assert many.visual_tokens_per_layer == (64,) * 4
    assert few.visual_tokens_per_layer[-1] == 0


def test_the_answers_stream_one_after_the_other_and_a_misfit_is_reported_where_it_occurs(
    vlm, image
):
    methods = [
        Method("deep", VisualTokenWithdrawal(99)),
        Method("vtw", VisualTokenWithdrawal(2)),
    ]
    events = list(compare_steps(vlm, image, PROMPT, methods, max_new_tokens=3, timed=2))
    spoke = [event.method for event in events if isinstance(event, MethodToken)]
    assert spoke == [0, 0, 0, 2, 2, 2]
    (refused,) = (event for event in events if isinstance(event, MethodRefused))
    assert refused.method == 1
    assert "0 to 4" in refused.reason
    assert isinstance(events[-1], MethodComparison)
    assert [one.label for one in events[-1].everyone] == ["baseline", "vtw"]
    with pytest.raises(InputError, match="deep: K must be 0 to 4"):
        compare_methods(vlm, image, PROMPT, methods)


def test_leaving_in_the_middle_leaves_nothing_on_the_model(vlm, image):
    hooks = [len(layer._forward_pre_hooks) for layer in vlm.model.get_decoder().layers]
    steps = compare_steps(vlm, image, PROMPT, [Method("m", MUSTDROP)], max_new_tokens=4)
    for event in steps:
        if isinstance(event, MethodToken) and event.method == 1:
            break
    steps.close()
    assert [len(layer._forward_pre_hooks) for layer in vlm.model.get_decoder().layers] == hooks


def test_the_default_holds_mustdrop_to_the_tokens_of_withdrawal(vlm, run):
    vtw, mustdrop = default_methods(vlm, run)
    k = run.choose_k(scope="answer_mean")
    assert vtw.strategy == VisualTokenWithdrawal(k)
    assert mustdrop.tokens == sum(64 if layer < k else 0 for layer in range(4)) / 4
    # The tiny model takes its image features from where nothing is merged yet.
    assert mustdrop.strategy.vision is None


@pytest.mark.parametrize(
    ("methods", "options", "words"),
    [
        ([Method("a", KeepAll()), Method("a", KeepAll())], {}, "different labels"),
        ([Method("baseline", KeepAll())], {}, "different labels"),
        ([Method(str(n), KeepAll()) for n in range(40)], {}, "At most 32"),
        ([], {"timed": 0}, "timed"),
        ([], {"max_new_tokens": 0}, "max_new_tokens"),
    ],
)
def test_a_comparison_that_cannot_be_run_is_refused(vlm, image, methods, options, words):
    with pytest.raises(InputError, match=words):
        compare_methods(vlm, image, PROMPT, methods, **options)


@pytest.mark.parametrize(("strategy", "tokens"), [(KeepAll(), 3.0), (MUSTDROP, -1.0)])
def test_only_mustdrop_is_fitted_and_only_to_a_number_of_tokens(strategy, tokens):
    with pytest.raises(InputError, match="tokens"):
        Method("m", strategy, tokens)
