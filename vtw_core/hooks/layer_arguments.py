"""The arguments that transformers passes to a decoder layer."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

from vtw_core.errors import ModelError

PROMPT_LONG = ("position_embeddings", "position_ids", "attention_mask")
"""Those that have an entry for every token of the prompt."""

CACHE_NAMES = ("cache", "past_key_values")
"""The KV cache's, in arguments and outputs: since transformers 5.24, and before."""


def cache_of(named: Mapping[str, Any]) -> Any:
    """The KV cache among a module's keyword arguments, or in a model's output; None without one."""
    return next((named[name] for name in CACHE_NAMES if name in named), None)


def cache_argument(module: Any, kv_cache: Any) -> dict[str, Any]:
    """`kv_cache` under the name that the module's forward pass gives it.

    Raises:
        ModelError: it gives it none that is known here.
    """
    return {_cache_name(getattr(module, "_orig_mod", module).__class__): kv_cache}


@cache
def _cache_name(kind: type) -> str:
    """Looked up on the class, since other libraries replace the forward of single modules."""
    named = inspect.signature(kind.forward).parameters  # type: ignore[attr-defined]
    for name in CACHE_NAMES:
        if name in named:
            return name
    raise ModelError(
        "{kind} takes its KV cache under no name that is known here; use a supported model.",
        kind=kind.__name__,
    )


@dataclass(frozen=True, eq=False)
class Cut:
    """A layer's `PROMPT_LONG` arguments as the model hands them in, and what replaces them."""

    whole: tuple[Any, ...]
    changed: dict[str, Any]


@dataclass(frozen=True, eq=False)
class RotaryCall:
    """One call of the decoder's rotary module, as (hidden, position_ids, ...) -> tables."""

    module: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tables: Any

    @property
    def position_ids(self) -> Tensor:
        """[..., batch, rows], the leading axis that of multimodal rope."""
        ids: Tensor = self.args[1] if len(self.args) > 1 else self.kwargs["position_ids"]
        return ids

    def again(self, ids: Tensor) -> Any:
        """The tables of other position ids [batch, rows], the same on every axis."""
        ids = ids.expand(*self.position_ids.shape[:-2], -1, -1)
        # forward() and not a call, since a call would run our own hook.
        if len(self.args) > 1:
            return self.module.forward(self.args[0], ids, *self.args[2:], **self.kwargs)
        return self.module.forward(*self.args, **{**self.kwargs, "position_ids": ids})


def tensor_mask(mask: Any) -> Tensor:
    """The mask, or ModelError if it is none that can be cut."""
    if not isinstance(mask, Tensor):
        raise ModelError("This attention implementation's mask cannot be cut; use sdpa or eager.")
    return mask
