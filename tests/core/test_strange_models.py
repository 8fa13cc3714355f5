"""Models as strangers have them: configs with keys that are missing or of another model, parts of
two checkpoints, odd wishes. Each is told by its cause, and none takes the machine's memory."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vtw_core import InputError, ModelError, load_model
from vtw_core.errors import first_line


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy of the tiny model's folder, to be damaged."""
    return shutil.copytree(tiny_folder, tmp_path / "model")


def change(folder, file="config.json", **settings):
    """Write settings into a JSON file, `part__setting` into a part; None takes one out."""
    path = folder / file
    config = json.loads(path.read_text())
    for name, value in settings.items():
        *parts, last = name.split("__")
        place = config
        for part in parts:
            place = place[part]
        place[last] = value
        if value is None:
            del place[last]
    path.write_text(json.dumps(config))


def sentence(folder, kind=ModelError, **how):
    with pytest.raises(kind) as caught:
        load_model(str(folder), **{"device": "cpu"} | how)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return str(caught.value)


@pytest.mark.parametrize("part", ["text_config", "vision_config"])
def test_a_config_without_a_part_is_refused_before_weights_of_its_size_are_made_up(folder, part):
    change(folder, **{part: None})
    said = sentence(folder)
    assert " parameters, and its files of weights have " in said
    assert said.endswith("they are damaged or of another model; fetch all files of one model.")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"text_config__num_hidden_layers": 3}, "describes 3 decoder layers, and its weights have"),
        ({"text_config__num_hidden_layers": 6}, "18 tensors are missing"),
        ({"text_config__num_hidden_layers": 0}, "its decoder has no layers"),
        ({"text_config__intermediate_size": 48}, "describes weights of other shapes than its"),
        ({"text_config__vocab_size": 100}, "makes token 346 of this prompt, and the model has 100"),
        ({"text_config__hidden_size": "32"}, "'hidden_size': TypeError: Field 'hidden_size' expe"),
        ({"text_config__model_type": "nonsense"}, "Unrecognized model type for subconfig"),
        ({"text_config__rope_parameters": {"rope_type": "odd"}}, "loaded: KeyError: 'odd'"),
        ({"model_type": ["llava"]}, "names no model_type"),
        ({"model_type": "of_next_year"}, "of_next_year"),
        ({"model_type": "video_llava"}, "Models of type 'video_llava' are not supported"),
        ({"model_type": "llava_next"}, "is a LlavaProcessor, and models of its kind take a Llava"),
        ({"_attn_implementation": "flash_attention_2"}, "a package that is not installed: Flash"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "not installed: Loading a"),
    ],
)  # fmt: skip
def test_a_config_that_is_not_its_weights_own_is_explained_by_its_cause(folder, settings, words):
    change(folder, **settings)
    assert words in sentence(folder)


def test_the_processor_of_another_family_is_named(folder, tiny_folders):
    shutil.copy(tiny_folders("paligemma") / "processor_config.json", folder)
    said = sentence(folder)
    assert "is a PaliGemmaProcessor, and models of its kind take a LlavaProcessor" in said
    assert said.endswith("take both from one checkpoint, such as llava-hf/llava-1.5-7b-hf.")


def test_a_processor_class_that_is_not_known_is_reported(folder):
    change(folder, "processor_config.json", processor_class="Nonsense")
    assert "has no processor, only a " in sentence(folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_processor__image_mean": [0.5]}, "does not fit its model: mean must have 3"),
        ({"image_processor__image_processor_type": "Odd"}, "Unrecognized image processor"),
        ({"image_token": "<picture>"}, "chat template writes 0 images into a prompt about 1"),
    ],
)
def test_odd_settings_of_a_processor_are_explained_by_their_cause(folder, settings, words):
    change(folder, "processor_config.json", **settings)
    assert words in sentence(folder)


@pytest.mark.parametrize("file", ["tokenizer_config.json", "generation_config.json"])
def test_what_a_model_can_do_without_may_be_missing(folder, image, file):
    (folder / file).unlink()
    vlm = load_model(str(folder), device="cpu")
    assert vlm.generate(image, "What is it?", max_new_tokens=2).tokens


@pytest.mark.parametrize("bytes_left", [0, 100, -100])
def test_weights_that_were_cut_off_are_reported(folder, bytes_left):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:bytes_left])
    assert " are damaged " in sentence(folder)


def test_a_link_to_weights_that_leads_nowhere_is_reported(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("/nowhere/blob")
    assert "has a config.json and no weights" in sentence(folder)


@pytest.mark.parametrize("dtype", ["fp16", "bf16", "auto", torch.float64, ["float32"], 1.5])
def test_other_words_for_a_dtype_are_refused_with_those_that_are_taken(folder, dtype):
    words = "is no dtype; use float32, bfloat16 or float16."
    assert words in sentence(folder, InputError, dtype=dtype)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"quantize": "int8"}, "'int8' is no quantization; use '8bit' or '4bit'."),
        ({"quantize": True}, "True is no quantization; use '8bit' or '4bit'."),
        ({"device": "meta"}, "The device 'meta' is not there; use 'cpu'."),
        ({"device": 7}, "The device 7 is not there; use 'cpu'."),
        ({"device": None, "device_map": {}}, "{} is no device map; use 'auto'."),
        ({"device": None, "device_map": "balanced"}, "'balanced' is no device map; use 'auto'."),
    ],
)
def test_odd_wishes_are_refused_with_what_is_taken(folder, how, words):
    assert sentence(folder, InputError, **how) == words


def test_weights_that_are_no_numbers_are_not_reported_as_loaded_as_they_are(folder, image):
    weights = load_file(folder / "model.safetensors")
    weights = {name: weight * float("nan") for name, weight in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="float32, or fetch its weights again where it is"):
        load_model(str(folder), device="cpu").generate(image, "What is it?", max_new_tokens=1)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n of a field:\n it is odd\nmore"), "of a field: it is odd"),
        (ValueError(""), "ValueError"),
        (KeyError("name"), "KeyError: 'name'"),
        (ValueError("x" * 900), "x" * 300 + " ..."),
    ],
)
def test_another_library_s_error_is_reported_in_one_line(error, line):
    assert first_line(error) == line
