"""LoRA adapters: a folder of small matrices that are merged into the weights of a base model.

peft does it. What it is given is read here first: from safetensors only, and an adapter that is
more than matrices to be added to weights (another number of layers, code of its own, matrices for
some tokens alone) is refused, so that the merged model is an ordinary one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError, ModelError, Sentence
from vtw_core.families.packages import is_installed
from vtw_core.loading.contents import (
    ADAPTER,
    CONFIG,
    INDEX,
    MATRICES,
    SINGLE,
    cannot_load,
    files_of,
    read_json,
)
from vtw_core.loading.weights import Placement

# Settings that define what is added to the weights, ...
_MERGED = frozenset({
    "r", "lora_alpha", "target_modules", "exclude_modules", "layers_to_transform",
    "layers_pattern", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "bias", "lora_bias",
    "use_rslora", "use_dora", "modules_to_save", "ensure_weight_tying",
})  # fmt: skip
# ... and those that only record how it was made. Any other one, when it is set, is refused.
_NOTES = frozenset({
    "peft_type", "peft_version", "task_type", "auto_mapping", "base_model_name_or_path",
    "inference_mode", "lora_dropout", "qalora_group_size", "megatron_core",
})  # fmt: skip
# Ways to begin that leave the base model's weights as they are.
_BEGINNINGS = (True, False, None, "gaussian", "orthogonal")


@dataclass(frozen=True)
class Lora:
    """An adapter and the base model that it belongs to.

    Attributes:
        name: how the user calls the adapter.
        folder: where its files are.
        base: the base model as its config names it: a hub id, or a folder where it was trained.
    """

    name: str
    folder: Path
    base: str

    def check(self, how: Placement) -> None:
        """Refuse what it cannot be merged into, and a machine without peft.

        Raises:
            InputError: the weights are to be packed or spread.
            ModelError: peft is not installed.
        """
        if how.quantize is not None or how.device_map is not None or how.split:
            raise InputError(
                "An adapter is merged into plain weights on one device; leave out the "
                "quantization, the device map and tensor parallelism."
            )
        if not is_installed("peft"):
            raise ModelError(
                "{name} is a LoRA adapter, and merging it needs peft: pip install "
                '"visual-token-withdrawal[real]".',
                name=self.name,
            )

    def merge_into(self, model: Any) -> None:
        """Add the matrices to the weights of a model; its modules stay what they are.

        Raises:
            ModelError: the adapter does not fit the model.
        """
        from peft import LoraConfig, PeftModel, set_peft_model_state_dict
        from safetensors.torch import load_file

        if getattr(model.config, "quantization_config", None) is not None:
            raise ModelError(
                "The base model of {name} is stored quantized, and an adapter is merged into "
                "plain weights; name the plain base model in adapter_config.json.",
                name=self.name,
            )
        wrapped = PeftModel(model, LoraConfig.from_pretrained(str(self.folder)))
        matrices = load_file(self.folder / MATRICES)
        found: Any = set_peft_model_state_dict(wrapped, matrices)
        own = (".lora_", ".modules_to_save.")
        missing = [key for key in found.missing_keys if any(part in key for part in own)]
        astray = missing + list(found.unexpected_keys)
        if astray:
            raise ModelError(
                "The adapter {name} does not fit its base model {base}: {count} tensors have no "
                "counterpart, such as {tensor}.",
                name=self.name,
                base=self.base,
                count=len(astray),
                tensor=astray[0],
            )
        wrapped.merge_and_unload(safe_merge=True)
        model.eval().requires_grad_(False)


def lora_in(name: str, folder: Path, is_local: bool) -> Lora | None:
    """The adapter in a folder; None where that holds none, or a whole model.

    Args:
        is_local: whether it is a folder of the user's; one of the hub's cache may still wait for
            its matrices.

    Raises:
        ModelError: it is an adapter that cannot be merged; says why.
    """
    files = files_of(folder)
    if ADAPTER not in files or SINGLE in files or INDEX in files:
        return None
    config = read_json(folder / ADAPTER)
    if config is None:
        raise ModelError(
            "The {config} of {name} is damaged; fetch the adapter again.", config=ADAPTER, name=name
        )
    if is_local and MATRICES not in files:
        problem = cannot_load(name, files, read_json(folder / CONFIG))
        if problem is None:
            problem = Sentence(
                "{name} has an {config} and no {file}; fetch the adapter again.",
                name=name,
                config=ADAPTER,
                file=MATRICES,
            )
        raise ModelError.of(problem)
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(
            "{name} is an adapter of kind {kind}, which cannot be merged into weights here; use "
            "a LoRA adapter, or merge it with peft and save the whole model.",
            name=name,
            kind=kind,
        )
    odd = [key for key, value in config.items() if value and not _is_plain(key, value)]
    if odd:
        raise ModelError(
            "The adapter {name} uses {settings}, which is more than LoRA adds to weights; merge "
            "it with peft and save the whole model.",
            name=name,
            settings=", ".join(sorted(odd)),
        )
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base.strip():
        raise ModelError(
            "The adapter {name} names no base model; write its hub id or folder into {config} as "
            "base_model_name_or_path.",
            name=name,
            config=ADAPTER,
        )
    return Lora(name, folder, base)


def _is_plain(key: str, value: Any) -> bool:
    if key == "init_lora_weights":
        return value in _BEGINNINGS
    if key == "revision":
        return bool(value == "main")
    return key in _MERGED or key in _NOTES
