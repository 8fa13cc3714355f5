"""Folders and repositories that are no model: one sentence each, with the cause and the cure."""

import json
import shutil

import pytest
from conftest import PROMPT

from vtw_core import ModelError, load_model
from vtw_core.__main__ import main

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{'0' * 64}\nsize 14130000000\n"
)  # fmt: skip
LLAVA = {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"]}


def sentence(name):
    with pytest.raises(ModelError) as caught:
        load_model(name, device="cpu")
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(name) == 1
    return str(caught.value)


def filled(folder, files):
    """A folder with these files: text, or a dict that becomes JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


# What lies there -> what is said of it. The same for a folder and for a repository.
FOREIGN = {
    "GGUF alone": (
        {"llava-q4.gguf": "GGUF", "mmproj.gguf": "GGUF"},
        "has its weights for llama.cpp alone (llava-q4.gguf); use the repository in safetensors",
    ),
    "GGUF beside a config": (
        {"config.json": LLAVA, "llava-q4.gguf": "GGUF"},
        "has its weights for llama.cpp alone (llava-q4.gguf)",
    ),
    "ONNX alone": (
        {"config.json": LLAVA, "onnx/decoder.onnx": "", "decoder.onnx": ""},
        "has its weights for ONNX Runtime alone (decoder.onnx)",
    ),
    "Flax": ({"config.json": LLAVA, "flax_model.msgpack": ""}, "has its weights for Flax alone"),
    "TensorFlow": ({"config.json": LLAVA, "tf_model.h5": ""}, "for TensorFlow alone (tf_model.h5)"),
    "OpenVINO": (
        {"config.json": LLAVA, "openvino_model.xml": "", "openvino_model.bin": ""},
        "has its weights for OpenVINO alone",
    ),
    "a .bin": (
        {"config.json": LLAVA, "pytorch_model.bin": "", "training_args.bin": ""},
        "has its weights in pytorch_model.bin, a pickle, which can run any code and is never read",
    ),
    "several .bin": (
        {"config.json": LLAVA, "pytorch_model-00001-of-00002.bin": ""},
        "in pytorch_model-00001-of-00002.bin, a pickle",
    ),
    "a .pth": ({"consolidated.00.pth": "", "params.json": {}}, "in consolidated.00.pth, a pickle"),
    "a .pt without config": ({"best.pt": ""}, "in best.pt, a pickle"),
    "diffusers": (
        {"model_index.json": {"_class_name": "StableDiffusionPipeline"}, "unet/config.json": {}},
        "is a diffusers pipeline, which makes pictures; use a vision-language model",
    ),
    "Mistral's own format": (
        {"params.json": {}, "consolidated.safetensors": "", "tekken.json": {}},
        "has its model in Mistral's own format (consolidated.safetensors)",
    ),
    "a tokenizer alone": (
        {"tokenizer.json": {}, "tokenizer_config.json": {}},
        "has a tokenizer or processor and no model; fetch config.json and model.safetensors, too",
    ),
    "weights without config": (
        {"model.safetensors": "", "tokenizer.json": {}},
        "has weights and no config.json; fetch all files of the model.",
    ),
    "a config without weights": (
        {"config.json": LLAVA, "training_args.bin": ""},
        "has a config.json and no weights; fetch model.safetensors, too.",
    ),
    "weights of another name": (
        {"config.json": LLAVA, "llava.safetensors": ""},
        "has llava.safetensors, but neither model.safetensors nor model.safetensors.index.json",
    ),
    "a shard that is missing": (
        {
            "config.json": LLAVA,
            "model.safetensors.index.json": {
                "weight_map": {"a": "model-00001-of-00002.safetensors",
                               "b": "model-00002-of-00002.safetensors"}
            },
            "model-00001-of-00002.safetensors": "",
        },
        "lacks 1 of its 2 files of weights, such as model-00002-of-00002.safetensors; fetch",
    ),
    "an index of nothing": (
        {"config.json": LLAVA, "model.safetensors.index.json": {"metadata": {}}},
        "has an index that names no files of weights (model.safetensors.index.json); fetch",
    ),
    "LLaVA's own format": (
        {"config.json": {"model_type": "llava_llama"}, "pytorch_model.bin": ""},
        "in the format of its authors' own program; use its conversion for transformers, such as "
        "llava-hf/llava-1.5-7b-hf.",
    ),
    "LLaVA's own format under transformers' name": (
        {
            "config.json": {"model_type": "llava", "architectures": ["LlavaLlamaForCausalLM"],
                            "mm_vision_tower": "openai/clip-vit-large-patch14-336"},
            "model.safetensors": "",
        },
        "such as llava-hf/llava-1.5-7b-hf.",
    ),
    "LLaVA 1.6 on Mistral": (
        {"config.json": {"model_type": "llava_mistral"}, "model.safetensors": ""},
        "such as llava-hf/llava-v1.6-mistral-7b-hf.",
    ),
    "LLaVA-OneVision's own format": (
        {"config.json": {"model_type": "llava", "architectures": ["LlavaQwenForCausalLM"]},
         "model.safetensors": ""},
        "such as llava-hf/llava-onevision-qwen2-0.5b-ov-hf.",
    ),
    "InternVL's own format": (
        {"config.json": {"model_type": "internvl_chat", "auto_map": {"AutoConfig": "c.C"}},
         "model.safetensors": ""},
        "such as OpenGVLab/InternVL3-1B-hf.",
    ),
    "another tower's LLaVA": (
        {"config.json": {"model_type": "llava_gemma", "mm_vision_tower": "x"},
         "model.safetensors": ""},
        "in the format of its authors' own program",
    ),
    "MLX": (
        {"config.json": {**LLAVA, "quantization": {"group_size": 64, "bits": 4}},
         "model.safetensors": ""},
        "is packed for MLX; use the repository that it was made from",
    ),
    "a text model": (
        {"config.json": {"model_type": "llama"}, "model.safetensors": ""},
        "Models of type 'llama' read only text; use a vision-language model of a type that is",
    ),
    "a config that names no type": (
        {"config.json": {"hidden_size": 8}, "model.safetensors": ""},
        "names no model_type, so it is not the config of a transformers model",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "words"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_folder_is_explained_by_its_cause(tmp_path, files, words):
    folder = filled(tmp_path / "foreign", files)
    with pytest.raises(ModelError) as caught:
        load_model(str(folder), device="cpu")
    said = str(caught.value)
    assert words in said
    assert "\n" not in said
    assert str(folder) in said or "read only text" in said


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_git_lfs_pointer_is_recognised(tiny_folder, tmp_path, damaged):
    folder = shutil.copytree(tiny_folder, tmp_path / "clone")
    (folder / damaged).write_text(POINTER)
    said = sentence(str(folder))
    assert f"are Git LFS pointers, such as {damaged}" in said
    assert said.endswith("run `git lfs install` and `git lfs pull` in that folder.")


def test_a_short_file_that_is_no_pointer_is_damaged(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    (folder / "model.safetensors").write_text("not what it says")
    assert "weights have 16 bytes, too few: they are damaged or of" in sentence(str(folder))
    (folder / "model.safetensors").write_text("not what it says" * 9999)
    assert "The weights of " in sentence(str(folder))
    assert "are damaged (" in sentence(str(folder))


def test_a_file_is_no_model_and_its_folder_is_requested(tmp_path):
    file = filled(tmp_path, {"llava.gguf": "GGUF"}) / "llava.gguf"
    assert "is a file; name the folder that holds its config.json" in sentence(str(file))


def test_a_folder_inside_that_holds_the_model_is_named(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "models--org--tiny" / "snapshots" / "abc")
    said = sentence(str(tmp_path / "models--org--tiny"))
    assert "has its model in the folder snapshots/abc; name that folder" in said


def test_an_empty_folder_is_no_model(tmp_path, capsys, image_path):
    command = ["explore", "--model", str(tmp_path), "--image", str(image_path), "--prompt", PROMPT]
    assert main(command) == 2
    err = capsys.readouterr().err
    assert "is no model: use 'embedded', a folder with a config.json, or a hub id" in err
    assert err.count("\n") == 1


def test_the_command_line_says_it_in_one_line(tmp_path, capsys, image_path):
    folder = filled(tmp_path / "foreign", FOREIGN["GGUF alone"][0])
    command = ["explore", "--model", str(folder), "--image", str(image_path), "--prompt", PROMPT]
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "for llama.cpp alone" in err
