"""A model that somebody else read: everything is asked of it, and it is left as it was."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import PROMPT
from small_data import write_small_data
from test_spread_models import SOME_LAYERS_ON_DISK
from tiny_families import HAND_MADE
from tiny_models import TinyProcessor
from transformers import AutoModelForImageTextToText, AutoProcessor

from vtw_core import (
    InputError,
    Method,
    ModelError,
    VisualTokenWithdrawal,
    VTWWarning,
    calibrate,
    compare_methods,
    read_items,
    wrap,
)
from vtw_core.loading import wrapping

FAMILIES = ("llava", "idefics3", "qwen2_5_vl")


def read(folder, family="llava", **options):
    """A model and its processor as plain transformers code reads them."""
    model = AutoModelForImageTextToText.from_pretrained(folder, **options)
    if family in HAND_MADE:
        return model, TinyProcessor(folder, family)
    return model, AutoProcessor.from_pretrained(folder, backend="pil")


@pytest.fixture
def parts(tiny_folder):
    return read(tiny_folder)


def state(model):
    """All of a model that a run could leave changed."""
    return {
        "weights": {name: value.clone() for name, value in model.state_dict().items()},
        "gradients": {name: weight.requires_grad for name, weight in model.named_parameters()},
        "modules": {
            name: (type(module), module.training, set(module.__dict__),
                   len(module._forward_hooks), len(module._forward_pre_hooks))
            for name, module in model.named_modules()
        },
        "config": model.config.to_dict(),
        "attention": model.config.get_text_config()._attn_implementation,
        "generation": model.generation_config.to_dict(),
    }  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_wrapped_model_gives_what_the_loaded_one_gives(
    tiny_folders, tiny_models, image, family, attention
):
    model, processor = read(tiny_folders(family), family, attn_implementation=attention)
    # Some models note for themselves that they have run.
    model(**wrap(model, processor).inputs(image, PROMPT))
    before = state(model)
    vlm = wrap(model, processor)
    run = vlm.explore(image, PROMPT, max_new_tokens=4)
    loaded = tiny_models(family).explore(image, PROMPT, max_new_tokens=4)
    assert vlm.model is model
    assert run.answers == loaded.answers
    assert np.allclose(run.kl_first_token, loaded.kl_first_token, atol=1e-5)
    after = state(model)
    assert after.pop("weights").keys() == before["weights"].keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before["weights"][name])
    assert after == {name: value for name, value in before.items() if name != "weights"}
    assert any(after["gradients"].values())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrapped_model_can_be_trained_on(tiny_folders, image, family):
    model, processor = read(tiny_folders(family), family)
    vlm = wrap(model, processor)
    vlm.explore(image, PROMPT, max_new_tokens=2, inside=True)
    inputs = vlm.inputs(image, PROMPT)
    model.train()
    model(**inputs).logits.float().logsumexp(-1).sum().backward()
    assert all(
        layer.self_attn.q_proj.weight.grad is not None for layer in model.get_decoder().layers
    )


def test_all_that_takes_a_model_takes_a_wrapped_one(parts, image, tmp_path):
    vlm = wrap(*parts, name="mine")
    methods = [Method("vtw", VisualTokenWithdrawal(2))]
    assert compare_methods(vlm, image, PROMPT, methods, max_new_tokens=2).model == "mine"
    items = read_items(write_small_data(tmp_path))
    assert calibrate(vlm, items, max_new_tokens=2).layers == vlm.layers


def test_its_name_is_the_one_given_or_where_it_came_from(parts, tiny_folder):
    assert wrap(*parts).name == str(tiny_folder)
    assert wrap(*parts, name="mine").name == "mine"
    built, processor = type(parts[0])(parts[0].config).eval(), parts[1]
    built.config.name_or_path = ""
    built.name_or_path = ""
    assert wrap(built, processor).name == "LlavaForConditionalGeneration"
    for name in ("", " ", 3):
        with pytest.raises(InputError, match="no name for a model"):
            wrap(*parts, name=name)


def test_a_model_in_training_mode_is_refused_and_stays_in_it(parts):
    model, processor = parts
    model.train()
    with pytest.raises(InputError, match=r"call model\.eval\(\) first"):
        wrap(model, processor)
    assert model.training
    model.eval().get_decoder().layers[1].train()
    with pytest.raises(InputError, match="training mode"):
        wrap(model, processor)


def test_what_is_no_whole_model_of_a_supported_family_is_refused(parts):
    import transformers as t

    model, processor = parts
    with pytest.raises(
        InputError, match="A Linear is no transformers model; give the model inside"
    ):
        wrap(torch.nn.Linear(2, 2), processor)
    with pytest.raises(InputError, match="A str is no transformers model"):
        wrap("embedded", processor)
    with pytest.raises(InputError, match="A LlavaModel has no head that answers"):
        wrap(model.model, processor)
    text = t.LlamaForCausalLM(model.config.text_config).eval()
    with pytest.raises(ModelError, match="'llama' read only text; use a vision-language model"):
        wrap(text, processor)
    with torch.device("meta"):
        empty = type(model)(model.config).eval()
    with pytest.raises(InputError, match="has no weights"):
        wrap(empty, processor)


def test_a_processor_that_does_not_fit_is_refused(parts):
    model, processor = parts
    with pytest.raises(ModelError, match="has no processor, only a"):
        wrap(model, processor.tokenizer)
    processor.patch_size = 8
    with pytest.raises(ModelError, match="mine does not fit its model: it has patch_size 8"):
        wrap(model, processor, name="mine")


def test_a_model_that_is_not_withdrawn_from_exactly_is_refused(parts, monkeypatch):
    monkeypatch.setattr("vtw_core.loading.exactness.differences", lambda tiny: (1.0, 1.0))
    with pytest.raises(ModelError, match="not withdrawn exactly"):
        wrap(*parts)
    monkeypatch.setattr("vtw_core.loading.exactness.TinyModel", lambda config: 1 / 0)
    with pytest.warns(VTWWarning, match="could not be checked"):
        wrap(*parts)


@pytest.mark.parametrize(
    ("packing", "is_fine"),
    [
        (SimpleNamespace(load_in_8bit=True, llm_int8_threshold=6.0), False),
        (SimpleNamespace(load_in_8bit=True, llm_int8_threshold=0.0), True),
        (SimpleNamespace(load_in_8bit=False, load_in_4bit=True, llm_int8_threshold=6.0), True),
    ],
)
def test_of_packed_models_those_are_refused_whose_tokens_depend_on_each_other(
    parts, packing, is_fine
):
    model = parts[0]
    model.config.quantization_config = packing
    if is_fine:
        wrapping._check_state(model)
        return
    with pytest.raises(InputError, match=r"llm_int8_threshold=0\.0"):
        wrapping._check_state(model)


def test_a_model_that_is_spread_over_devices_is_wrapped(tiny_folder, tiny_models, image, tmp_path):
    pytest.importorskip("accelerate", reason="accelerate is not installed (extra: real)")
    model, processor = read(tiny_folder, device_map=SOME_LAYERS_ON_DISK, offload_folder=tmp_path)
    assert any(weight.is_meta for weight in model.parameters())
    run = wrap(model, processor).explore(image, PROMPT, max_new_tokens=2)
    loaded = tiny_models("llava").explore(image, PROMPT, max_new_tokens=2)
    assert run.answers == loaded.answers
