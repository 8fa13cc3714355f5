"""Sinks: numbers by hand on a toy of 2 layers, 2 heads and 6 positions, and laws on random ones."""

import dataclasses

import numpy as np
import pytest
from small_records import random_inside, small_run
from toy_inside import toy_inside, toy_run, with_attention

from vtw_core import InputError
from vtw_core.analysis import sinks
from vtw_core.analysis.rows import deeper_half, inside_of, select_rows, tokens_of, visual_positions
from vtw_core.results.inside import SEGMENTS

PROMPT = 5
BOTH = np.array([0, 1])
HALF = 2e-3  # what half precision leaves of a sum of shares


@pytest.fixture(params=range(12))
def drawn(request):
    """(inside, prompt tokens): random numbers, random sizes, the laws kept."""
    rng = np.random.default_rng(request.param)
    rows, cols = rng.integers(1, 4, 2).tolist()
    before = ("bos", "system", "system")[: rng.integers(1, 4)]
    segments = (*before, *["visual"] * rows * cols, *["question"] * rng.integers(1, 4))
    layers, heads, answer = rng.integers(1, 5), rng.integers(1, 4), rng.integers(1, 4)
    inside = random_inside(
        segments, ((rows, cols),), layers=layers, heads=heads, answer=answer, seed=request.param
    )
    return inside, len(segments)


class TestSelectRows:
    @pytest.mark.parametrize(
        ("rows", "indices"),
        [("last_prompt", [0]), ("all_text", [0, 1]), ("question", [0]), ("answer", [1]), (1, [1])],
    )
    def test_by_hand(self, rows, indices):
        assert select_rows(toy_inside(), rows, PROMPT).tolist() == indices

    def test_text_between_two_images_is_question_and_not_last(self):
        inside = random_inside(("bos", "visual", "question", "visual", "question"), answer=3)
        assert inside.attention.query_positions.tolist() == [2, 4, 5, 6]
        assert select_rows(inside, "question", 5).tolist() == [0, 1]
        assert select_rows(inside, "last_prompt", 5).tolist() == [1]
        assert select_rows(inside, "answer", 5).tolist() == [2, 3]

    @pytest.mark.parametrize("rows", [-1, 2, True, 0.5, None])
    def test_a_number_that_is_no_row_is_refused(self, rows):
        with pytest.raises(InputError, match="from 0 to 1"):
            select_rows(toy_inside(), rows, PROMPT)

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(InputError, match="last_prompt, all_text"):
            select_rows(toy_inside(), "visual", PROMPT)

    def test_a_one_token_answer_has_no_row(self):
        with pytest.raises(InputError, match="one token only"):
            select_rows(random_inside(answer=1), "answer", PROMPT)

    def test_a_prompt_that_ends_with_the_image_has_no_row(self):
        inside = random_inside(("bos", "visual", "visual"), answer=2)
        for rows in ("question", "last_prompt"):
            with pytest.raises(InputError, match="after the image"):
                select_rows(inside, rows, 3)


class TestWhereThingsAre:
    def test_visual_positions_by_hand(self):
        assert visual_positions(toy_inside()).tolist() == [2, 3]

    def test_visual_positions_with_text_between_two_images(self):
        inside = random_inside(("bos", "visual", "question", "visual", "question"))
        assert visual_positions(inside).tolist() == [1, 3]

    def test_visual_positions_where_text_before_the_image_sees_it_too(self):
        assert visual_positions(with_text_before_that_sees_the_image()).tolist() == [2, 3]

    def test_tokens_and_segments_of_all_positions(self):
        pieces, segments = tokens_of(toy_run())
        assert pieces == ("<s>", "USER", "<image>", "<image>", "What?", "a")
        assert segments == ("bos", "system", "visual", "visual", "question", "answer")

    def test_the_deeper_half_is_the_larger_one(self):
        assert [list(deeper_half(count)) for count in (1, 2, 3)] == [[0], [1], [1, 2]]

    def test_a_run_without_a_record_is_refused(self):
        assert inside_of(toy_run()) is not None
        for ask in (inside_of, sinks.sink_verdict, lambda run: sinks.sink_tokens(run, 1)):
            with pytest.raises(InputError, match="recorded"):
                ask(small_run())


class TestSegmentMass:
    def test_mean_over_rows_and_heads_by_hand(self):
        mass = sinks.segment_mass(toy_inside().attention, BOTH)
        assert mass.tolist() == [
            [0.1875, 0.125, 0.3125, 0.25, 0.125],
            [0.5625, 0.1875, 0.09375, 0.09375, 0.0625],
        ]

    def test_one_head_and_one_row_by_hand(self):
        mass = sinks.segment_mass(toy_inside().attention, np.array([1]), head=0)
        assert mass.tolist() == [[0.125, 0.125, 0.25, 0.25, 0.25], [0.5, 0.25, 0, 0.125, 0.125]]

    def test_withdrawn_at_k_by_hand(self):
        mass = sinks.segment_mass(toy_inside().attention, np.array([0]), k=1)
        assert mass.tolist() == [[0.1875, 0.1875, 0.375, 0.25, 0], [0.75, 0.25, 0, 0, 0]]

    @pytest.mark.parametrize("wrong", [{"head": 2}, {"head": -1}, {"k": 3}, {"k": -1}])
    def test_a_head_or_k_out_of_range_is_refused(self, wrong):
        with pytest.raises(InputError, match="whole number from 0"):
            sinks.segment_mass(toy_inside().attention, BOTH, **wrong)

    def test_one_head_at_k_is_refused(self):
        with pytest.raises(InputError, match="mean over heads"):
            sinks.segment_mass(toy_inside().attention, BOTH, head=0, k=1)

    def test_laws(self, drawn):
        inside, prompt = drawn
        attention, layers = inside.attention, inside.layers
        for rows in ("all_text", "question", 0):
            chosen = select_rows(inside, rows, prompt)
            mass = sinks.segment_mass(attention, chosen)
            assert mass.sum(axis=1) == pytest.approx(1, abs=HALF)
            assert sinks.segment_mass(attention, chosen, k=layers) == pytest.approx(mass, abs=HALF)
            heads = range(attention.mass.shape[1])
            each = [sinks.segment_mass(attention, chosen, head=head) for head in heads]
            assert np.mean(each, axis=0) == pytest.approx(mass)
            for k in range(layers + 1):
                at_k = sinks.segment_mass(attention, chosen, k=k)
                assert (at_k[k:, SEGMENTS.index("visual")] == 0).all()
                assert at_k[:k] == pytest.approx(mass[:k], abs=HALF)
                assert at_k.sum(axis=1) == pytest.approx(1, abs=HALF)

    def test_the_mean_over_all_rows_is_the_mean_of_each(self, drawn):
        inside, prompt = drawn
        every = select_rows(inside, "all_text", prompt)
        for of in (sinks.segment_mass, sinks.received_from):
            each = [of(inside.attention, select_rows(inside, int(row), prompt)) for row in every]
            assert np.mean(each, axis=0) == pytest.approx(of(inside.attention, every))


class TestReceivedFrom:
    def test_by_hand(self):
        received = sinks.received_from(toy_inside().attention, BOTH)
        assert received.tolist() == [
            [0.1875, 0.125, 0.15625, 0.15625, 0.25, 0.125],
            [0.5625, 0.1875, 0.078125, 0.015625, 0.09375, 0.0625],
        ]

    def test_one_row_is_that_row(self):
        attention = toy_inside().attention
        assert (sinks.received_from(attention, np.array([1])) == attention.rows[:, 1]).all()

    def test_it_sums_to_one_and_agrees_with_the_segments(self, drawn):
        inside, prompt = drawn
        chosen = select_rows(inside, "all_text", prompt)
        received = sinks.received_from(inside.attention, chosen)
        assert received.sum(axis=1) == pytest.approx(1, abs=HALF)
        visual = received[:, visual_positions(inside)].sum(axis=1)
        mass = sinks.segment_mass(inside.attention, chosen)[:, SEGMENTS.index("visual")]
        assert visual == pytest.approx(mass, abs=HALF)


class TestHeadMass:
    def test_by_hand(self):
        attention = toy_inside().attention
        first = sinks.head_mass(attention, np.array([0]), ["bos", "system"])
        assert first.tolist() == [[0.25, 0.5], [0.875, 0.75]]
        visual = sinks.head_mass(attention, BOTH, ["visual"])
        assert visual.tolist() == [[0.375, 0.25], [0.0625, 0.125]]

    def test_a_segment_named_twice_counts_once(self):
        attention = toy_inside().attention
        once, twice = (sinks.head_mass(attention, BOTH, ["bos"] * times) for times in (1, 2))
        assert (once == twice).all()

    @pytest.mark.parametrize("segments", [[], ["image"], "visual"])
    def test_unknown_segments_are_refused(self, segments):
        with pytest.raises(InputError, match="bos, system, visual, question, answer"):
            sinks.head_mass(toy_inside().attention, BOTH, segments)

    def test_all_segments_together_are_everything(self, drawn):
        inside, prompt = drawn
        rows = select_rows(inside, "all_text", prompt)
        assert sinks.head_mass(inside.attention, rows, SEGMENTS) == pytest.approx(1, abs=HALF)


class TestPatches:
    def test_where_a_row_looks_by_hand(self):
        assert sinks.where_it_looks(toy_inside(), 0).tolist() == [[0.25, 0.125], [0.125, 0]]

    def test_who_reads_a_patch_by_hand(self):
        assert sinks.who_reads(toy_inside(), 1).tolist() == [[0.125, 0.1875], [0, 0.03125]]

    def test_looking_and_being_read_are_the_same_weights(self, drawn):
        inside, _ = drawn
        looks = [sinks.where_it_looks(inside, q) for q in range(len(inside.attention.rows[0]))]
        reads = [sinks.who_reads(inside, v) for v in range(len(inside.patches))]
        assert (np.stack(looks, axis=1) == np.stack(reads, axis=2)).all()

    def test_rows_and_patches_that_do_not_exist_are_refused(self):
        with pytest.raises(InputError, match="text row"):
            sinks.where_it_looks(toy_inside(), 2)
        with pytest.raises(InputError, match="patch"):
            sinks.who_reads(toy_inside(), -1)

    def test_on_grid_by_hand(self):
        inside = dataclasses.replace(
            random_inside(("bos", *["visual"] * 5, "question"), ((1, 5),)),
            grids=((1, 1), (2, 2)),
            patches=[[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, -1, -1], [1, 1, 1]],
        )
        values = [1.0, 2.0, 3.0, 4.0, 5.0]
        assert sinks.on_grid(values, inside).tolist() == [[1.0]]
        np.testing.assert_array_equal(sinks.on_grid(values, inside, 1), [[2, 3], [np.nan, 5]])
        assert sinks.on_grid(np.ones((3, 4, 5)), inside, 1).shape == (3, 4, 2, 2)

    def test_on_grid_refuses_another_number_of_values_and_an_unknown_grid(self):
        with pytest.raises(InputError, match="2 values"):
            sinks.on_grid([1.0], toy_inside())
        with pytest.raises(InputError, match="grid"):
            sinks.on_grid([1.0, 2.0], toy_inside(), 1)


class TestSinkTokens:
    def test_by_hand(self):
        first, second, third = sinks.sink_tokens(toy_run(), 3)
        assert first == sinks.SinkToken(
            position=0, segment="bos", piece="<s>", patch=None, on_border=False, received=0.625,
            seen_by=6, times_uniform=pytest.approx(0.625 / (2.45 / 6)), value_norm_ratio=0.25,
            outlier=2000,
        )  # fmt: skip
        assert second == sinks.SinkToken(
            position=2, segment="visual", piece="<image>", patch=(0, 0, 0), on_border=True,
            received=0.5, seen_by=4, times_uniform=pytest.approx(0.5 / (0.95 / 4)),
            value_norm_ratio=0.5, outlier=1200,
        )  # fmt: skip
        assert (third.position, third.piece, third.received) == (1, "USER", 0.25)

    def test_ties_go_to_the_earlier_position_and_there_are_no_more_than_positions(self):
        order = [token.position for token in sinks.sink_tokens(toy_run(), 99)]
        assert order == [0, 2, 1, 4, 5, 3]

    def test_visual_sinks_are_visual_tokens_only(self):
        found = sinks.visual_sinks(toy_run(), 5)
        assert [token.patch for token in found] == [(0, 0, 0), (0, 0, 1)]
        assert found[0] == sinks.sink_tokens(toy_run(), 2)[1]

    def test_the_middle_of_a_grid_is_not_its_border(self):
        segments = ("bos", *["visual"] * 9, "question")
        run = small_run(
            grid=(3, 3), visual_tokens=9, text_tokens=2, segments=segments, tokens=segments,
            inside=random_inside(segments, ((3, 3),)),
        )  # fmt: skip
        inner = [token.patch for token in sinks.visual_sinks(run, 9) if not token.on_border]
        assert inner == [(0, 1, 1)]

    def test_a_token_that_stands_for_no_patch_has_none(self):
        inside = toy_inside(patches=[[0, -1, -1], [0, 0, 1]])
        found = sinks.visual_sinks(toy_run(inside=inside), 2)
        assert [(token.patch, token.on_border) for token in found] == [
            (None, False),
            ((0, 0, 1), True),
        ]

    @pytest.mark.parametrize("count", [0, -1, 1.5, True])
    def test_a_count_that_is_no_count_is_refused(self, count):
        with pytest.raises(InputError, match="at least one"):
            sinks.sink_tokens(toy_run(), count)

    def test_even_attention_is_one_times_uniform(self):
        weights = np.tril(np.ones((6, 6))) / np.arange(1, 7)[:, None]
        expected = weights.sum(axis=0) / np.arange(6, 0, -1)
        assert sinks.uniform_received(6) == pytest.approx(expected)
        assert sinks.uniform_received(1).tolist() == [1.0]


class TestMassiveActivations:
    def test_by_hand(self):
        assert sinks.massive_activations(toy_inside()) == (
            sinks.MassiveActivation(0, state_first=1, state_strongest=1, score=2000),
            sinks.MassiveActivation(2, state_first=2, state_strongest=2, score=1200),
        )

    def test_the_threshold_itself_qualifies(self):
        found = sinks.massive_activations(toy_inside(), 500)
        assert [(one.position, one.state_first) for one in found] == [(0, 1), (2, 1)]

    def test_there_may_be_none(self):
        assert sinks.massive_activations(random_inside()) == ()

    @pytest.mark.parametrize("threshold", [0, -1, float("nan"), float("inf")])
    def test_a_bad_threshold_is_refused(self, threshold):
        with pytest.raises(InputError, match="threshold"):
            sinks.massive_activations(toy_inside(), threshold)


class TestSinkVerdict:
    def test_by_hand(self):
        verdict = sinks.sink_verdict(toy_run())
        assert verdict == sinks.SinkVerdict(
            rows="all_text",
            row_count=2,
            from_layer=1,  # in layer 0 both are 0.3125: not more
            start=1,
            layers=2,
            shares={
                "bos": 0.5625,
                "system": 0.1875,
                "visual": 0.09375,
                "question": 0.09375,
                "answer": 0.0625,
            },
            visual_tokens=2,
            uniform_visual_share=pytest.approx((2 / 5 + 2 / 6) / 2),
            greatest_visual_layer=0,
            greatest_visual_share=0.3125,
            sink_position=0,
            sink_share=0.5625,
            has_sink=True,
            peak_layer=1,
            peak_position=0,
            peak_share=0.5625,
            kl_first_token=0.5,
            kl_answer_mean=0.375,
            same_answer=False,
        )
        assert verdict.first_share == 0.75
        assert verdict.visual_share == 0.09375
        assert verdict.visual_share_per_token == 0.046875

    def test_when_the_image_wins_in_the_last_layer_the_deeper_half_is_averaged(self):
        attention = toy_inside().attention
        inside = with_attention(mass=attention.mass[::-1], rows=attention.rows[::-1])
        verdict = sinks.sink_verdict(toy_run(inside=inside))
        assert (verdict.from_layer, verdict.start) == (None, 1)
        assert verdict.visual_share == 0.3125
        assert not verdict.has_sink
        assert (verdict.sink_position, verdict.sink_share) == (0, 0.1875)
        peak = (verdict.peak_layer, verdict.peak_position, verdict.peak_share)
        assert peak == (0, 0, 0.5625)

    def test_a_visual_token_can_be_the_sink_and_a_row_is_never_its_own(self):
        rows = np.zeros((2, 2, 6))
        rows[:, :, 3], rows[:, 0, 4], rows[:, 1, 5] = 0.375, 0.625, 0.625
        verdict = sinks.sink_verdict(toy_run(inside=with_attention(rows=rows)))
        assert (verdict.sink_position, verdict.sink_share, verdict.has_sink) == (3, 0.375, True)

    def test_where_no_position_is_before_all_rows_there_is_no_sink(self):
        verdict = sinks.sink_verdict(toy_run(inside=with_text_before_that_sees_the_image()))
        assert (verdict.sink_position, verdict.sink_share, verdict.has_sink) == (None, 0, False)
        assert (verdict.peak_position, verdict.peak_share) == (None, 0)

    def test_the_requested_rows_are_the_ones_averaged(self):
        verdict = sinks.sink_verdict(toy_run(), "answer")
        assert (verdict.rows, verdict.row_count) == ("answer", 1)
        assert verdict.from_layer == 1
        assert verdict.shares["bos"] == 0.5
        assert verdict.uniform_visual_share == pytest.approx(2 / 6)

    def test_laws(self, drawn):
        inside, prompt = drawn
        layers, answer = inside.layers, inside.lens.top.shape[1]
        segments = np.array(["question"] * prompt, dtype=object)
        segments[: visual_positions(inside)[0]] = "system"
        segments[visual_positions(inside)] = "visual"
        run = run_around(inside, tuple(segments), layers, answer)
        verdict = sinks.sink_verdict(run)
        assert sum(verdict.shares.values()) == pytest.approx(1, abs=HALF)
        assert verdict.greatest_visual_share >= verdict.visual_share - 1e-9
        mass = sinks.segment_mass(inside.attention, select_rows(inside, "all_text", prompt))
        more = mass[:, 0] + mass[:, 1] > mass[:, 2]
        if verdict.from_layer is None:
            assert not more[-1]
        else:
            assert more[verdict.from_layer :].all()
            assert verdict.from_layer == 0 or not more[verdict.from_layer - 1]


def with_text_before_that_sees_the_image():
    """The toy in a decoder whose prompt sees itself in both directions: four text rows."""
    inside = toy_inside()
    old = inside.attention
    attention = dataclasses.replace(
        old,
        query_positions=[0, 1, 4, 5],
        mass=np.tile(old.mass, (1, 1, 2, 1)),
        mass_at_k=np.tile(old.mass_at_k, (1, 1, 2, 1)),
        rows=np.tile(old.rows, (1, 2, 1)),
        entropy=np.tile(old.entropy, 2),
    )
    twice = {name: np.tile(getattr(inside, name), 2) for name in ("cosine", "norm_ratio")}
    return toy_inside(attention=attention, **twice)


def run_around(inside, segments, layers, answer):
    """A run of the inside's size; its other numbers mean nothing."""
    ids = tuple((6,) * answer for _ in range(layers + 1))
    pieces = tuple(("a",) * answer for _ in range(layers + 1))
    run = toy_run()
    states = layers + 1
    return dataclasses.replace(
        run, layers=layers, visual_tokens=segments.count("visual"),
        text_tokens=len(segments) - segments.count("visual"), tokens=segments, segments=segments,
        answers=("a",) * states, answer_tokens=pieces, answer_ids=ids, stopped=(False,) * states,
        first_tokens=(("a",),) * states, first_probabilities=np.ones((states, 1)),
        kl_positions=np.zeros((states, answer)), kl_positions_reverse=np.zeros((states, answer)),
        flops=np.ones(states), kv_bytes=np.ones(states),
        seconds=dataclasses.replace(run.seconds, prefill=np.ones(states), decode=np.ones(states)),
        inside=inside,
    )  # fmt: skip
