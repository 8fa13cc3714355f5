"""What a model needs to be installed, checked before anything large is fetched."""

import importlib.util
import inspect
from typing import Any

from vtw_core.errors import ModelError
from vtw_core.families.catalogue import NUM2WORDS, TORCHVISION


def is_installed(package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def missing(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are not installed."""
    return tuple(package for package in packages if not is_installed(package))


def check_processor_packages(name: str, config: Any) -> None:
    """Refuse a model whose processor cannot be built with what is installed.

    transformers says so in several ways, some of which name no package at all.

    Raises:
        ModelError: names the packages.
    """
    processor = processor_class(config)
    if processor is None:
        return
    needed: tuple[str, ...] = ()
    if has_video_processor(config) or "torchvision" in getattr(processor, "_backends", ()):
        needed += (TORCHVISION,)
    if config.model_type == "smolvlm":
        needed += (NUM2WORDS,)
    lacking = missing(needed)
    if lacking:
        raise ModelError(
            "The model {name} needs {packages} to build its {processor}; install "
            "requirements-real.txt, which names what is needed.",
            name=name,
            packages=" and ".join(lacking),
            processor=processor.__name__,
        )


def has_video_processor(config: Any) -> bool:
    """Whether the processor of a config's family holds a video processor (torchvision's)."""
    processor = processor_class(config)
    return processor is not None and "video_processor" in inspect.signature(processor).parameters


def processor_class(config: Any) -> Any:
    """The usual class of a config's family; None where it has none."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    return PROCESSOR_MAPPING.get(type(config), None)
