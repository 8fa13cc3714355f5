"""Weights into memory: is there room, in which dtype, packed or not, on which devices."""

from __future__ import annotations

import contextlib
import copy
import re
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.families.catalogue import BYTES, QUANTIZED, memory_bytes
from vtw_core.families.packages import is_installed
from vtw_core.loading.packed import is_packed, unpacked
from vtw_core.machine import devices as machine
from vtw_core.machine.memory import is_out_of_memory
from vtw_core.machine.processes import own_device, size
from vtw_core.machine.progress import Report

# One load at a time in a process: two at once would each find the memory that only one can have,
# and transformers changes torch's default dtype for all threads while it builds a model.
_ONE_AT_A_TIME = threading.Lock()
PATIENCE = 0.25
# Of what is free on a device, this share is given to a model that is spread over several.
SPREAD_SHARE = 0.85
# A tensor of a decoder layer, by the names of all families and versions of transformers.
_LAYER = re.compile(r"^(?:model\.|language_model\.|text_model\.)+layers\.(\d+)\.")
# bitsandbytes' way with activations that stick out depends on which rows are there; without it a
# token's result does not depend on the tokens beside it, and dropping stays equal to masking.
NO_OUTLIERS = 0.0


@dataclass(frozen=True)
class Placement:
    """How a model is held in memory.

    Attributes:
        device: torch device; where its inputs go, and without a device_map all of it.
        dtype: "float32", "bfloat16" or "float16".
        quantize: None, "8bit" or "4bit".
        device_map: None, "auto" or accelerate's map from module to device.
        split: whether several processes hold it together; `device` is then this one's.
    """

    device: str
    dtype: str
    quantize: str | None = None
    device_map: Any = None
    split: bool = False


def placement(
    device: str | None,
    dtype: Any,
    quantize: str | None,
    device_map: Any,
    tensor_parallel: bool = False,
) -> Placement:
    """What was requested, completed with what fits this machine.

    Raises:
        InputError: a device that is not there, no dtype, or no quantization.
        ModelError: a package that the choice needs is missing.
    """
    if tensor_parallel:
        if (device, quantize, device_map) != (None, None, None):
            raise InputError(
                "Tensor parallelism gives each process a device of its own and splits plain "
                "weights; leave out the device, the device map and the quantization."
            )
        device = own_device() or "cpu"
    where = _device(device)
    kind = _dtype(dtype, where)
    if quantize is not None:
        if quantize not in QUANTIZED:
            raise InputError(
                "{quantize!r} is no quantization; use '8bit' or '4bit'.", quantize=quantize
            )
        for package in ("accelerate", "bitsandbytes"):
            if not is_installed(package):
                raise ModelError(
                    "To quantize a model, {package} is needed: pip install "
                    '"visual-token-withdrawal[real]".',
                    package=package,
                )
        _check_quantizing_device(where)
    if device_map is not None:
        if device_map != "auto" and not (isinstance(device_map, dict) and device_map):
            raise InputError("{device_map!r} is no device map; use 'auto'.", device_map=device_map)
        if not is_installed("accelerate"):
            raise ModelError(
                "To spread a model over devices, accelerate is needed: pip install "
                '"visual-token-withdrawal[real]".'
            )
    return Placement(where, kind, quantize, device_map, tensor_parallel)


def _device(device: str | None) -> str:
    import torch

    if device is None:
        return machine.best_device()
    try:
        where = torch.device(device)
        # On the meta device there is no value to read.
        torch.zeros(1, device=where).tolist()
    # torch raises RuntimeError, AssertionError or NotImplementedError by back end.
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError("The device {device!r} is not there; use 'cpu'.", device=device) from error
    return str(where)


def _dtype(dtype: Any, device: str) -> str:
    import torch

    if dtype is None:
        return machine.best_dtype(device)
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype
    if not isinstance(name, str) or name not in BYTES:
        raise InputError("{dtype!r} is no dtype; use float32, bfloat16 or float16.", dtype=dtype)
    return name


def _check_quantizing_device(device: str) -> None:
    import bitsandbytes

    kind = device.split(":")[0]
    if kind not in bitsandbytes.supported_torch_devices:
        raise ModelError(
            "bitsandbytes does not quantize on {device}; use another device.", device=kind
        )


def check_room(name: str, shape: Any, stored: int, how: Placement) -> None:
    """Refuse a model that has no room, before its weights are fetched.

    Args:
        shape: what `skeleton` made of its config.
        stored: bytes of its safetensors.

    Raises:
        InputError: it is stored quantized, and is to be quantized another way.
        ModelError: names what it needs, what is free and what would fit; or the config is of
            another model, in whose place transformers would make up weights of any size.
    """
    packed = getattr(shape.config, "quantization_config", None) is not None
    if packed and how.quantize is not None:
        raise InputError(
            "The model {name} is stored quantized already; leave out quantize.", name=name
        )
    parameters = sum(weight.numel() for weight in shape.parameters())
    if stored < (parameters // 8 if packed else parameters):  # no bit, or no byte, for each
        raise ModelError(
            "The config.json of {name} describes {parameters:,} parameters, and its files of "
            "weights have {bytes:,} bytes, too few: they are damaged or of another model; fetch "
            "all files of one model.",
            name=name,
            parameters=parameters,
            bytes=stored,
        )
    if packed:
        return
    if how.device_map is not None:  # what has no room in memory stays on the disk
        return
    free = machine.free_memory(how.device)
    need = memory_bytes(parameters, how.dtype, how.quantize) // (size() if how.split else 1)
    if free is None or need <= free:
        return
    smaller = {
        f"{option} {value}": memory_bytes(parameters, dtype, quantize)
        for option, value, dtype, quantize in (
            ("dtype", "bfloat16", "bfloat16", how.quantize),
            ("quantize", "8bit", how.dtype, "8bit"),
            ("quantize", "4bit", how.dtype, "4bit"),
        )
    }
    fits = [
        f"{choice} ({bytes / 1e9:.1f} GB)" for choice, bytes in smaller.items() if bytes <= free
    ]
    kind = " ".join(filter(None, (how.dtype, how.quantize)))
    if not fits:
        raise ModelError(
            "The model {name} needs about {need:.1f} GB of memory on {device} in {dtype}, and "
            "{free:.1f} GB are free; use a smaller model.",
            name=name,
            need=need / 1e9,
            device=how.device,
            dtype=kind,
            free=free / 1e9,
        )
    raise ModelError(
        "The model {name} needs about {need:.1f} GB of memory on {device} in {dtype}, and "
        "{free:.1f} GB are free; use a smaller model, or what has room: {choices}.",
        name=name,
        need=need / 1e9,
        device=how.device,
        dtype=kind,
        free=free / 1e9,
        choices=", ".join(fits),
    )


def skeleton(config: Any, report: Report) -> Any:
    """The model of a config without its weights, on torch's meta device: shapes and no values."""
    import torch
    from transformers import AutoModelForImageTextToText

    # transformers notes the dtype in the config, and sets torch's default to it, which float32 is.
    with _held(_ONE_AT_A_TIME, report), torch.device("meta"):
        return AutoModelForImageTextToText.from_config(
            copy.deepcopy(config), dtype=torch.float32, trust_remote_code=False
        ).eval()


def load_weights(
    folder: str,
    config: Any,
    stored: int,
    how: Placement,
    report: Report,
    alone: threading.Lock | None = None,
) -> Any:
    """The transformers model of a folder, in eval mode.

    Reports bytes by the share of tensors that are in their place.

    Args:
        alone: see `vtw_core.loading.loading.load_with`.

    Raises:
        ModelError: tensors are missing, which transformers would have made up, or decoder layers
            are left over, which it would have dropped.
    """
    import torch
    import transformers
    from transformers import AutoModelForImageTextToText

    report("weights", 0, stored)
    changes_default = getattr(torch, how.dtype) != torch.get_default_dtype()
    read: Any = AutoModelForImageTextToText.from_pretrained
    source: str | None = folder
    options = _options(how)
    if is_packed(Path(folder)):
        # The class of the config itself: the automatic one wants a folder of plain weights.
        read = getattr(transformers, config.architectures[0]).from_pretrained
        source, options["state_dict"] = None, dict(unpacked(Path(folder)))
    with (
        _held(_ONE_AT_A_TIME, report),
        _held(alone if changes_default else None, report),
        _reported(report, stored),
    ):
        loaded: Any = read(
            source, config=config, dtype=getattr(torch, how.dtype), use_safetensors=True,
            trust_remote_code=False, output_loading_info=True, **options,
        )  # fmt: skip
        model, found = loaded
        if found["missing_keys"]:
            lacking = sorted(found["missing_keys"])
            raise ModelError(
                "The weights in {folder} are not complete: {count} tensors are missing, such as "
                "{tensor}; fetch the model again.",
                folder=folder,
                count=len(lacking),
                tensor=lacking[0],
            )
        most = len(decoder_layers(model))
        layers = [int(key[1]) for key in map(_LAYER.search, found["unexpected_keys"]) if key]
        if max(layers, default=0) >= most:
            raise ModelError(
                "The config.json in {folder} describes {count} decoder layers, and its weights "
                "have {more}; fetch all files of one model.",
                folder=folder,
                count=most,
                more=max(layers) + 1,
            )
        if how.device_map is None and how.quantize is None and not how.split:
            model = model.to(how.device)
    report("weights", stored, stored)
    return model.eval().requires_grad_(False)


def _options(how: Placement) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if how.split:
        from vtw_core.hooks.tensor_parallel import split_over_processes

        return {"distributed_config": split_over_processes()}
    if how.quantize is not None:
        options["quantization_config"] = _quantization(how)
        options["device_map"] = {"": how.device}
    elif how.device_map is None and not how.device.startswith("cpu") and is_installed("accelerate"):
        options["device_map"] = {"": how.device}  # straight there, not by way of the CPU's memory
    if how.device_map is not None:
        options["device_map"] = how.device_map
    if how.device_map == "auto":
        options["max_memory"] = _most_memory()
    return options


def _quantization(how: Placement) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if how.quantize == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=NO_OUTLIERS)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=getattr(torch, how.dtype),
    )  # fmt: skip


def _most_memory() -> dict[int | str, int]:
    """accelerate's own count of the CPU's memory does not know the limits of a container."""
    import torch

    free: dict[int | str, int | None] = {"cpu": machine.free_memory("cpu")}
    for index in range(torch.cuda.device_count()):
        free[index] = machine.free_memory(f"cuda:{index}")
    return {place: int(SPREAD_SHARE * most) for place, most in free.items() if most is not None}


@contextlib.contextmanager
def _held(lock: threading.Lock | None, report: Report) -> Generator[None, None, None]:
    if lock is None:
        yield
        return
    while not lock.acquire(timeout=PATIENCE):
        report.check()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _reported(report: Report, stored: int) -> Generator[None, None, None]:
    """Follow transformers' progress bars of this thread, and stop the work there."""
    if not report.replaces_bars:
        yield
        return
    from transformers.utils import logging

    this = threading.get_ident()

    def on_bar(factory: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if threading.get_ident() == this and arguments:
            return _counted(list(arguments[0]), report, stored)
        return before(factory, arguments, options) if before else factory(*arguments, **options)

    before = logging.set_tqdm_hook(on_bar)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)


def _counted(items: list[Any], report: Report, stored: int) -> Iterator[Any]:
    for index, item in enumerate(items):
        report("weights", stored * index // len(items), stored)
        yield item
