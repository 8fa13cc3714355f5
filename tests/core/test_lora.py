"""A LoRA adapter becomes its base model with other weights: the laws of withdrawal hold in it."""

import json
import shutil

import pytest
import torch
from conftest import PROMPT
from fake_hub import fake_hub, reach
from family_laws import LAWS
from safetensors.torch import load_file, save_file
from tiny_models import load_tiny_model

from vtw_core import InputError, ModelError, load_model
from vtw_core.loading import lora

peft = pytest.importorskip("peft", reason="merging an adapter takes peft")


def save_adapter(folder, base, model=None, **settings):
    """Train nothing: save random matrices for a model as peft does; returns the wrapped model."""
    torch.manual_seed(1)
    options = {"r": 4, "target_modules": ["q_proj", "v_proj"], "init_lora_weights": False}
    config = peft.LoraConfig(**options | settings)
    wrapped = peft.get_peft_model(model or load_tiny_model(base, "llava").model, config).eval()
    wrapped.save_pretrained(folder)
    change(folder, base_model_name_or_path=str(base))
    return wrapped


def change(folder, **settings):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.fixture(scope="module")
def saved(tiny_folder, tmp_path_factory):
    """(an adapter's folder, the logits that peft's own model has with it)."""
    folder = tmp_path_factory.mktemp("adapter")
    return folder, save_adapter(folder, tiny_folder)


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the adapter's folder, to be changed."""
    return shutil.copytree(saved[0], tmp_path / "adapter")


@pytest.fixture
def hub_cache(monkeypatch, tmp_path):
    """A hub on this machine, reached by a user whose cache is empty."""
    with fake_hub() as hub:
        reach(hub, monkeypatch, tmp_path / "hf")
        yield hub


def sentence(folder, kind=ModelError, **how):
    with pytest.raises(kind) as caught:
        load_model(str(folder), device="cpu", **how)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_merged_model_answers_as_peft_s_own(saved, vlm, image):
    folder, wrapped = saved
    merged = load_model(str(folder), device="cpu")
    assert merged.name == str(folder)
    inputs = vlm.inputs(image, PROMPT)
    with torch.inference_mode():
        expected = wrapped(**inputs).logits
        assert (merged.model(**inputs).logits - expected).abs().max() < 1e-4
        assert (vlm.model(**inputs).logits - expected).abs().max() > 0.1


def test_nothing_of_the_adapter_is_left_but_the_weights(saved, vlm):
    merged = load_model(str(saved[0]), device="cpu").model
    kinds = {name: type(module) for name, module in merged.named_modules()}
    assert kinds == {name: type(module) for name, module in vlm.model.named_modules()}
    assert set(merged.state_dict()) == set(vlm.model.state_dict())
    assert set(vars(merged)) == set(vars(vlm.model))
    assert not merged.training
    assert not any(weight.requires_grad for weight in merged.parameters())
    changed = {
        name for name, weight in merged.named_parameters()
        if not torch.equal(weight, vlm.model.get_parameter(name))
    }  # fmt: skip
    assert {name.rsplit(".", 2)[1] for name in changed} == {"q_proj", "v_proj"}


@pytest.mark.parametrize("law", ["greedy", "baseline", "sweep"])
def test_the_laws_of_withdrawal_hold_in_a_merged_model(saved, law):
    LAWS[law](load_model(str(saved[0]), device="cpu"))


def test_names_of_older_transformers_are_understood(saved, folder, vlm, image):
    matrices = load_file(folder / "adapter_model.safetensors")
    older = {
        "model.model.language_model.": "model.language_model.model.",
        "model.model.vision_tower.": "model.vision_tower.vision_model.",
    }
    renamed = {}
    for name, matrix in matrices.items():
        new, old = next(pair for pair in older.items() if pair[0] in name)
        renamed[name.replace(new, old)] = matrix
    assert set(renamed).isdisjoint(matrices)
    save_file(renamed, folder / "adapter_model.safetensors", {"format": "pt"})
    inputs = vlm.inputs(image, PROMPT)
    with torch.inference_mode():
        expected = saved[1](**inputs).logits
        found = load_model(str(folder), device="cpu").model(**inputs).logits
    assert (found - expected).abs().max() < 1e-4


@pytest.mark.parametrize(
    "settings",
    [
        {"modules_to_save": ["multi_modal_projector"]},
        {"use_dora": True},
        {"use_rslora": True, "bias": "lora_only"},
        {"target_modules": "all-linear", "rank_pattern": {"v_proj": 2}},
    ],
    ids=lambda settings: ", ".join(settings),
)
def test_what_peft_merges_is_merged(tiny_folder, vlm, image, tmp_path, settings):
    model = load_tiny_model(tiny_folder, "llava").model
    wrapped = save_adapter(tmp_path, tiny_folder, model, **settings)
    if "modules_to_save" in settings:
        for name, weight in wrapped.named_parameters():
            if "modules_to_save" in name:
                weight.data += 0.5
        wrapped.save_pretrained(tmp_path)
        change(tmp_path, base_model_name_or_path=str(tiny_folder))
    merged = load_model(str(tmp_path), device="cpu").model
    assert set(merged.state_dict()) == set(vlm.model.state_dict())
    inputs = vlm.inputs(image, PROMPT)
    with torch.inference_mode():
        expected = wrapped(**inputs).logits
        assert (merged(**inputs).logits - expected).abs().max() < 1e-3
        assert (vlm.model(**inputs).logits - expected).abs().max() > 0.1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"megatron_config": {"a": 1}, "megatron_core": "os"}, "uses megatron_config, which is"),
        ({"layer_replication": [[0, 4], [2, 4]]}, "uses layer_replication, which is more than"),
        ({"alora_invocation_tokens": [1]}, "uses alora_invocation_tokens, which is more than"),
        ({"trainable_token_indices": [5]}, "uses trainable_token_indices, which is more than"),
        ({"init_lora_weights": "pissa"}, "uses init_lora_weights, which is more than"),
        ({"revision": "v2"}, "uses revision, which is more than"),
        ({"of_next_year": True}, "uses of_next_year, which is more than"),
        ({"peft_type": "PROMPT_TUNING"}, "is an adapter of kind PROMPT_TUNING, which cannot be"),
        ({"base_model_name_or_path": None}, "names no base model; write its hub id or folder"),
        ({"base_model_name_or_path": "/home/of/somebody/llava"}, "somebody/llava of the adapter"),
        ({"base_model_name_or_path": "llava"}, "The base model llava of the adapter"),
        ({"target_modules": ["nowhere"]}, "cannot be loaded: Target modules"),
        ({"target_modules": ["q_proj"]}, "does not fit its base model"),
        ({"target_modules": ["q_proj", "v_proj", "o_proj"]}, "does not fit its base model"),
        ({"r": 8}, "cannot be loaded: "),
    ],
)
def test_an_adapter_that_is_more_or_does_not_fit_is_refused(folder, settings, words):
    change(folder, **settings)
    assert words in sentence(folder)


def test_an_adapter_of_an_adapter_is_refused(saved, folder):
    change(folder, base_model_name_or_path=str(saved[0]))
    assert "belongs to another adapter" in sentence(folder)


def test_a_base_model_that_cannot_be_loaded_says_why(folder, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text('{"model_type": "llama"}')
    change(folder, base_model_name_or_path=str(base))
    assert "Models of type 'llama' read only text" in sentence(folder)


def test_pickled_matrices_are_never_read(folder):
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert "has its weights in adapter_model.bin, a pickle" in sentence(folder)


def test_missing_matrices_are_reported(folder):
    (folder / "adapter_model.safetensors").unlink()
    assert "and no adapter_model.safetensors; fetch the adapter again" in sentence(folder)


def test_a_damaged_adapter_config_is_reported(folder):
    (folder / "adapter_config.json").write_text("{")
    assert "The adapter_config.json of " in sentence(folder)


def test_a_model_and_an_adapter_in_one_folder_are_refused(folder, tiny_folder):
    shutil.copytree(tiny_folder, folder, dirs_exist_ok=True)
    assert "holds a whole model and an adapter, which cannot both be meant" in sentence(folder)


@pytest.mark.parametrize("how", [{"device_map": "auto"}, {"device_map": {"": "cpu"}}])
def test_an_adapter_is_not_merged_into_spread_weights(saved, how):
    assert "on one device; leave out" in sentence(saved[0], InputError, **how)


def test_without_peft_the_error_names_what_to_install(saved, monkeypatch):
    monkeypatch.setattr(lora, "is_installed", lambda package: package != "peft")
    assert 'merging it needs peft: pip install "visual-token-withdrawal[real]".' in sentence(
        saved[0]
    )


def test_an_adapter_of_the_hub_is_merged_into_its_base_of_the_hub(
    folder, vlm, image, hub_cache, saved, tiny_folder
):
    change(folder, base_model_name_or_path="org/tiny")
    hub_cache.repositories |= {"org/adapter": folder, "org/tiny": tiny_folder}
    inputs = vlm.inputs(image, PROMPT)
    merged = load_model("org/adapter", device="cpu")
    assert merged.name == "org/adapter"
    with torch.inference_mode():
        expected = saved[1](**inputs).logits
        assert (merged.model(**inputs).logits - expected).abs().max() < 1e-4
    hub_cache.requests.clear()
    load_model("org/adapter", device="cpu")
    assert not hub_cache.fetched("safetensors")


def test_an_adapter_of_the_hub_reaches_no_folder_of_this_machine(folder, tiny_folder, hub_cache):
    hub_cache.repositories["org/adapter"] = folder
    change(folder, base_model_name_or_path=str(tiny_folder))
    assert "of the adapter org/adapter is not here" in sentence("org/adapter")


def test_the_embedded_model_may_be_a_base(tmp_path, image):
    embedded = load_model("embedded", device="cpu")
    save_adapter(tmp_path, "embedded", embedded.model, r=2)
    merged = load_model(str(tmp_path), device="cpu")
    assert merged.layers == embedded.layers
