"""What a result depends on besides its image and prompt: the model, its weights, the versions."""

import hashlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import vtw_core

if TYPE_CHECKING:
    from vtw_core.families.loaded import LoadedModel

# Values of each weight tensor that go into the fingerprint: training moves every one of them.
VALUES = 64


def identity(vlm: "LoadedModel") -> list[Any]:
    """Name, weights, precision and kind of device of a model, and the versions that run it;
    JSON-ready."""
    return [
        vlm.name, fingerprint(vlm.model), str(vlm.model.dtype), vlm.device.type,
        vtw_core.__version__, version("torch"), version("transformers"),
    ]  # fmt: skip


def fingerprint(model: Any) -> str:
    """A hash of a model's weights: name, shape and the first values of every tensor.

    Weights that are not in memory (offloaded) count by name and shape only.
    """
    digest = hashlib.sha256()
    for name, weight in model.named_parameters():
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        # Of a weight that several processes share, this one's part.
        weight = weight.to_local() if hasattr(weight, "to_local") else weight
        if weight.device.type != "meta":
            first = weight.detach().flatten()[:VALUES].float().cpu()
            digest.update(first.numpy().tobytes())
    return digest.hexdigest()
