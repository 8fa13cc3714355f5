"""Streaming greedy generation against transformers' own."""

import contextvars
import threading

import numpy as np
import pytest
import torch
from conftest import PROMPT

from vtw_core import InputError, KeepAll, VisualTokenWithdrawal, withdraw
from vtw_core.engine.generation import end_tokens, prepare, stream


@pytest.fixture(scope="module")
def prepared(vlm, image):
    return prepare(vlm, image, PROMPT)


def reference(vlm, inputs, layout, k, length=12):
    """model.generate() with the image encoded afresh."""
    with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
        out = vlm.model.generate(
            **inputs, do_sample=False, max_new_tokens=length,
            return_dict_in_generate=True, output_logits=True,
        )  # fmt: skip
    return out.sequences[0, layout.total :].tolist(), torch.cat(out.logits).numpy()


@pytest.mark.parametrize("k", range(5))
def test_streaming_equals_generate_in_tokens_and_logits(vlm, inputs, layout, prepared, k):
    ids, logits = reference(vlm, inputs, layout, k)
    steps = list(stream(vlm, prepared, VisualTokenWithdrawal(k), 12))
    assert [step.token_id for step in steps] == ids
    assert np.array_equal(np.stack([step.logits for step in steps]), logits)


def test_the_baseline_equals_a_plain_generate(vlm, inputs, layout, prepared):
    plain = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=9)
    steps = list(stream(vlm, prepared, KeepAll(), 9))
    assert [step.token_id for step in steps] == plain[0, layout.total :].tolist()


def test_it_ends_at_an_end_token_of_the_generation_config(vlm, prepared, monkeypatch):
    free = list(stream(vlm, prepared, KeepAll(), 8))
    third = free[2].token_id
    monkeypatch.setattr(vlm.model.generation_config, "eos_token_id", [2, third])
    steps = list(stream(vlm, prepared, KeepAll(), 8))
    first = [step.token_id for step in free].index(third)
    assert len(steps) == first + 1
    assert steps[-1].stopped
    assert steps[-1].is_last
    assert not any(step.is_last for step in steps[:-1])


def test_a_generation_config_without_end_tokens_leaves_them_to_the_tokenizer(vlm, monkeypatch):
    monkeypatch.setattr(vlm.model.generation_config, "eos_token_id", None)
    assert end_tokens(vlm) == {vlm.processor.tokenizer.eos_token_id}


def test_nothing_else_of_the_generation_config_changes_an_answer(vlm, image, monkeypatch):
    plain = vlm.generate(image, PROMPT, max_new_tokens=6)
    for name, value in {
        "do_sample": True, "temperature": 5.0, "top_k": 2, "repetition_penalty": 9.0,
        "no_repeat_ngram_size": 1, "min_new_tokens": 50, "max_new_tokens": 2, "num_beams": 3,
    }.items():  # fmt: skip
        monkeypatch.setattr(vlm.model.generation_config, name, value)
    assert vlm.generate(image, PROMPT, max_new_tokens=6).token_ids == plain.token_ids


def test_without_an_end_token_it_runs_to_the_limit(vlm, prepared, monkeypatch):
    monkeypatch.setattr(vlm.model.generation_config, "eos_token_id", None)
    tokenizer = vlm.processor.tokenizer
    end = tokenizer.eos_token
    tokenizer.eos_token = None  # not by monkeypatch, which would find no attribute to restore
    try:
        steps = list(stream(vlm, prepared, KeepAll(), 5))
    finally:
        tokenizer.eos_token = end
    assert len(steps) == 5
    assert steps[-1].is_last
    assert not steps[-1].stopped


def test_the_text_grows_and_the_seconds_are_counted(vlm, prepared):
    steps = list(stream(vlm, prepared, VisualTokenWithdrawal(2), 6))
    decoded = vlm.processor.tokenizer.decode(
        [step.token_id for step in steps], skip_special_tokens=True
    )
    assert steps[-1].text == decoded.lstrip()
    assert all(step.seconds > 0 for step in steps)
    assert steps[0].visual_tokens_per_layer == (64, 64, 0, 0)


@pytest.mark.parametrize("limit", [0, -1, 10_000, 2.0, "8", None, True])
def test_a_bad_limit_is_refused(vlm, prepared, limit):
    with pytest.raises(InputError, match="max_new_tokens"):
        next(stream(vlm, prepared, KeepAll(), limit))


def test_a_stream_may_move_between_threads_and_contexts(vlm, prepared):
    expected = [s.token_id for s in stream(vlm, prepared, VisualTokenWithdrawal(1), 6)]
    steps = stream(vlm, prepared, VisualTokenWithdrawal(1), 6)
    seen = [next(steps).token_id]
    seen.append(contextvars.Context().run(next, steps).token_id)
    thread = threading.Thread(target=lambda: seen.append(next(steps).token_id))
    thread.start()
    thread.join()
    seen.extend(step.token_id for step in steps)
    assert seen == expected


def test_two_streams_may_be_interleaved(vlm, prepared):
    expected = [
        [s.token_id for s in stream(vlm, prepared, VisualTokenWithdrawal(k), 6)] for k in (0, 3)
    ]
    both = [stream(vlm, prepared, VisualTokenWithdrawal(k), 6) for k in (0, 3)]
    seen = [[], []]
    for _ in range(6):
        for index, steps in enumerate(both):
            seen[index].append(next(steps).token_id)
    assert seen == expected
    for steps in both:
        steps.close()


def test_the_image_is_encoded_once(vlm, image, monkeypatch):
    tower = vlm.model.model.vision_tower
    calls = []
    handle = tower.register_forward_hook(lambda *_: calls.append(1))
    try:
        vlm.explore(image, PROMPT, max_new_tokens=2)
    finally:
        handle.remove()
    assert len(calls) == 1


def test_generate_reports_what_was_kept_and_what_it_cost(vlm, image, inputs, layout):
    result = vlm.generate(image, PROMPT, VisualTokenWithdrawal(1), max_new_tokens=5)
    ids, logits = reference(vlm, inputs, layout, 1, 5)
    assert list(result.token_ids) == ids
    assert np.array_equal(result.logits, logits)
    assert result.visual_tokens_per_layer == (64, 0, 0, 0)
    text = len(layout.text)
    # keys and values, 2 heads of width 8, 4 bytes
    assert result.kv_bytes == 2 * 2 * 8 * 4 * (64 + 4 * text)
    assert result.flops < result.flops_baseline
    full = vlm.generate(image, PROMPT, max_new_tokens=5)
    assert full.flops == full.flops_baseline
    assert full.strategy == {"name": "none"}


def test_a_k_beyond_the_layers_is_refused_before_anything_runs(vlm, image):
    with pytest.raises(InputError, match="0 to 4"):
        vlm.generate(image, PROMPT, VisualTokenWithdrawal(5))
