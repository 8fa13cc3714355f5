"""Load a model: the embedded one, a local folder or a hub id, all by the same path."""

import re
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError, ModelError
from vtw_core.models.adapters import adapter_for
from vtw_core.models.support import check_support
from vtw_core.models.vlm import VisionLanguageModel

EMBEDDED = "embedded"
EMBEDDED_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "embedded_model"
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")


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


def load_model(
    name: str = EMBEDDED,
    *,
    device: str | None = None,
    dtype: Any = None,
    tensor_parallel: bool = False,
) -> VisionLanguageModel:
    """Load a vision-language model and its processor.

    Weights are read from safetensors only and code that comes with a model is never run. The
    family is checked from the config before the weights are fetched.

    Args:
        name: "embedded", a local folder, or a hub id (org/name).
        device: torch device; default "cuda" if there is one, else "cpu".
        dtype: torch dtype or its name; default float32 on the CPU, elsewhere what the model was
            saved in.
        tensor_parallel: under torchrun: split every layer over all processes, each on its own
            GPU, or all on the CPU.

    Raises:
        InputError: the name or the device is not usable.
        ModelError: it cannot be reached or loaded, or is not supported; says why.
    """
    source = resolve(name)
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    split: dict[str, Any] = {}
    if tensor_parallel:
        from vtw_core.tensor_parallel import split_over_processes

        if device is not None:
            raise InputError("Leave the device out: torchrun gives each process its own.")
        split = {"distributed_config": split_over_processes()}
    where = _device(device, torch)
    kind = _dtype(dtype, where, torch)
    config = _attempt(name, lambda: AutoConfig.from_pretrained(source, trust_remote_code=False))
    support = check_support(config)
    if not support.supported:
        raise ModelError(support.reason)
    _check_packages(name, config)
    # The Pillow back end on purpose: torchvision is not needed, and pixels are the same on every
    # machine.
    processor = _attempt(
        name,
        lambda: AutoProcessor.from_pretrained(source, backend="pil", trust_remote_code=False),
    )
    model = _attempt(
        name,
        lambda: AutoModelForImageTextToText.from_pretrained(
            source, dtype=kind, use_safetensors=True, trust_remote_code=False, **split
        ),
    )
    model = (model if split else model.to(where)).eval().requires_grad_(False)
    return VisionLanguageModel(name, model, processor, adapter_for(model.config))


def _check_packages(name: str, config: Any) -> None:
    """Refuse a model whose processor only torchvision lets be built, before anything is fetched.

    transformers says so in several ways, some of which name no package at all.
    """
    import inspect

    from transformers import is_torchvision_available
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    processor: Any = PROCESSOR_MAPPING.get(type(config), None)
    if processor is None or is_torchvision_available():
        return
    needs_video = "video_processor" in inspect.signature(processor).parameters
    if needs_video or "torchvision" in getattr(processor, "_backends", ()):
        raise ModelError(
            f"The model {name} needs torchvision to build its {processor.__name__}; install "
            "requirements-real.txt, which names it."
        )


def _device(device: str | None, torch: Any) -> Any:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    # torch raises RuntimeError, AssertionError or NotImplementedError by back end.
    except Exception as error:
        raise InputError(f"The device {device!r} is not there; use 'cpu'.") from error
    return where


def _dtype(dtype: Any, where: Any, torch: Any) -> Any:
    if dtype is None:
        return torch.float32 if where.type == "cpu" else "auto"
    kind = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise InputError(f"{dtype!r} is no dtype; use float32, bfloat16 or float16.")
    return kind


def _attempt(name: str, load: Any) -> Any:
    """Run one from_pretrained, and turn what it raises into one sentence."""
    try:
        return load()
    # from_pretrained raises OSError for most, ValueError for unknown types and remote code,
    # ImportError for missing packages, safetensors' own error for damaged weights, ...
    except Exception as error:
        raise ModelError(_explain(name, error)) from error


def _explain(name: str, error: BaseException) -> str:
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    kinds = {cls.__name__ for e in chain for cls in type(e).__mro__}
    text = " ".join(str(e) for e in chain)
    if "GatedRepoError" in kinds:
        return f"The model {name} is gated; accept its terms on the hub and set HF_TOKEN."
    if "RepositoryNotFoundError" in kinds:
        return f"There is no model {name} on the hub, or it is private; check the name."
    offline = {"ConnectionError", "ConnectError", "LocalEntryNotFoundError", "OfflineModeIsEnabled"}
    if kinds & offline or "couldn't connect" in text.lower() or "offline" in text.lower():
        return (
            f"The hub cannot be reached and {name} is not in the local cache; check the "
            "connection, or use 'embedded' or a local folder."
        )
    if "trust_remote_code" in text:
        return f"The model {name} needs code of its own, which is never run here."
    if isinstance(error, ImportError):
        first = str(error).strip().splitlines()[0]
        return f"The model {name} needs a package that is not installed: {first}"
    if "safetensors" in text.lower():
        return f"The model {name} has no readable weights in safetensors format."
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"The model {name} cannot be loaded: {first or type(error).__name__}"
