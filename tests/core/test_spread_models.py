"""Models in unusual places: over several devices, on the disk, packed into 8 or 4 bits."""

import functools

import numpy as np
import pytest
import tiny_models
import torch
from conftest import PROMPT
from family_laws import LAWS, visual_of
from oracle import attention, greedy_logits, masked

from vtw_core import FastV, InputError, ModelError, VisualTokenWithdrawal, load_model, withdraw
from vtw_core.loading import weights

PARTS = ("model.vision_tower", "model.multi_modal_projector", "model.language_model", "lm_head")
ON_DISK = dict.fromkeys(PARTS, "disk")
SOME_LAYERS_ON_DISK = {
    "model.vision_tower": "cpu",
    "model.multi_modal_projector": "cpu",
    "model.language_model.embed_tokens": "cpu",
    "model.language_model.rotary_emb": "cpu",
    "model.language_model.layers.0": "cpu",
    "model.language_model.layers.1": "disk",
    "model.language_model.layers.2": "disk",
    "model.language_model.layers.3": "cpu",
    "model.language_model.norm": "cpu",
    "lm_head": "disk",
}
MAPS = {"wholly on the disk": ON_DISK, "two layers on the disk": SOME_LAYERS_ON_DISK}
# A packed layer rounds its inputs: a difference of one rounding becomes one step of its grid.
# Measured: at most 0.06 of what withdrawal itself changes.
QUANTIZED_SHARE = 0.1


@pytest.fixture(scope="module")
def spread(tiny_folder):
    """Map -> the tiny model spread by it, loaded once."""
    pytest.importorskip("accelerate", reason="spreading a model takes accelerate")

    @functools.cache
    def load(name):
        return load_model(str(tiny_folder), device="cpu", device_map=MAPS[name])

    return load


@pytest.mark.parametrize("law", LAWS)
def test_the_law_holds_of_a_spread_model(spread, law):
    LAWS[law](spread("two layers on the disk"))


@pytest.mark.parametrize("name", MAPS)
def test_a_spread_model_says_what_it_says_in_one_place(spread, name, vlm, image):
    there = spread(name)
    options = {"max_new_tokens": 4, "inside": True}
    one, other = (model.explore(image, PROMPT, **options) for model in (vlm, there))
    assert one.answers == other.answers
    # Not to the last bit: how sums are rounded depends on where in memory weights lie.
    assert np.allclose(one.kl_answer, other.kl_answer, atol=1e-6)
    assert np.allclose(one.inside.attention.mass, other.inside.attention.mass, atol=1e-3)
    assert other.device == "cpu"
    fast = FastV(k=2, ratio=0.5)
    logits = [model.generate(image, PROMPT, fast, 3).logits for model in (vlm, there)]
    assert np.allclose(*logits, atol=1e-5)


def test_auto_leaves_a_model_that_fits_in_one_place(tiny_folder, image, vlm):
    pytest.importorskip("accelerate", reason="spreading a model takes accelerate")
    auto = load_model(str(tiny_folder), device="cpu", device_map="auto")
    assert auto.generate(image, PROMPT).answer == vlm.generate(image, PROMPT).answer


@pytest.mark.parametrize("device_map", ["everywhere", 3, "cpu"])
def test_a_device_map_that_is_none_is_refused(tiny_folder, device_map):
    with pytest.raises(InputError, match="device map"):
        load_model(str(tiny_folder), device="cpu", device_map=device_map)


@pytest.mark.parametrize(
    ("options", "package"),
    [
        ({"device_map": "auto"}, "accelerate"),
        ({"quantize": "8bit"}, "accelerate"),
        ({"quantize": "4bit"}, "bitsandbytes"),
    ],
)
def test_a_missing_package_is_named(tiny_folder, monkeypatch, options, package):
    monkeypatch.setattr(weights, "is_installed", lambda name: name != package)
    with pytest.raises(ModelError, match=rf"{package} is needed: pip install .*\[real\]"):
        load_model(str(tiny_folder), device="cpu", **options)


@pytest.mark.parametrize("quantize", ["2bit", 8, "int8"])
def test_a_quantization_that_is_none_is_refused(tiny_folder, quantize):
    with pytest.raises(InputError, match="8bit' or '4bit"):
        load_model(str(tiny_folder), device="cpu", quantize=quantize)


@pytest.fixture(scope="module", params=["8bit", "4bit"])
def packed(request, tmp_path_factory):
    """A model whose layers are wide enough for a block of 64 weights."""
    for package in ("accelerate", "bitsandbytes"):
        pytest.importorskip(package, reason=f"quantizing takes {package}")
    with pytest.MonkeyPatch.context() as patch:
        wide = {"hidden_size": 64, "intermediate_size": 128}
        text, vision = tiny_models.text_sizes, tiny_models.vision_sizes
        patch.setattr(tiny_models, "text_sizes", lambda ids, **more: text(ids, **wide | more))
        patch.setattr(tiny_models, "vision_sizes", lambda **more: vision(**wide | more))
        folder = tiny_models.save_tiny_model(tmp_path_factory.mktemp("wide"))
    return load_model(str(folder), device="cpu", quantize=request.param)


def test_a_quantized_model_is_packed(packed):
    kind = type(packed.model.get_decoder().layers[0].mlp.up_proj).__name__
    assert kind in ("Linear8bitLt", "Linear4bit")


@pytest.mark.parametrize("k", range(4))
def test_dropping_is_masking_in_a_quantized_model(packed, image, k):
    inputs = packed.inputs(image, PROMPT)
    layout = packed.layout(inputs)
    plain, _ = greedy_logits(packed.model, inputs, 8)
    with attention(packed.model, "eager"), masked(packed.model, visual_of(layout), k):
        expected, ids = greedy_logits(packed.model, inputs, 8)
    with withdraw(packed.model, VisualTokenWithdrawal(k), layout):
        found, found_ids = greedy_logits(packed.model, inputs, 8)
    assert torch.equal(found_ids, ids)
    effect = (expected[0] - plain[0]).abs().max()
    assert (found - expected).abs().max() <= QUANTIZED_SHARE * effect


@pytest.mark.parametrize("law", ["sweep", "baseline", "streaming", "below_k"])
def test_the_law_holds_of_a_quantized_model(packed, law):
    LAWS[law](packed)
