"""What transformers hands a decoder layer."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vtw_core.errors import ModelError

PROMPT_LONG = ("position_embeddings", "position_ids", "attention_mask")
"""Those that have an entry for every token of the prompt."""


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
