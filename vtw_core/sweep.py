"""Withdrawal at every K, from one run of the full model.

Row K of the growing batch is the run that withdraws at K. It joins at layer K with what the full
run put into that layer, and from there on attends to the prefix and to itself, never to the image.
After the last layer, row K holds exactly what withdrawal at K gives. The work is about
m * L * (L + 1) / 2 token-layers, with m rows that depend on the image, instead of L prefills.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vtw_core.full_run import FullRun, head, rotary
from vtw_core.generation import check_finite
from vtw_core.layout import Positions
from vtw_core.models.adapters import decoder_layers
from vtw_core.models.vlm import VisionLanguageModel
from vtw_core.sampling import Sampling
from vtw_core.withdrawal import refuse_nesting

FloatArray = NDArray[np.float64]
TOP = 5


@dataclass(frozen=True, eq=False)
class Sweep:
    """What withdrawal at each K does to the baseline's own answer.

    Attributes:
        kl: [L+1, T] KL(P_withdrawn || P_full) in nats at each position of the baseline answer.
        kl_reverse: [L+1, T] KL(P_full || P_withdrawn).
        top_ids, top_probabilities: [L+1, TOP] the likeliest first answer tokens.
        picks: [L+1, T] the token that each K chooses behind the baseline's tokens before it.
        keys, values: [L] tensors [l + 1, heads, m, d]: of layer l, the KV of the rows that depend
            on the image, for K = 0..l.
    """

    kl: FloatArray
    kl_reverse: FloatArray
    top_ids: NDArray[np.int64]
    top_probabilities: FloatArray
    picks: NDArray[np.int64]
    keys: list[Tensor]
    values: list[Tensor]


class SweepState:
    """A sweep on its way through the layers."""

    def __init__(
        self, vlm: VisionLanguageModel, full: FullRun, positions: Positions = "keep"
    ) -> None:
        self._vlm = vlm
        self._full = full
        self._positions = row_positions(full, positions)
        self._hidden = full.hidden[0][:0]
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def layers(self) -> Iterator[int]:
        """Run layer after layer, saying which is done."""
        for index in range(self._vlm.layers):
            self._layer(index)
            yield index

    @torch.inference_mode()
    def _layer(self, index: int) -> None:
        full = self._full
        refuse_nesting(self._vlm.model)
        joining = full.hidden[index]
        hidden = torch.cat([self._hidden.to(joining.device), joining])
        batch = len(hidden)
        cache = _BehindPrefix(full, index, batch)
        self._hidden = decoder_layers(self._vlm.model)[index](
            hidden,
            attention_mask=full.masks[index][None, None].expand(batch, 1, -1, -1),
            position_embeddings=rotary(self._vlm, index, hidden, self._positions),
            past_key_values=cache,
            **full.kwargs[index],
        )
        self._keys.append(cache.keys)
        self._values.append(cache.values)

    @torch.inference_mode()
    def finish(self, sampling: Sampling) -> Sweep:
        """Compare every K with the full run, once all layers are done."""
        full, layers = self._full, self._vlm.layers
        count = len(full.ids)
        # float64, since a KL of 1e-7 is a difference of nearly equal numbers.
        exact = torch.float32 if full.logits.device.type == "mps" else torch.float64
        baseline = torch.log_softmax(full.logits.to(exact), dim=-1)
        kl = np.zeros((layers + 1, count))
        reverse = np.zeros_like(kl)
        picks = np.tile(np.array(full.ids, dtype=np.int64), (layers + 1, 1))
        top_ids = np.zeros((layers + 1, min(TOP, baseline.shape[-1])), dtype=np.int64)
        top_probabilities = np.zeros(top_ids.shape)
        for k in range(layers + 1):
            log_p = baseline
            if k < layers:
                # One K at a time: all logits at once would be [L, T, vocabulary].
                logits = head(self._vlm, self._hidden[k, -count:]).to(full.logits.device)
                check_finite(logits)
                log_p = torch.log_softmax(logits.to(exact), dim=-1)
                difference = log_p - baseline
                kl[k] = (log_p.exp() * difference).sum(-1).clamp(min=0).cpu()
                reverse[k] = (-baseline.exp() * difference).sum(-1).clamp(min=0).cpu()
                picks[k] = _picks(sampling, logits)
            top = log_p[0].topk(top_ids.shape[1])
            top_ids[k], top_probabilities[k] = top.indices.cpu(), top.values.exp().cpu()
        return Sweep(kl, reverse, top_ids, top_probabilities, picks, self._keys, self._values)


def _picks(sampling: Sampling, logits: Tensor) -> NDArray[np.int64]:
    """[T] tokens chosen from logits [T, vocabulary], row t at answer position t."""
    if sampling.is_greedy:  # the same rule at every position
        return np.asarray(sampling.choose(logits, 0).cpu())
    return np.array([int(sampling.choose(row, position)) for position, row in enumerate(logits)])


class _BehindPrefix:
    """A KV cache for one layer: the full run's prefix, the same for every row of the batch."""

    def __init__(self, full: FullRun, index: int, batch: int) -> None:
        layer = full.cache.layers[index]
        picked = torch.as_tensor(full.prefix, device=layer.keys.device)
        self._prefix = [
            kv.index_select(2, picked).expand(batch, -1, -1, -1)
            for kv in (layer.keys, layer.values)
        ]
        self.keys = self.values = layer.keys

    def update(
        self, keys: Tensor, values: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """The transformers cache protocol: keep the rows' own KV, return all that is seen."""
        self.keys, self.values = keys, values
        before_keys, before_values = self._prefix
        return torch.cat([before_keys, keys], dim=2), torch.cat([before_values, values], dim=2)


def row_positions(full: FullRun, positions: Positions) -> Tensor:
    """Position ids of the kept rows once the image has left, [1, m] or [axes, 1, m].

    "keep": those of the full run. "repack": the tokens that stay are renumbered without gaps
    from the prompt's first position on.
    """
    prepared = full.prepared
    answer = full.hidden[0].shape[1] - len(full.rows)
    if positions == "keep":
        rows = torch.as_tensor(full.rows, device=prepared.positions.device)
        behind = prepared.positions_behind(0, answer)
        return torch.cat([prepared.positions.index_select(-1, rows), behind], dim=-1)
    first = int(prepared.positions.min()) + len(full.prefix)
    count = len(full.rows) + answer
    counted = torch.arange(first, first + count, device=prepared.positions.device)
    return counted.expand(*prepared.positions.shape[:-1], -1)
