"""Attention is recorded as eager attention has it, and nothing else changes."""

import threading

import numpy as np
import pytest
import torch
from attention_oracle import binned, eager_weights, full_weights, statistics, value_norms
from conftest import PROMPT
from oracle import attention
from tiny_families import FAMILIES, KINDS_FIRST
from tiny_models import random_picture

from vtw_core import (
    InputError,
    ModelError,
    RandomDrop,
    TokenLayout,
    VisualTokenWithdrawal,
    check_support,
    record,
    withdraw,
)
from vtw_core.attention import recording as recording_module
from vtw_core.hooks.layer_arguments import cache_of

STEPS = 3
PICTURE = random_picture(48, 40)


def generated(vlm, inputs):
    return vlm.model.generate(
        **inputs, do_sample=False, max_new_tokens=STEPS + 1, min_new_tokens=STEPS + 1,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip


def holds(recorder, layer, expected):
    for name, values in expected.items():
        found = getattr(recorder, name)
        found = found if name == "query_positions" else found[layer]
        assert found.shape == values.shape, name
        assert np.abs(found - values).max() <= 1e-5, name


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_what_is_recorded_is_what_eager_attention_has(tiny_models, family):
    vlm = tiny_models(family)
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    plain = generated(vlm, inputs)
    with record(vlm.model, layout) as recorder:
        out = generated(vlm, inputs)
    for one, other in zip(plain.logits, out.logits, strict=True):
        assert torch.equal(one, other)
    prompt, rows = eager_weights(vlm, inputs, STEPS)
    assert recorder.positions == layout.total + STEPS
    for layer in range(vlm.layers):
        weights = full_weights(prompt[layer], rows[layer])
        holds(recorder, layer, statistics(weights, layout))
        assert np.abs(recorder.image[layer] - binned(weights, recorder.edges)).max() <= 1e-5
        norms = value_norms(cache_of(out), layer)
        assert np.abs(recorder.value_norms[layer] - norms).max() <= 1e-4
    for array in (recorder.mass, recorder.rows, recorder.image, recorder.visual_mass):
        assert np.abs(array.sum(-1) - 1).max() <= 1e-5


@pytest.mark.parametrize("family", KINDS_FIRST)
@pytest.mark.parametrize("outside", ["withdraw", "record"])
@pytest.mark.parametrize("k", [None, 0])
def test_with_withdrawal_the_deep_layers_have_no_image(tiny_models, family, outside, k):
    vlm = tiny_models(family)
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    k_min = check_support(vlm.model).k_min
    k = max(2, k_min) if k is None else max(k, k_min)

    if outside == "withdraw":
        with (
            withdraw(vlm.model, VisualTokenWithdrawal(k), layout),
            record(vlm.model, layout) as recorder,
        ):
            out = generated(vlm, inputs)
    else:
        with (
            record(vlm.model, layout) as recorder,
            withdraw(vlm.model, VisualTokenWithdrawal(k), layout),
        ):
            out = generated(vlm, inputs)
    with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
        prompt, rows = eager_weights(vlm, inputs, STEPS)
        plain = generated(vlm, inputs)
    assert torch.equal(out.sequences, plain.sequences)
    total = np.arange(layout.total + STEPS)
    left = np.setdiff1d(total, layout.visual)
    for layer in range(vlm.layers):
        where = total if layer < k else left
        weights = full_weights(prompt[layer], rows[layer], where)
        holds(recorder, layer, statistics(weights, layout))
    of_image = recorder.rows[k:][..., layout.visual]
    assert (of_image == 0).all()
    assert (recorder.received[k:, layout.visual] == 0).all()
    assert k == 0 or (recorder.rows[:k][..., layout.visual] > 0).any()


def test_blocks_of_any_size_give_the_same(vlm, inputs, layout, monkeypatch):
    found = []
    for block in (1, 3000, 2**21):
        monkeypatch.setattr(recording_module, "_BLOCK", block)
        with record(vlm.model, layout) as recorder, torch.no_grad():
            vlm.model(**inputs)
        found.append([recorder.rows, recorder.mass, recorder.received, recorder.image])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert np.abs(one - two).max() <= 1e-6


def test_bins_cover_every_position_once(vlm, monkeypatch, image):
    monkeypatch.setattr(recording_module, "MOST_BINS", 5)
    inputs = vlm.inputs(image, PROMPT)
    layout = vlm.layout(inputs)
    with record(vlm.model, layout) as recorder:
        generated(vlm, inputs)
    assert recorder.edges[0] == 0
    assert recorder.edges[-1] == layout.total + STEPS
    assert layout.total in recorder.edges
    assert (np.diff(recorder.edges) > 0).all()
    prompt, rows = eager_weights(vlm, inputs, STEPS)
    weights = full_weights(prompt[1], rows[1])
    assert np.abs(recorder.image[1] - binned(weights, recorder.edges)).max() <= 1e-5


def test_eager_attention_is_recorded_too(vlm, inputs, layout):
    with record(vlm.model, layout) as recorder:
        generated(vlm, inputs)
    with attention(vlm.model, "eager"), record(vlm.model, layout) as eager:
        generated(vlm, inputs)
    for name in ("mass", "rows", "received", "entropy", "image", "value_norms"):
        assert np.abs(getattr(recorder, name) - getattr(eager, name)).max() <= 1e-4, name


def test_a_padded_prompt_is_recorded_without_its_padding(vlm, inputs, layout):
    pads = 4
    padded = dict(inputs)
    ids = inputs["input_ids"]
    padded["input_ids"] = torch.cat([ids.new_full((1, pads), 0), ids], dim=1)
    padded["attention_mask"] = torch.ones_like(padded["input_ids"])
    padded["attention_mask"][:, :pads] = 0
    wide = TokenLayout.from_inputs(vlm.model, padded)
    assert wide.padding == pads
    with record(vlm.model, layout) as alone:
        generated(vlm, inputs)
    with record(vlm.model, wide) as recorder:
        generated(vlm, padded)
    assert np.abs(recorder.mass - alone.mass).max() <= 1e-5
    assert np.abs(recorder.rows[..., pads:] - alone.rows).max() <= 1e-5
    assert np.abs(recorder.received[:, pads:] - alone.received).max() <= 1e-5
    assert (recorder.received[:, :pads] == 0).all()


def test_the_last_prompt_is_what_is_held(vlm, inputs, layout):
    with record(vlm.model, layout) as recorder:
        generated(vlm, inputs)
        first = recorder.rows
        generated(vlm, inputs)
    assert np.array_equal(recorder.rows, first)


def test_another_thread_is_not_recorded(vlm, inputs, layout):
    with record(vlm.model, layout) as recorder:
        other = threading.Thread(target=lambda: generated(vlm, inputs))
        other.start()
        other.join()
        with pytest.raises(InputError, match="Nothing was recorded"):
            _ = recorder.rows
        generated(vlm, inputs)
    assert recorder.rows.any()


def test_a_strategy_that_drops_at_layer_0_is_recorded(vlm, inputs, layout):
    schedule = (len(layout.visual) // 2,) * 2 + (0, 0)
    with (
        withdraw(vlm.model, RandomDrop(schedule), layout) as withdrawal,
        record(vlm.model, layout) as recorder,
    ):
        generated(vlm, inputs)
    left = np.setdiff1d(layout.visual, withdrawal.kept[0][0])
    assert len(left) == len(layout.visual) - schedule[0]
    assert (recorder.rows[0][:, left] == 0).all()
    assert np.abs(recorder.mass.sum(-1) - 1).max() <= 1e-5


def test_nothing_is_left_on_the_model_after_an_error(vlm, inputs, layout):
    def hooks():
        return [
            (len(module._forward_hooks), len(module._forward_pre_hooks))
            for module in vlm.model.modules()
        ]

    before = hooks()
    boom = vlm.model.get_decoder().layers[2].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), record(vlm.model, layout):
        generated(vlm, inputs)
    boom.remove()
    assert hooks() == before
    assert not torch.overrides._get_current_function_mode_stack()


def test_more_than_one_sequence_is_refused(vlm, inputs, layout):
    twice = {name: torch.cat([value, value]) for name, value in inputs.items()}
    with pytest.raises(InputError, match="one sequence"), record(vlm.model, layout):
        vlm.model(**twice)


def test_another_prompt_than_the_layouts_is_refused(vlm, inputs, layout):
    with pytest.raises(InputError, match="layout"), record(vlm.model, layout), torch.no_grad():
        vlm.model(input_ids=inputs["input_ids"][:, -3:])


def test_an_attention_that_cannot_be_captured_is_refused(vlm, layout, monkeypatch):
    monkeypatch.setattr(vlm.model.config.text_config, "_attn_implementation_internal", "flash")
    with pytest.raises(ModelError, match="load the model with sdpa"), record(vlm.model, layout):
        pass
