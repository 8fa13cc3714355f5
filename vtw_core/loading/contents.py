"""What is in a folder or repository that is not a model here: the cause and what to do, in a
sentence. Derived from the names of its files and its config alone."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from vtw_core.errors import ModelError, Sentence
from vtw_core.pictures.images import LFS_POINTER

CONFIG, INDEX, SINGLE = "config.json", "model.safetensors.index.json", "model.safetensors"
ADAPTER, MATRICES = "adapter_config.json", "adapter_model.safetensors"
EXAMPLE = "llava-hf/llava-1.5-7b-hf"

_POINTER_BYTES = 1024
# Weights as other programs read them, by the end of the file's name.
_PROGRAMS = {
    ".gguf": "llama.cpp", ".onnx": "ONNX Runtime", ".msgpack": "Flax", ".h5": "TensorFlow",
    ".tflite": "TensorFlow Lite", ".mlmodel": "Core ML", ".mlpackage": "Core ML",
    ".engine": "TensorRT", "openvino_model.bin": "OpenVINO",
}  # fmt: skip
_PROCESSOR = {
    "settings": ("processor_config.json", "preprocessor_config.json"),
    "tokenizer": ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json"),
}
_PICKLES = (".bin", ".pth", ".pt", ".ckpt", ".pkl")
# model_type, or class, of a checkpoint in another program's format -> its conversion.
_ORIGINALS = {
    "llava_llama": EXAMPLE,
    "LlavaLlamaForCausalLM": EXAMPLE,
    "llava_mistral": "llava-hf/llava-v1.6-mistral-7b-hf",
    "LlavaMistralForCausalLM": "llava-hf/llava-v1.6-mistral-7b-hf",
    "llava_qwen": "llava-hf/llava-onevision-qwen2-0.5b-ov-hf",
    "LlavaQwenForCausalLM": "llava-hf/llava-onevision-qwen2-0.5b-ov-hf",
    "llava_mpt": EXAMPLE,
    "LlavaMptForCausalLM": EXAMPLE,
    "internvl_chat": "OpenGVLab/InternVL3-1B-hf",
}


def check_config(name: str, folder: Path) -> None:
    """Refuse what is no transformers model, before transformers looks at it.

    Args:
        name: how the user calls the folder or repository.

    Raises:
        ModelError: names the cause and what to do.
    """
    for file in sorted(files_of(folder)):
        if _is_pointer(folder / file):
            raise ModelError(
                "The files in {name} are Git LFS pointers, such as {file}, and not the files "
                "themselves; run `git lfs install` and `git lfs pull` in that folder.",
                name=name,
                file=file,
            )
    problem = config_problem(name, read_json(folder / CONFIG))
    if problem is not None:
        raise ModelError.of(problem)


def check_weights(name: str, folder: Path) -> None:
    """Refuse a local folder whose weights are not there, or in a format that is not read.

    Raises:
        ModelError: names the cause and what to do.
    """
    weight_map = (read_json(folder / INDEX) or {}).get("weight_map")
    shards = weight_map.values() if isinstance(weight_map, dict) else ()
    config = read_json(folder / CONFIG)
    problem = cannot_load(name, files_of(folder), config, set(map(str, shards)))
    if problem is not None:
        raise ModelError.of(problem)


def check_processor_files(name: str, folder: Path) -> None:
    """Refuse a folder that lacks what a processor is built from.

    Raises:
        ModelError: names the files.
    """
    for part, choices in _PROCESSOR.items():
        if not any((folder / file).is_file() for file in choices):
            raise ModelError(
                "The model {name} lacks the {part} of its processor ({files}); fetch all files "
                "of the model.",
                name=name,
                part=part,
                files=" or ".join(choices),
            )


def config_problem(name: str, config: Mapping[str, Any] | None) -> Sentence | None:
    """Why a config is not one of a transformers model, or None where it is."""
    if config is None:  # transformers reports why it cannot be read
        return None
    classes = config.get("architectures")
    kinds = [config.get("model_type"), *(classes if isinstance(classes, list) else [])]
    conversion = next((_ORIGINALS[k] for k in map(str, kinds) if k in _ORIGINALS), None)
    if conversion is None and "mm_vision_tower" in config:
        conversion = EXAMPLE
    if conversion is not None:
        return Sentence(
            "The model {name} is in the format of its authors' own program; use its conversion "
            "for transformers, such as {example}.",
            name=name,
            example=conversion,
        )
    packing = config.get("quantization_config") or {}
    if "quantization" in config and "quant_method" not in packing:
        return Sentence(
            "The model {name} is packed for MLX; use the repository that it was made from, such "
            "as {example}.",
            name=name,
            example=EXAMPLE,
        )
    if not isinstance(config.get("model_type"), str):
        return Sentence(
            "The config.json of {name} names no model_type, so it is not the config of a "
            "transformers model; fetch the model again, or use another one.",
            name=name,
        )
    return None


def cannot_load(
    name: str,
    files: Collection[str],
    config: Mapping[str, Any] | None,
    shards: Collection[str] = (),
) -> Sentence | None:
    """Why files are not a model that can be loaded, or None where they are.

    Args:
        name: how the user calls the folder or repository.
        files: their paths in it.
        config: what its config.json holds, None without one.
        shards: the files that its index of weights names.
    """
    top = sorted(file for file in files if "/" not in file)
    if "model_index.json" in top:
        return Sentence(
            "{name} is a diffusers pipeline, which makes pictures; use a vision-language model, "
            "such as {example}.",
            name=name,
            example=EXAMPLE,
        )
    problem = config_problem(name, config)
    if problem is None and ADAPTER in top and (SINGLE in top or INDEX in top):
        # transformers would add the one to the other, or not, by whether peft is installed.
        problem = Sentence(
            "{name} holds a whole model and an adapter, which cannot both be meant; keep the "
            "files of one in a folder of their own.",
            name=name,
        )
    if problem is not None or (CONFIG in top and SINGLE in top):
        return problem
    if CONFIG in top and INDEX in top:
        return _index_problem(name, set(shards), set(top))
    tensors = [file for file in top if file.endswith(".safetensors")]
    if tensors and "params.json" in top:
        return Sentence(
            "{name} has its model in Mistral's own format ({file}); use the repository's "
            "config.json and model.safetensors, or another repository that has them.",
            name=name,
            file=tensors[0],
        )
    if tensors and CONFIG in top:
        return Sentence(
            "{name} has {file}, but neither model.safetensors nor model.safetensors.index.json, "
            "by which transformers finds weights; fetch the index, or rename a single file of "
            "weights.",
            name=name,
            file=tensors[0],
        )
    if tensors:
        return Sentence(
            "{name} has weights and no config.json; fetch all files of the model.", name=name
        )
    problem = _other_weights(name, files)
    return _no_weights(name, sorted(files)) if problem is None else problem


def _index_problem(name: str, shards: set[str], files: set[str]) -> Sentence | None:
    if not shards:
        return Sentence(
            "{name} has an index that names no files of weights ({file}); fetch it again.",
            name=name,
            file=INDEX,
        )
    missing = sorted(shards - files)
    if not missing:
        return None
    return Sentence(
        "{name} lacks {count} of its {shards} files of weights, such as {file}; fetch the model "
        "again.",
        name=name,
        count=len(missing),
        shards=len(shards),
        file=missing[0],
    )


def _other_weights(name: str, files: Collection[str]) -> Sentence | None:
    for file in sorted(files, key=lambda file: (file.count("/"), file)):
        program = next((_PROGRAMS[end] for end in _PROGRAMS if file.endswith(end)), None)
        if program is not None:
            return Sentence(
                "{name} has its weights for {program} alone ({file}); use the repository in "
                "safetensors format that they were made from, such as {example}.",
                name=name,
                program=program,
                file=file,
                example=EXAMPLE,
            )
        if file.endswith(_PICKLES) and not _is_of_training(file):
            return Sentence(
                "{name} has its weights in {file}, a pickle, which can run any code and is never "
                "read here; use a revision with safetensors, or convert it: "
                "huggingface.co/spaces/safetensors/convert does that for a repository, "
                "save_pretrained of transformers for a folder that you trust.",
                name=name,
                file=file,
            )
    return None


def _no_weights(name: str, files: list[str]) -> Sentence | None:
    if CONFIG in files:
        return Sentence(
            "{name} has a config.json and no weights; fetch model.safetensors, too.", name=name
        )
    inside = [str(PurePosixPath(file).parent) for file in files if file.endswith(f"/{CONFIG}")]
    if inside:
        return Sentence(
            "{name} has its model in the folder {folder}; name that folder (of a repository: "
            "fetch it first).",
            name=name,
            folder=inside[0],
        )
    if any(file.startswith(("tokenizer", "vocab", "preprocessor_config")) for file in files):
        return Sentence(
            "{name} has a tokenizer or processor and no model; fetch config.json and "
            "model.safetensors, too.",
            name=name,
        )
    return None


def _is_of_training(file: str) -> bool:
    """Of a Trainer, which keeps its own state beside the weights."""
    return PurePosixPath(file).stem in {"training_args", "optimizer", "scheduler", "rng_state"}


def files_of(folder: Path) -> set[str]:
    """Names of a folder's files, and of the configs in folders of it, as deep as in the hub's
    cache."""
    found = [path for path in folder.iterdir() if path.suffix == ".mlpackage" or path.is_file()]
    for below in ("*", "*/*"):
        found += folder.glob(f"{below}/{CONFIG}")
    return {path.relative_to(folder).as_posix() for path in found}


def _is_pointer(file: Path) -> bool:
    if not file.is_file() or file.stat().st_size > _POINTER_BYTES:
        return False
    with file.open("rb") as content:
        return content.read(len(LFS_POINTER)) == LFS_POINTER


def read_json(file: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is none."""
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def parsed(text: str) -> dict[str, Any] | None:
    """A JSON object; None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
