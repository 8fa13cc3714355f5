"""Exploring every K."""

import itertools

import numpy as np
import pytest
import torch
from conftest import PROMPT

from vtw_core import InputError, Run, Sampling, VisualTokenWithdrawal, withdraw
from vtw_core.families.prompts import display_pieces
from vtw_core.measures.kl import kl_divergence
from vtw_core.results.events import Answers, Curve, Progress, Token

LAYERS = 4


def test_every_list_has_one_entry_per_k(run):
    for name in ("answers", "answer_tokens", "answer_ids", "stopped", "flops", "kv_bytes",
                 "kl_first_token", "kl_answer", "kl_answer_max", "same_as_baseline"):  # fmt: skip
        assert len(getattr(run, name)) == LAYERS + 1
    assert run.kl_positions.shape == (LAYERS + 1, len(run.answer_ids[LAYERS]))


def test_kl_is_exactly_zero_at_k_equal_to_l(run):
    assert run.kl_first_token[LAYERS] == run.kl_answer[LAYERS] == run.kl_answer_max[LAYERS] == 0
    assert (run.kl_positions[:LAYERS, 0] > 0).all()


def test_answers_equal_independent_generate_calls(run, vlm, inputs, layout):
    for k in range(LAYERS + 1):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            out = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=8)
        ids = out[0, layout.total :].tolist()
        assert list(run.answer_ids[k]) == ids
        text = vlm.processor.tokenizer.decode(ids, skip_special_tokens=True)
        assert run.answers[k] == text.lstrip()
    plain = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=8)
    assert list(run.answer_ids[LAYERS]) == plain[0, layout.total :].tolist()


def test_the_first_token_kl_equals_that_of_independent_prefills(run, vlm, inputs, layout):
    full = vlm.model(**inputs).logits[0, -1]
    for k in range(LAYERS):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            cut = vlm.model(**inputs).logits[0, -1]
        assert run.kl_first_token[k] == pytest.approx(float(kl_divergence(cut, full)), rel=1e-3)
        reverse = float(kl_divergence(full, cut))
        assert run.kl_first_token_reverse[k] == pytest.approx(reverse, rel=1e-3)


def test_withdrawal_changes_some_answers(run):
    assert not run.same_as_baseline[0]
    assert run.same_as_baseline[LAYERS]


def test_facts_of_the_run(run, vlm, image, layout):
    assert (run.layers, run.visual_tokens, run.grid) == (LAYERS, 64, (8, 8))
    assert run.prompt == PROMPT
    assert run.image_size == image.size
    assert run.segments == layout.segments
    assert [run.tokens[p] for p in layout.visual] == ["<image>"] * 64
    assert PROMPT in "".join(t for t, s in zip(run.tokens, run.segments, strict=True)
                             if s == "question")  # fmt: skip
    assert run.kv_bytes[LAYERS] == LAYERS * run.kv_bytes_per_layer
    assert dict(run.versions).keys() == {"vtw_core", "torch", "transformers"}
    assert run.created.endswith("+00:00")
    assert (run.seconds.prefill > 0).all()
    assert run.k_min == 0
    assert run.sampling == Sampling()


def test_the_first_tokens_are_the_likeliest_of_independent_prefills(run, vlm, inputs, layout):
    for k in range(LAYERS + 1):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            probabilities = vlm.model(**inputs).logits[0, -1].softmax(-1)
        top = probabilities.topk(run.first_probabilities.shape[1])
        assert run.first_tokens[k] == display_pieces(top.indices.tolist(), vlm.processor.tokenizer)
        assert np.allclose(run.first_probabilities[k], top.values, atol=1e-5)
        assert run.first_tokens[k][0] == run.answer_tokens[k][0]


def test_there_are_seconds_at_every_k(run):
    assert len(run.seconds.prefill) == len(run.seconds.decode) == LAYERS + 1
    assert (run.seconds.decode > 0).all()
    assert run.seconds.total > run.seconds.kl_curve > 0


def test_without_the_times_everything_else_is_the_same(vlm, image, run, tmp_path):
    events = list(vlm.explore_steps(image, PROMPT, max_new_tokens=8, timed=False))
    other = events[-1]
    steps = [event for event in events if isinstance(event, Progress)]
    assert steps[-1].done == steps[-1].total
    assert not other.seconds.are_at_every_k
    assert run.seconds.are_at_every_k
    document, timed = other.to_json(0.003), run.to_json(0.003)
    assert document["seconds"]["prefill_at_k"] == [None] * (LAYERS + 1)
    for name in timed.keys() - {"seconds", "created"}:
        # Sums may differ in their last bits: torch adds up as the data happens to lie in memory.
        is_curve = name in ("kl_first_token", "kl_answer_mean", "kl_answer_max")
        same = pytest.approx(timed[name], rel=1e-9) if is_curve else timed[name]
        assert document[name] == same, name
    with pytest.raises(InputError, match="not timed"):
        other.save(tmp_path / "run.vtw")


def test_the_order_of_events(vlm, image, run):
    events = list(vlm.explore_steps(image, PROMPT, max_new_tokens=8))
    kinds = [type(event) for event in events if not isinstance(event, Progress)]
    assert list(dict.fromkeys(kinds)) == [Token, Curve, Answers, Run]
    assert kinds == sorted(kinds, key=[Token, Curve, Answers, Run].index)
    tokens = [event for event in events if isinstance(event, Token)]
    assert [event.is_last for event in tokens] == [False] * (len(tokens) - 1) + [True]
    assert tokens[-1].text_so_far == run.baseline_answer
    curve = next(event for event in events if isinstance(event, Curve))
    assert np.array_equal(curve.kl_positions, events[-1].kl_positions)


def test_answers_grow_until_they_are_finished(vlm, image, run):
    events = [e for e in vlm.explore_steps(image, PROMPT, max_new_tokens=8)
              if isinstance(e, Answers)]  # fmt: skip
    assert events[-1].texts == run.answers
    assert all(events[-1].finished)
    for before, after in itertools.pairwise(events):
        for k in range(LAYERS + 1):
            if before.finished[k]:
                assert after.finished[k]
                assert after.texts[k] == before.texts[k]


def test_progress_counts_up_to_its_total(vlm, image):
    events = list(vlm.explore_steps(image, PROMPT, max_new_tokens=2))
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress] == list(range(progress[-1].total + 1))
    assert all(event.message for event in progress)


def test_it_can_be_closed_at_every_event(vlm, image, inputs):
    plain = vlm.model(**inputs).logits
    hooks = [len(layer._forward_pre_hooks) for layer in vlm.model.get_decoder().layers]
    count = len(list(vlm.explore_steps(image, PROMPT, max_new_tokens=2)))
    for stop in range(1, count):
        events = vlm.explore_steps(image, PROMPT, max_new_tokens=2)
        for _ in range(stop):
            next(events)
        events.close()
        now = [len(layer._forward_pre_hooks) for layer in vlm.model.get_decoder().layers]
        assert now == hooks
    assert torch.equal(vlm.model(**inputs).logits, plain)


def test_exploring_twice_gives_the_same_numbers(vlm, image, run):
    again = vlm.explore(image, PROMPT, max_new_tokens=8)
    # Where memory lies may change how a processor rounds.
    assert np.allclose(again.kl_positions, run.kl_positions, rtol=1e-4, atol=1e-7)
    assert again.answers == run.answers


@pytest.mark.parametrize(
    "options",
    [{"max_new_tokens": 0}, {"max_new_tokens": 10_000}, {"positions": "shuffle"}],
)
def test_bad_options_are_refused(vlm, image, options):
    with pytest.raises(InputError):
        vlm.explore(image, PROMPT, **options)
