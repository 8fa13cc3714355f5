"""What withdrawal does to the KV cache of a layer, and cannot do."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vtw_core.errors import ModelError
from vtw_core.families.layout import IntArray


def reduce_cache(
    index: int,
    cache: Any,
    places: IntArray,
    count: int,
    pick: Callable[[Tensor, Tensor, int, int], Tensor],
) -> None:
    """Keep `places` [prompts, n] of the keys and values [batch, heads, `count`, width] of a layer.

    pick: (tensor, places, dimension, batch dimension) -> what is kept of the tensor.
    """
    keys = getattr(cache, "keys", None)
    if not isinstance(keys, Tensor) or keys.shape[-2] != count:
        raise ModelError(
            "The KV cache of layer {layer} cannot be reduced; use the dynamic cache, or switch "
            "off the strategy's reduction of the cache.",
            layer=index,
        )
    rows = torch.as_tensor(places, device=keys.device)
    cache.keys = pick(keys, rows, 2, 0)
    cache.values = pick(cache.values, rows, 2, 0)
    if hasattr(cache, "cumulative_length"):  # of a sliding layer, whose window is longer
        cache.cumulative_length = rows.shape[1]


def check_window(index: int, cache: Any, length: int) -> None:
    """Raise ModelError where a layer's sliding window is shorter than the sequence: it counts cache
    entries, and with tokens gone it would reach too far back."""
    caches = getattr(cache, "layers", None) or []
    if index < len(caches) and getattr(caches[index], "is_sliding", False):
        window = getattr(caches[index], "sliding_window", 0)
        if window < length:
            raise ModelError(
                "Layer {layer} has a sliding window of {window} tokens, shorter than the "
                "sequence of {length}; withdrawal would not be exact. Use a shorter prompt or "
                "answer.",
                layer=index,
                window=window,
                length=length,
            )
