"""Load a model: the embedded one, a local folder or a hub id, all by the same path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from vtw_core.errors import InputError, ModelError, Sentence
from vtw_core.families.adapters import adapter_for
from vtw_core.families.catalogue import EMBEDDED, SHIPPED
from vtw_core.families.packages import check_processor_packages, has_video_processor
from vtw_core.families.support import check_support
from vtw_core.loading.checkpoints import Checkpoint, OfHub, checkpoint, downloaded
from vtw_core.loading.contents import (
    ADAPTER,
    CONFIG,
    cannot_load,
    check_config,
    check_processor_files,
    check_weights,
    files_of,
)
from vtw_core.loading.explanations import explained
from vtw_core.loading.lora import Lora, lora_in
from vtw_core.loading.packed import float_bytes, is_packed
from vtw_core.loading.rehearsal import check_processor
from vtw_core.loading.weights import Placement, check_room, load_weights, placement, skeleton
from vtw_core.machine.memory import give_memory_back
from vtw_core.machine.progress import Report, clear_frames
from vtw_core.shipped import ASSETS

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

EMBEDDED_FOLDER = ASSETS / SHIPPED[EMBEDDED]
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")


def resolve(name: str) -> str:
    """Where to load a name from: a shipped model's folder, a local folder, or a hub id.

    Raises:
        InputError: none of the three; URLs and paths that lead nowhere are refused here, before
            transformers sees them.
        ModelError: a shipped model is not there, or a folder holds what cannot be loaded.
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError("Name a model: 'embedded', a folder, or a hub id like org/name.")
    if name in SHIPPED:
        folder = ASSETS / SHIPPED[name]
        if not (folder / CONFIG).is_file():
            raise ModelError(
                "The {name} model is missing: assets/{folder} has no config.json.",
                name=name,
                folder=SHIPPED[name],
            )
        return str(folder)
    local = _folder(name)
    if local is not None:
        return local
    if HUB_ID.fullmatch(name) and ".." not in name and "--" not in name:
        return name
    raise InputError(
        "{name!r} is no model: use 'embedded', a folder with a config.json, or a hub id like "
        "org/name.",
        name=name[:100],
    )


def _folder(name: str) -> str | None:
    """The local folder of that name; None where there is none that has to do with models."""
    path, problem = Path(name), None
    try:
        if any((path / file).is_file() for file in (CONFIG, ADAPTER)):
            return str(path.resolve())
        if path.is_file():
            problem = Sentence(
                "{name} is a file; name the folder that holds its config.json and "
                "model.safetensors.",
                name=name,
            )
        elif path.is_dir():
            problem = cannot_load(name, files_of(path), None)
    except (OSError, ValueError):  # no path can have such a name, or it may not be read
        return None
    if problem is not None:
        raise ModelError.of(problem)
    return None


def load_model(
    name: str = EMBEDDED,
    *,
    device: str | None = None,
    dtype: Any = None,
    quantize: str | None = None,
    device_map: Any = None,
    tensor_parallel: bool = False,
) -> VisionLanguageModel:
    """Load a vision-language model and its processor.

    Weights are read from safetensors only and code that comes with a model is never run. Files,
    family, exactness under the installed transformers, packages, memory, processor and template
    are checked before the weights are fetched.

    Args:
        name: "embedded", "smollm2", a local folder, or a hub id (org/name); of a model, or of a
            LoRA adapter, which is merged into the base model that it names (peft).
        device: torch device; default cuda if there is one, then mps, else cpu.
        dtype: torch dtype or its name; default `vtw_core.machine.devices.best_dtype`.
        quantize: "8bit" or "4bit": linear layers packed by bitsandbytes.
        device_map: "auto", to spread a model over every GPU and the CPU's memory (accelerate).
        tensor_parallel: under torchrun: split every layer over all processes, each on its own
            GPU, or all on the CPU.

    Raises:
        InputError: the name, the device, the dtype or the quantization is not usable.
        ModelError: it cannot be reached or loaded, has no room, or is not supported; says why.
    """
    source = resolve(name)
    # In the caller's thread: what wraps torch for one thread alone, as ZeroGPU does, sees it all.
    place = partial(placement, device, dtype, quantize, device_map, tensor_parallel)
    try:
        return load_with(name, source, place, downloaded, Report())
    except BaseException as error:
        clear_frames(error)
        give_memory_back()
        raise


def load_with(
    name: str,
    source: str,
    place: Callable[[], Placement],
    of_hub: OfHub,
    report: Report,
    alone: Lock | None = None,
) -> VisionLanguageModel:
    """Load a model as `load_model` does, with a download of one's own.

    Args:
        source: what `resolve` makes of its name.
        place: where it goes; calls torch.
        of_hub: opens the checkpoint of a hub id.
        report: is called with the progress, and may end it.
        alone: held while weights are read in another precision than torch's default, because
            transformers then sets that default for the whole process.
    """
    report("check")
    with explained(name):
        how = place()
    with explained(name), checkpoint(source, of_hub) as found:
        lora = lora_in(name, found.folder, found.is_local)
        if lora is None:
            return _loaded(name, found, how, alone, report)
        lora.check(how)
        found.fetch()
    base = _base(lora, found.is_local)
    with explained(lora.base), checkpoint(base, of_hub) as found:
        if lora_in(lora.base, found.folder, found.is_local) is not None:
            raise ModelError(
                "The adapter {name} belongs to another adapter, {base}; merge the two with peft "
                "and save the whole model.",
                name=name,
                base=lora.base,
            )
        vlm = _loaded(lora.base, found, how, alone, report)
    with explained(name):
        lora.merge_into(vlm.model)
    return replace(vlm, name=name)


def _base(lora: Lora, is_local: bool) -> str:
    """Where an adapter's base model is loaded from; one of the hub may name none of this machine's
    folders."""
    is_id = HUB_ID.fullmatch(lora.base) and ".." not in lora.base and "--" not in lora.base
    if is_id and not Path(lora.base).exists():
        return lora.base
    try:
        if is_local:
            return resolve(lora.base)
    except InputError:  # such as a folder of the machine where it was trained
        pass
    raise ModelError(
        "The base model {base} of the adapter {name} is not here; write its hub id or folder "
        "into {config} as base_model_name_or_path.",
        base=lora.base,
        name=lora.name,
        config=ADAPTER,
    )


def _loaded(
    name: str, found: Checkpoint, how: Placement, alone: Lock | None, report: Report
) -> VisionLanguageModel:
    """A whole model: everything about it is checked before its weights are fetched."""
    from transformers import AutoConfig

    from vtw_core.loading.exactness import check_exactness
    from vtw_core.model import VisionLanguageModel

    folder = str(found.folder)
    check_config(name, found.folder)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    support = check_support(config)
    if not support.supported:
        raise ModelError.of(support.reason)
    check_exactness(config)
    packed = is_packed(found.folder)
    if found.is_local and not packed:
        check_weights(name, found.folder)
    check_processor_packages(name, config)
    shape = skeleton(config, report)
    stored = float_bytes(shape) if packed else found.weights
    check_room(name, shape, stored, how)
    check_processor_files(name, found.folder)
    report("processor")
    processor = _processor(folder, config)
    adapter = adapter_for(config)
    check_processor(name, processor, adapter, shape)
    found.fetch()
    model = load_weights(folder, config, stored, how, report, alone)
    return VisionLanguageModel(name, model, processor, adapter)


def _processor(folder: str, config: Any) -> Any:
    """The processor, with Pillow for pictures on purpose: pixels are the same on every machine."""
    from transformers import AutoImageProcessor, AutoProcessor

    if not has_video_processor(config):
        return AutoProcessor.from_pretrained(folder, backend="pil", trust_remote_code=False)
    # A video processor has no Pillow back end, so the back end is chosen for pictures alone.
    processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
    processor.image_processor = AutoImageProcessor.from_pretrained(
        folder, backend="pil", trust_remote_code=False
    )
    return processor
