"""Load a model: the embedded one, a local folder or a hub id, all by the same path."""

import re
import threading
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError, ModelError
from vtw_core.models import machine
from vtw_core.models.adapters import adapter_for
from vtw_core.models.catalogue import EMBEDDED
from vtw_core.models.download import checkpoint
from vtw_core.models.explanations import explained
from vtw_core.models.packages import check_processor_packages
from vtw_core.models.progress import LoadProgress, Report, in_background
from vtw_core.models.support import check_support
from vtw_core.models.vlm import VisionLanguageModel

EMBEDDED_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "embedded_model"
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
# While transformers builds a model, classes of its own and torch's default dtype are others for the
# whole process: of two at once, one would leave what it found of the other.
_BUILDING = threading.Lock()


def resolve(name: str) -> str:
    """Where to load a name from: the embedded folder, an existing local folder, or a hub id.

    Raises:
        InputError: none of the three; URLs and paths that lead nowhere are refused here, before
            transformers sees them.
        ModelError: the embedded model is not there.
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError("Name a model: 'embedded', a folder, or a hub id like org/name.")
    if name == EMBEDDED:
        if not (EMBEDDED_FOLDER / "config.json").is_file():
            raise ModelError(
                "The embedded model is missing: assets/embedded_model has no config.json."
            )
        return str(EMBEDDED_FOLDER)
    try:
        is_model_folder = (Path(name) / "config.json").is_file()
    except (OSError, ValueError):
        is_model_folder = False
    if is_model_folder:
        return str(Path(name).resolve())
    if HUB_ID.fullmatch(name) and ".." not in name and "--" not in name:
        return name
    raise InputError(
        f"{name[:100]!r} is no model: use 'embedded', a folder with a config.json, or a hub id "
        "like org/name."
    )


def load_steps(
    name: str = EMBEDDED,
    *,
    device: str | None = None,
    dtype: Any = None,
    quantize: str | None = None,
    device_map: Any = None,
) -> Generator[LoadProgress | VisionLanguageModel, None, None]:
    """Load a model as `load_model` does, as a stream of how far it is; the last is the model.

    Closing the generator ends the load, also in the middle of a download, and frees its memory;
    files that were wholly fetched stay in the hub's cache. While weights are read transformers
    sets torch's default dtype for the whole process: run no other model meanwhile.

    Args and Raises: see `load_model`.
    """
    source = resolve(name)
    yield from in_background(partial(_load, name, source, device, dtype, quantize, device_map))


def load_model(
    name: str = EMBEDDED,
    *,
    device: str | None = None,
    dtype: Any = None,
    quantize: str | None = None,
    device_map: Any = None,
) -> VisionLanguageModel:
    """Load a vision-language model and its processor.

    Weights are read from safetensors only and code that comes with a model is never run. Family,
    packages and memory are checked from the config before the weights are fetched.

    Args:
        name: "embedded", a local folder, or a hub id (org/name).
        device: torch device; default cuda if there is one, then mps, else cpu.
        dtype: torch dtype or its name; default `vtw_core.models.machine.best_dtype`.
        quantize: "8bit" or "4bit": linear layers packed by bitsandbytes.
        device_map: "auto", to spread a model over every GPU and the CPU's memory (accelerate).

    Raises:
        InputError: the name, the device, the dtype or the quantization is not usable.
        ModelError: it cannot be reached or loaded, has no room, or is not supported; says why.
    """
    *_, vlm = load_steps(name, device=device, dtype=dtype, quantize=quantize, device_map=device_map)
    assert isinstance(vlm, VisionLanguageModel)
    return vlm


def _load(
    name: str,
    source: str,
    device: str | None,
    dtype: Any,
    quantize: str | None,
    device_map: Any,
    report: Report,
) -> VisionLanguageModel:
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    report("check")
    where = _device(device, torch)
    kind = _dtype(dtype, where, torch)
    if quantize is not None or device_map is not None:
        raise InputError("Quantized and spread models cannot be loaded yet.")
    with explained(name):
        with checkpoint(source, report) as found:
            folder = str(found.folder)
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            support = check_support(config)
            if not support.supported:
                raise ModelError(support.reason)
            check_processor_packages(name, config)
            found.fetch()
        report("processor")
        # The Pillow back end on purpose: torchvision is not needed, and pixels are the same on
        # every machine.
        processor = AutoProcessor.from_pretrained(folder, backend="pil", trust_remote_code=False)
        with _BUILDING:
            report("weights", 0, found.weights)
            model = AutoModelForImageTextToText.from_pretrained(
                folder, dtype=kind, use_safetensors=True, trust_remote_code=False
            )
        model = model.to(where).eval().requires_grad_(False)
        report("weights", found.weights, found.weights)
    return VisionLanguageModel(name, model, processor, adapter_for(model.config))


def _device(device: str | None, torch: Any) -> Any:
    if device is None:
        return torch.device(machine.best_device())
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    # torch raises RuntimeError, AssertionError or NotImplementedError by back end.
    except Exception as error:
        raise InputError(f"The device {device!r} is not there; use 'cpu'.") from error
    return where


def _dtype(dtype: Any, where: Any, torch: Any) -> Any:
    if dtype is None:
        dtype = machine.best_dtype(str(where))
    kind = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise InputError(f"{dtype!r} is no dtype; use float32, bfloat16 or float16.")
    return kind
