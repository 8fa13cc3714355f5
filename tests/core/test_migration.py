"""Migration: numbers by hand on a toy of 2 layers, 2 heads and 6 positions, and laws."""

import dataclasses

import numpy as np
import pytest
from small_records import random_inside, small_run
from toy_inside import toy_inside, toy_run, with_attention

from vtw_core import InputError
from vtw_core.analysis import migration
from vtw_core.analysis.rows import select_rows

BOTH = np.array([0, 1])


def toy_test():
    """The toy's causal test."""
    return toy_inside().counterfactuals[0]


class TestVisualShares:
    def test_of_text_by_hand(self):
        attention = toy_inside().attention
        assert migration.visual_share_of_text(attention, BOTH).tolist() == [0.3125, 0.09375]
        one = migration.visual_share_of_text(attention, np.array([1]))
        assert one.tolist() == [0.25, 0.0625]

    def test_of_visual_by_hand(self):
        assert migration.visual_share_of_visual(toy_inside().attention).tolist() == [0.375, 0.125]

    def test_per_token_by_hand(self):
        shares = migration.visual_share_per_token(toy_inside().attention)
        assert shares.tolist() == [[0.375, 0.25], [0.125, 0.0625]]

    @pytest.mark.parametrize("seed", range(5))
    def test_the_mean_over_tokens_is_the_share_of_text(self, seed):
        inside = random_inside(answer=3, seed=seed)
        share = migration.visual_share_of_text(inside.attention, select_rows(inside, "all_text", 5))
        each = migration.visual_share_per_token(inside.attention)
        assert each.mean(axis=1) == pytest.approx(share)
        assert ((each >= 0) & (each <= 1)).all()


class TestAnswerProbability:
    def test_by_hand(self):
        probability = migration.answer_probability(toy_inside().log_probability)
        assert probability == pytest.approx([0.25, 0.25, 0.5])

    def test_of_one_token_it_is_its_probability(self):
        assert migration.answer_probability(np.log([[0.3], [0.9]])) == pytest.approx([0.3, 0.9])


class TestFlattensAt:
    KL = ((4.0, 2.0), (0.0, 0.5), (0.0, 0.125), (0.0, 0.0))

    @pytest.mark.parametrize(
        ("scope", "eta", "first"),
        [
            ("answer_mean", 0.1, 2),
            ("answer_mean", 0.01, 3),
            ("answer_max", 0.1, 3),
            ("first_token", 0.1, 1),
            ("first_token", 4, 0),
        ],
    )
    def test_by_hand(self, scope, eta, first):
        assert migration.flattens_at(self.KL, eta, scope) == first

    def test_a_dip_that_does_not_last_is_not_counted(self):
        assert migration.flattens_at([[1.0], [0.0], [1.0], [0.0]], 0.1) == 3

    def test_on_a_run_it_is_the_rule_that_stays_below(self):
        run = small_run()
        for scope in ("first_token", "answer_mean", "answer_max"):
            for eta in (0, 0.3, 0.5, 10):
                expected = run.choose_k(eta, scope, "stays_below")
                assert migration.flattens_at(run.kl_positions, eta, scope) == expected

    def test_bad_input_is_refused(self):
        with pytest.raises(InputError, match="scope"):
            migration.flattens_at(self.KL, 0.1, "last_token")
        with pytest.raises(InputError, match="eta"):
            migration.flattens_at(self.KL, -1)
        for kl in ([1.0, 0.0], [[], []]):
            with pytest.raises(InputError, match="table"):
                migration.flattens_at(kl, 0.1)


class TestLens:
    @pytest.mark.parametrize(
        ("token", "t", "leads", "stays"), [(6, 0, 1, 1), (7, 1, 0, 2), (5, 0, 0, None)]
    )
    def test_when_a_token_leads_and_stays_by_hand(self, token, t, leads, stays):
        lens = toy_inside().lens
        assert migration.lens_leads_at(lens, token, t) == leads
        assert migration.lens_stays_at(lens, token, t) == stays

    def test_a_sampled_token_may_never_lead(self):
        lens = toy_inside().lens
        assert migration.lens_leads_at(lens, 9) is None
        assert migration.lens_stays_at(lens, 9) is None

    def test_at_each_k_by_hand(self):
        assert migration.first_leads_at_k(toy_inside().lens, 6) == (None, 1, 1)

    @pytest.mark.parametrize("t", [-1, 2])
    def test_an_answer_token_that_does_not_exist_is_refused(self, t):
        for when in (migration.lens_leads_at, migration.lens_stays_at):
            with pytest.raises(InputError, match="answer token"):
                when(toy_inside().lens, 6, t)

    @pytest.mark.parametrize("seed", range(5))
    def test_laws(self, seed):
        lens = random_inside(layers=4, answer=2, seed=seed).lens
        for t in range(2):
            last = int(lens.top[-1, t, 0])
            stays = migration.lens_stays_at(lens, last, t)
            assert migration.lens_leads_at(lens, last, t) <= stays <= 4
            assert (lens.top[stays:, t, 0] == last).all()
        token = int(lens.top[-1, 0, 0])
        at_k = migration.first_leads_at_k(lens, token)
        assert len(at_k) == 5
        assert at_k[-1] == migration.lens_leads_at(lens, token)


class TestThreeSettings:
    def test_by_hand(self):
        assert migration.three_settings(toy_run(), toy_test(), 1) == (
            migration.Setting("never_seen", 2.0, pytest.approx(0.125), 0.5),
            migration.Setting("misled", 4.0, pytest.approx(0.5), 0.0),
            migration.Setting("withdrawn", 0.375, pytest.approx(0.25), None),
        )

    def test_at_k_0_misled_never_saw_an_image(self):
        never_seen, misled, _ = migration.three_settings(toy_run(), toy_test(), 0)
        assert dataclasses.replace(misled, name="never_seen") == never_seen

    def test_at_k_l_withdrawn_is_the_original_run(self):
        *_, withdrawn = migration.three_settings(toy_run(), toy_test(), 2)
        assert withdrawn.kl == 0
        assert withdrawn.probability == pytest.approx(0.5)

    @pytest.mark.parametrize("k", [-1, 3])
    def test_a_k_out_of_range_is_refused(self, k):
        with pytest.raises(InputError, match="K must be"):
            migration.three_settings(toy_run(), toy_test(), k)

    def test_a_run_without_a_record_is_refused(self):
        for ask in (migration.joint_curves, lambda *given: migration.three_settings(*given, 1)):
            with pytest.raises(InputError, match="recorded"):
                ask(small_run(), toy_test())


class TestJointCurves:
    def test_by_hand(self):
        curves = migration.joint_curves(toy_run(), toy_test())
        assert curves.visual_share.tolist() == [0.3125, 0.09375]
        assert curves.causal_kl.tolist() == [3, 0.5, 0]
        assert curves.kl.tolist() == [3, 0.375, 0]
        assert (curves.eta, curves.low_share) == (0.003, 0.1)
        assert curves.low_but_used == (1,)
        assert curves.high_but_unused == ()
        assert curves.disagreement == (1,)

    def test_attention_in_vain_is_the_other_way_round(self):
        curves = migration.joint_curves(toy_run(), toy_test(), eta=3)
        assert curves.low_but_used == ()
        assert curves.high_but_unused == curves.disagreement == (0,)

    def test_low_means_low_in_all_later_layers_too(self):
        inside = with_attention(mass=toy_inside().attention.mass[::-1])
        curves = migration.joint_curves(toy_run(inside=inside), toy_test())
        assert curves.visual_share.tolist() == [0.09375, 0.3125]
        assert curves.disagreement == ()

    def test_the_share_itself_is_not_low(self):
        curves = migration.joint_curves(toy_run(), toy_test(), low_share=0.3125)
        assert curves.low_but_used == (1,)

    def test_the_requested_rows_are_the_ones_compared(self):
        curves = migration.joint_curves(toy_run(), toy_test(), "answer")
        assert curves.visual_share.tolist() == [0.25, 0.0625]

    @pytest.mark.parametrize(
        "wrong", [{"eta": -1}, {"low_share": 1.5}, {"low_share": float("nan")}]
    )
    def test_a_bad_threshold_is_refused(self, wrong):
        with pytest.raises(InputError, match=next(iter(wrong))):
            migration.joint_curves(toy_run(), toy_test(), **wrong)


class TestSimilarity:
    def test_by_hand(self):
        cosine, ratio = migration.similarity(toy_inside(), 1)
        assert cosine.tolist() == [[1, 1], [1, 1], [0.75, 0.875]]
        assert ratio.tolist() == [[1, 1], [1, 1], [1.25, 1]]

    @pytest.mark.parametrize("seed", range(3))
    def test_states_up_to_k_are_the_baselines(self, seed):
        inside = random_inside(layers=4, seed=seed)
        for k in range(5):
            cosine, ratio = migration.similarity(inside, k)
            assert (cosine[: k + 1] == 1).all()
            assert (ratio[: k + 1] == 1).all()

    def test_a_k_out_of_range_is_refused(self):
        with pytest.raises(InputError, match="from 0 to 2"):
            migration.similarity(toy_inside(), 3)
