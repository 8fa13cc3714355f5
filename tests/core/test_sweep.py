"""One run of the full model against the direct loop over K, in every family."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from oracle import withdrawn_logits

from vtw_core import InputError, Sampling, VisualTokenWithdrawal, withdraw
from vtw_core.engine.generation import prepare, stream
from vtw_core.errors import ModelError
from vtw_core.every_k.decoding import EveryAnswer
from vtw_core.every_k.full_run import run_full
from vtw_core.every_k.sweep import SweepState
from vtw_core.measures.kl import kl_divergence
from vtw_core.results.sampling import GREEDY

LENGTH = 8
SAMPLED = Sampling(temperature=1.5, top_p=0.9, seed=11)


def swept(vlm, prepared, sampling=GREEDY, positions="keep", length=LENGTH):
    steps = run_full(vlm, prepared, length, sampling)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            full = end.value
            break
    state = SweepState(vlm, full, positions)
    assert list(state.layers()) == list(range(vlm.layers))
    return full, state.finish(sampling)


@pytest.fixture(scope="module")
def prepared(vlm, image):
    return prepare(vlm, image, PROMPT)


def test_both_curves_equal_the_direct_loop_at_every_position(vlm, prepared):
    full, sweep = swept(vlm, prepared)
    assert sweep.kl.shape == (vlm.layers + 1, len(full.ids))
    for k in range(vlm.layers):
        logits = withdrawn_logits(vlm, prepared, VisualTokenWithdrawal(k), full.ids)
        assert np.allclose(sweep.kl[k], kl_divergence(logits, full.logits), atol=1e-5)
        assert np.allclose(sweep.kl_reverse[k], kl_divergence(full.logits, logits), atol=1e-5)
    assert (sweep.kl[-1] == 0).all()
    assert (sweep.kl_reverse[-1] == 0).all()


def test_the_full_run_is_generation_bit_for_bit(vlm, prepared, image):
    full, _ = swept(vlm, prepared)
    steps = list(stream(vlm, prepared, VisualTokenWithdrawal(vlm.layers), LENGTH))
    assert np.array_equal(full.logits.numpy(), np.stack([step.logits for step in steps]))


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("length", [1, 2, LENGTH])
def test_answers_equal_independent_runs(vlm, prepared, sampling, length):
    full, sweep = swept(vlm, prepared, sampling, length=length)
    every = EveryAnswer(vlm, full, sweep, length, sampling)
    list(every.steps())
    for branch in every.branches:
        steps = list(stream(vlm, prepared, VisualTokenWithdrawal(branch.k), length, sampling))
        assert branch.ids == [step.token_id for step in steps]
        assert branch.stopped == steps[-1].stopped


def test_a_row_that_never_leaves_the_baseline_costs_no_pass(vlm, prepared):
    full, sweep = swept(vlm, prepared)
    sweep.picks[:] = full.ids
    every = EveryAnswer(vlm, full, sweep, LENGTH, GREEDY)
    assert list(every.steps()) == []
    assert all(branch.ids == list(full.ids) for branch in every.branches)


def test_nothing_is_left_on_the_model(vlm, prepared):
    hooks = [len(layer._forward_pre_hooks) for layer in vlm.model.get_decoder().layers]
    after = [len(layer._forward_hooks) for layer in vlm.model.get_decoder().layers]
    steps = run_full(vlm, prepared, LENGTH, GREEDY)
    next(steps)
    steps.close()
    swept(vlm, prepared)
    layers = vlm.model.get_decoder().layers
    assert [len(layer._forward_pre_hooks) for layer in layers] == hooks
    assert [len(layer._forward_hooks) for layer in layers] == after


def test_the_kept_run_holds_one_row_of_hidden_states_per_text_row_and_all_keys(vlm, prepared):
    full, _ = swept(vlm, prepared)
    layout, dims = prepared.layout, vlm.dims
    answer = len(full.ids) - 1
    text = len(layout.text) - layout.prefix + answer
    states = (vlm.layers + 1) * text * dims.hidden
    cache = 2 * vlm.layers * (layout.total + answer) * dims.kv_heads * dims.head_dim
    assert full.kept_bytes == (states + cache) * 4


def test_logits_that_are_not_finite_are_refused(vlm, prepared):
    head = vlm.model.get_output_embeddings()
    handle = head.register_forward_hook(lambda *call: call[-1] * torch.nan)
    try:
        with pytest.raises(ModelError, match="float32"):
            swept(vlm, prepared)
    finally:
        handle.remove()


def test_logits_of_withdrawn_rows_that_are_not_finite_are_refused(vlm, image):
    head = vlm.model.get_output_embeddings()
    calls = []

    def overflow(module, args, output):
        calls.append(1)
        return output * torch.nan if len(calls) > LENGTH + 1 else None  # after the full run

    handle = head.register_forward_hook(overflow)
    try:
        with pytest.raises(ModelError, match="float32"):
            vlm.explore(image, PROMPT, max_new_tokens=LENGTH)
    finally:
        handle.remove()


def test_exploring_inside_a_withdraw_block_is_refused(vlm, prepared, image):
    with (
        pytest.raises(InputError, match="already inside"),
        withdraw(vlm.model, VisualTokenWithdrawal(2), prepared.layout),
    ):
        vlm.explore(image, PROMPT, max_new_tokens=2)


def test_a_head_of_another_kind_is_refused(vlm, prepared):
    handle = vlm.model.register_forward_hook(
        lambda module, args, output: output.__setitem__("logits", output.logits * 3)
    )
    try:
        with pytest.raises(ModelError, match="logits"):
            swept(vlm, prepared)
    finally:
        handle.remove()
