"""Take rows of a batch of prompts out of tensors, and out of the masks that go with them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vtw_core.engine.present_rows import Present
from vtw_core.errors import ModelError
from vtw_core.families.layout import IntArray, TokenLayout
from vtw_core.hooks.layer_arguments import tensor_mask


class BatchRows:
    """The sequences of a batch: `copies` of each prompt in a row (beams).

    attention: the decoder's attention implementation, which says what form its masks have.
    """

    def __init__(self, layouts: Sequence[TokenLayout], copies: int, attention: str) -> None:
        self.padding = np.array([layout.padding for layout in layouts])[:, None]
        self._copies = copies
        self._attention = attention

    def spread(self, array: NDArray[Any], device: Any) -> Tensor:
        """[prompts, ...] -> [batch, ...]: each prompt's for each of its sequences."""
        return torch.as_tensor(array, device=device).repeat_interleave(self._copies, dim=0)

    def pick(self, tensor: Tensor, index: Tensor, dim: int, batch_dim: int) -> Tensor:
        """Take `index` [prompts, n] along `dim`, each sequence its own prompt's."""
        if len(index) == 1:
            return tensor.index_select(dim, index[0])
        index = index.repeat_interleave(self._copies, dim=0)
        shape = [1] * tensor.ndim
        shape[batch_dim], shape[dim] = index.shape
        if tensor.shape[batch_dim] == 1:
            sizes = list(tensor.shape)
            sizes[batch_dim] = len(index)
            tensor = tensor.expand(sizes)
        return torch.take_along_dim(tensor, index.view(shape), dim)

    def cut(self, kwargs: dict[str, Any], rows: Tensor) -> dict[str, Any]:
        """The prompt-long arguments of a decoder layer, reduced to `rows` [prompts, n].

        position_embeddings: (cos, sin), each [..., batch, rows, head_dim]; position_ids:
        [..., batch, rows]; attention_mask: [batch, heads, rows, columns], or [batch, columns]
        under flash attention.
        """
        changed: dict[str, Any] = {}
        if kwargs.get("position_embeddings") is not None:
            changed["position_embeddings"] = tuple(
                self.pick(table, rows, -2, -3) for table in kwargs["position_embeddings"]
            )
        if kwargs.get("position_ids") is not None:
            changed["position_ids"] = self.pick(kwargs["position_ids"], rows, -1, -2)
        if kwargs.get("attention_mask") is not None:
            mask = tensor_mask(kwargs["attention_mask"])
            mask = self.pick(mask, rows, -1, -mask.ndim)
            changed["attention_mask"] = self.pick(mask, rows, -2, -4) if mask.ndim == 4 else mask
        return changed

    def blind_to_dead(self, mask: Any, here: Present, rows: IntArray, device: Any) -> Any:
        """The cut mask of a prefill over `rows` [prompts, n] without the columns of dead rows."""
        if not here.dead.any():
            return mask
        after = np.zeros((len(rows), rows.shape[1] - here.count), dtype=bool)
        dead = self.spread(np.concatenate([here.dead, after], axis=1), device)
        if mask is None:  # the whole batch is full and causal
            order = self.spread(rows, device)
            return self._mask_like(
                None, (order[:, :, None] >= order[:, None, :]) & ~dead[:, None, :]
            )
        if mask.ndim == 2:
            return mask.masked_fill(dead, 0)
        blocked = False if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
        return mask.masked_fill(dead[:, None, None, :], blocked)

    def mask_after(self, mask: Any, here: Present, after: int, rows: int, device: Any) -> Tensor:
        """The mask of `rows` new rows after a cache that holds the prompt's rows `here` and
        `after` more: all of it but dead rows and padding, and the new rows before each."""
        unseen = here.dead | (here.positions < self.padding)
        own = np.tril(np.ones((rows, after + rows), dtype=bool), after)
        seen = np.concatenate(
            [np.repeat(~unseen[:, None], rows, axis=1),
             np.broadcast_to(own, (len(unseen), *own.shape))],
            axis=2,
        )  # fmt: skip
        return self._mask_like(mask, self.spread(seen, device))

    def _mask_like(self, mask: Any, allowed: Tensor) -> Tensor:
        """`allowed` [batch, rows, columns] in the form of the model's own mask."""
        if mask is None and self._attention != "sdpa":
            raise ModelError(
                "Prompts that keep different numbers of tokens need a mask; use sdpa or eager."
            )
        wide = allowed[:, None]
        if mask is None or (tensor_mask(mask).dtype == torch.bool and mask.ndim == 4):
            return wide
        if mask.ndim == 2:  # which keys are there at all; flash attention is causal by itself
            return allowed[:, -1].to(mask.dtype)
        blocked = torch.finfo(mask.dtype).min
        return torch.zeros_like(wide, dtype=mask.dtype).masked_fill(~wide, blocked)
