"""Seconds at every K, put together from layers that were timed one by one.

A withdrawn run spends in layers below K what the full run spends there, and in layers from K on
what these take over the text alone. Timing each layer both ways, alike, gives the time at every K
without running the model at every K.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vtw_core.engine.generation import now
from vtw_core.every_k.full_run import FullRun, rotary, run_layer
from vtw_core.families.loaded import LoadedModel

FloatArray = NDArray[np.float64]


_LONG = 1.0


@dataclass(frozen=True, eq=False)
class SecondsAtEveryK:
    """Wall-clock seconds.

    Attributes:
        prefill: [L+1] of the prompt's prefill.
        per_token: [L+1] of one decoding step with the prompt's KV cache in place.
    """

    prefill: FloatArray
    per_token: FloatArray


@torch.inference_mode()
def measure(vlm: LoadedModel, full: FullRun) -> SecondsAtEveryK:
    """Time each layer with the image and over the text alone, in prefill and in decoding.

    A long prefill is not repeated for this: its layers count as the full run measured them, with
    what recording costs, which is little beside a second.
    """
    layers = vlm.layers
    layout = full.prepared.layout
    text = torch.as_tensor(layout.text)
    prompt = torch.arange(layout.total)
    nothing = text[:0]
    below = full.layer_seconds
    if below.sum() < _LONG:
        below = np.array([_layer(vlm, full, i, layout.total, nothing) for i in range(layers)])
    above = np.array([_layer(vlm, full, i, len(text), nothing) for i in range(layers)])
    decode = np.array([_layer(vlm, full, i, 1, prompt) for i in range(layers)])
    withdrawn = np.array([_layer(vlm, full, i, 1, text) for i in range(layers)])
    outside = full.seconds[0] - full.layer_seconds.sum()
    # Embedding, head and the model's own code, which no layer's time holds.
    rest = _timed(vlm, lambda: _ends(vlm, full))
    if len(full.seconds) > 1:
        rest = max(rest, statistics.median(full.seconds[1:]) - decode.sum())
    return SecondsAtEveryK(_composed(below, above) + outside, _composed(decode, withdrawn) + rest)


def _composed(below: FloatArray, above: FloatArray) -> FloatArray:
    """[L+1] sum of `below` over layers < K and of `above` over the others, for K = 0..L."""
    start = np.concatenate([[0.0], np.cumsum(below)])
    end = np.concatenate([np.cumsum(above[::-1])[::-1], [0.0]])
    return np.asarray(start + end)


def _layer(vlm: LoadedModel, full: FullRun, index: int, rows: int, seen: Tensor) -> float:
    """Seconds of one layer over `rows` new rows after the KV of the `seen` prompt positions."""
    like = full.hidden[index]
    # What the rows hold makes no difference to the time.
    hidden = like.new_zeros(1, rows, like.shape[-1])
    stored = full.cache.layers[index]
    cache = _Appending(*(kv.index_select(2, seen.to(kv.device)) for kv in _kv(stored)))
    start = full.prepared.positions_after(0, rows)
    tables = rotary(vlm, index, hidden, start)
    return _timed(vlm, lambda: run_layer(vlm, full, index, hidden, None, tables, cache))


def _timed(vlm: LoadedModel, run: Callable[[], object]) -> float:
    """Seconds of the second of two calls; the first pays for memory and kernels."""
    run()
    start = now(vlm)
    run()
    return now(vlm) - start


def _ends(vlm: LoadedModel, full: FullRun) -> None:
    ids = full.prepared.input_ids[:, -1:]
    hidden = vlm.model.get_input_embeddings()(ids)
    vlm.model.get_output_embeddings()(vlm.model.get_decoder().norm(hidden))


def _kv(layer: object) -> tuple[Tensor, Tensor]:
    return layer.keys, layer.values  # type: ignore[attr-defined]


class _Appending:
    """What a dynamic cache costs: new keys are appended to those that are there, and forgotten."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self._keys, self._values = keys, values

    def update(
        self, keys: Tensor, values: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        return torch.cat([self._keys, keys], dim=2), torch.cat([self._values, values], dim=2)
