"""What torch.compile made of a model before does not pass over what a block does to it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import PROMPT

from vtw_core import MustDrop, VisionStage, VisualTokenWithdrawal, record, withdraw
from vtw_core.engine.generation import prepare
from vtw_core.hooks.uncompiled import around, hold, release

COMPILED = {"backend": "eager"}  # Dynamo's part alone: what passes over hooks is its guards


def compile_decoder(model):
    model.get_decoder().compile(**COMPILED)
    return model


def compile_forward_of_decoder(model):
    decoder = model.get_decoder()
    decoder.forward = torch.compile(decoder.forward, **COMPILED)
    return model


def compile_layers(model):
    for layer in model.get_decoder().layers:
        layer.compile(**COMPILED)
    return model


def wrap_layers(model):
    layers = model.get_decoder().layers
    for index, layer in enumerate(layers):
        layers[index] = torch.compile(layer, **COMPILED)
    return model


def compile_forwards_of_layers(model):
    for layer in model.get_decoder().layers:
        layer.forward = torch.compile(layer.forward, **COMPILED)
    return model


def compile_model(model):
    model.compile(**COMPILED)
    return model


def compile_forward(model):
    model.forward = torch.compile(model.forward, **COMPILED)
    return model


def wrap_model(model):
    return torch.compile(model, **COMPILED)


PARTS = [
    compile_decoder, compile_forward_of_decoder, compile_layers, wrap_layers,
    compile_forwards_of_layers,
]  # fmt: skip
WHOLE = [compile_model, compile_forward, wrap_model]
# Dynamo takes seconds to trace a model.
FORMS = [
    compile_decoder, compile_layers,
    *(pytest.param(one, marks=pytest.mark.slow) for one in PARTS + WHOLE),
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def logits(call, inputs):
    with torch.no_grad():
        return call(**inputs).logits[0, -1]


@pytest.mark.parametrize("form", FORMS)
def test_a_compiled_model_that_ran_before_loses_the_image(vlm, inputs, layout, form):
    plain = logits(vlm.model, inputs)
    with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
        expected = logits(vlm.model, inputs)
        answer = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=4)
    model = copy.deepcopy(vlm.model)
    call = form(model)
    assert torch.allclose(logits(call, inputs), plain, atol=1e-4)
    for _ in range(2):  # and again, with what was compiled in the first block
        with withdraw(model, VisualTokenWithdrawal(2), layout) as withdrawal:
            assert torch.allclose(logits(call, inputs), expected, atol=1e-4)
            assert len(withdrawal.kept) == vlm.layers
            assert torch.equal(model.generate(**inputs, do_sample=False, max_new_tokens=4), answer)
        assert torch.allclose(logits(call, inputs), plain, atol=1e-4)


@pytest.mark.slow
def test_a_compiled_function_around_the_model_is_not_passed_over(vlm, inputs, layout):
    model = copy.deepcopy(vlm.model)
    call = torch.compile(lambda **named: model(**named), **COMPILED)
    logits(call, inputs)
    with withdraw(model, VisualTokenWithdrawal(2), layout) as withdrawal:
        logits(call, inputs)
    assert withdrawal.visual_tokens_per_layer[2:] == (0, 0)


def test_the_compiled_model_itself_may_be_handed_in(vlm, inputs, layout):
    model = copy.deepcopy(vlm.model)
    compiled = torch.compile(model, **COMPILED)
    with withdraw(compiled, VisualTokenWithdrawal(2), layout) as withdrawal:
        compiled.generate(**inputs, do_sample=False, max_new_tokens=2)
    assert len(withdrawal.kept) == vlm.layers


@pytest.mark.slow
def test_nothing_is_compiled_again_in_later_blocks(vlm, inputs, layout):
    model = compile_decoder(copy.deepcopy(vlm.model))

    def compiled_frames():
        return torch._dynamo.utils.counters["frames"]["total"]

    def round_of_runs():
        with withdraw(model, VisualTokenWithdrawal(1), layout):
            logits(model, inputs)
        logits(model, inputs)

    logits(model, inputs)
    round_of_runs()
    before = compiled_frames()
    round_of_runs()
    assert compiled_frames() == before


@pytest.mark.parametrize(
    ("form", "kind"),
    [(compile_layers, "sdpa")]
    + [pytest.param(form, kind, marks=pytest.mark.slow)
       for form in PARTS for kind in ("sdpa", "eager")],
)  # fmt: skip
def test_a_compiled_model_is_recorded_and_explored(vlm, image, inputs, layout, form, kind):
    expected = vlm.explore(image, PROMPT, max_new_tokens=3, inside=True)
    with record(vlm.model, layout) as plain:
        logits(vlm.model, inputs)
    model = copy.deepcopy(vlm.model)
    form(model)
    model.set_attn_implementation(kind)
    logits(model, inputs)
    with record(model, layout) as recorder:
        logits(model, inputs)
    assert np.abs(recorder.rows - plain.rows).max() <= 1e-5
    run = replace(vlm, model=model).explore(image, PROMPT, max_new_tokens=3, inside=True)
    assert run.answer_ids == expected.answer_ids
    assert np.allclose(run.kl_positions, expected.kl_positions, atol=1e-5)
    found, known = (one.inside.attention.mass_at_k for one in (run, expected))
    assert np.abs(found - known).max() <= 2e-3  # half precision


@pytest.mark.parametrize("form", [*PARTS, compile_forward, compile_model])
def test_what_was_compiled_is_back_after_the_block_also_after_an_error(vlm, layout, form):
    model = copy.deepcopy(vlm.model)
    form(model)
    before = [dict(module.__dict__) for module in model.modules()]
    with (
        pytest.raises(ZeroDivisionError),
        withdraw(model, VisualTokenWithdrawal(1), layout),
        record(model, layout),
    ):
        raise ZeroDivisionError
    assert [dict(module.__dict__) for module in model.modules()] == before


def test_patches_are_merged_inside_a_compiled_vision_tower(vlm, image, inputs):
    strategy = MustDrop(0.0, 0.0, VisionStage(similarity=-1.0))
    model = copy.deepcopy(vlm.model)
    model.config.vision_feature_layer = -1  # the encoder's end, after the merging
    expected = prepare(replace(vlm, model=copy.deepcopy(model)), image, PROMPT, strategy)
    model.model.vision_tower.compile(**COMPILED)
    compiled = replace(vlm, model=model)
    logits(model, inputs)
    found = prepare(compiled, image, PROMPT, strategy)
    assert len(found.layout.visual) == len(expected.layout.visual) < 64
    for one, other in zip(found.vision.pooler_output, expected.vision.pooler_output, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_module_held_twice_is_held_until_it_is_let_go_twice():
    module = torch.nn.Linear(2, 2)
    module.compile(**COMPILED)
    compiled = module._compiled_call_impl
    hold(module)
    hold(module)
    release(module)
    assert module._compiled_call_impl is None
    release(module)
    assert module._compiled_call_impl is compiled
    assert "forward" not in module.__dict__


def test_the_modules_around_one_are_named_from_the_outside_in(vlm):
    names = [type(module).__name__ for module in around(vlm.model, vlm.model.get_decoder())]
    assert names == ["LlavaForConditionalGeneration", "LlavaModel", "LlamaModel"]
