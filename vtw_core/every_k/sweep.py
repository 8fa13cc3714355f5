"""Withdrawal at every K, from one run of the full model.

Row K of the growing batch is the run that withdraws at K. It joins at layer K with what the full
run put into that layer, and from there on attends to the prefix and to itself, never to the image.
After the last layer, row K holds exactly what withdrawal at K gives. The work is about
m * L * (L + 1) / 2 token-layers, with m rows that depend on the image, instead of L prefills.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vtw_core.engine.generation import check_finite
from vtw_core.engine.withdrawal import refuse_nesting
from vtw_core.every_k.full_run import FullRun, head, rotary, run_layer
from vtw_core.families.layout import Positions
from vtw_core.families.loaded import LoadedModel
from vtw_core.results.sampling import Sampling

FloatArray = NDArray[np.float64]
TOP = 5
# Keys and values worked on at a time, where each row of the batch brings a picture's.
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Comparison:
    """What each row K of a sweep predicts in place of the baseline's own answer.

    Attributes:
        kl: [L+1, T] KL(P_row || P_full) in nats at each position of the baseline answer.
        kl_reverse: [L+1, T] KL(P_full || P_row).
        log_probability: [L+1, T] natural log of the probability of the baseline's token.
        top_ids, top_probabilities: [L+1, TOP] the likeliest first answer tokens.
        picks: [L+1, T] the token that each K chooses after the baseline's tokens before it.
    """

    kl: FloatArray
    kl_reverse: FloatArray
    log_probability: FloatArray
    top_ids: NDArray[np.int64]
    top_probabilities: FloatArray
    picks: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sweep(Comparison):
    """What withdrawal at each K does to the baseline's own answer.

    Attributes:
        keys, values: [L] tensors [l + 1, heads, m, d]: of layer l, the KV of the rows that depend
            on the image, for K = 0..l.
    """

    keys: list[Tensor]
    values: list[Tensor]


class SweepObserver(Protocol):
    """Observes the layers of a sweep while they run."""

    def capturing(self, index: int, first: int, rows: int) -> AbstractContextManager[Any]:
        """The block in which a layer runs over `rows` rows of every K from `first` on."""

    def see(self, index: int, hidden: Tensor) -> None:
        """[index + 1, m, width]: what leaves the layer, for K = 0..index."""


class SweepState:
    """A sweep on its way through the layers.

    With `image`, another run over a prompt of the same layout, row l does not lose the image: from
    layer l on it attends to that run's visual keys and values in place of the full run's.
    """

    def __init__(
        self,
        vlm: LoadedModel,
        full: FullRun,
        positions: Positions = "keep",
        *,
        image: FullRun | None = None,
        observer: SweepObserver | None = None,
    ) -> None:
        self._vlm = vlm
        self._full = full
        self._image = image
        self._observer = observer
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
        before, bytes_per_row = self._before(index)
        parts, keys, values = [], [], []
        first = 0
        for part in hidden.split(max(1, _MOST_BYTES // bytes_per_row)):
            cache = _PrefixCache(before, len(part))
            parts.append(self._run(index, first, part, cache))
            first += len(part)
            keys.append(cache.keys)
            values.append(cache.values)
        self._hidden = torch.cat(parts)
        if self._image is None:
            self._keys.append(torch.cat(keys))
            self._values.append(torch.cat(values))
        if self._observer is not None:
            self._observer.see(index, self._hidden)

    def _seen(self) -> NDArray[np.int64]:
        """[b] positions that the rows attend to besides themselves."""
        prefix = self._full.prefix
        visual = self._full.prepared.layout.visual
        return prefix if self._image is None else np.concatenate([prefix, visual])

    def _before(self, index: int) -> tuple[tuple[Tensor, Tensor], int]:
        """[1, heads, b, d] keys and values before the rows, and the bytes that they take in a row
        of the batch together with the rows' own."""
        full, image = self._full, self._image
        picked = _kv(full, index, full.prefix)
        if image is not None:
            own, other = picked, _kv(image, index, full.prepared.layout.visual)
            picked = (torch.cat([own[0], other[0]], dim=2), torch.cat([own[1], other[1]], dim=2))
        keys = picked[0]
        length = keys.shape[2] + full.hidden[index].shape[1]
        return picked, 2 * keys.shape[1] * length * keys.shape[3] * keys.element_size()

    def _run(self, index: int, first: int, hidden: Tensor, cache: "_PrefixCache") -> Tensor:
        full, batch = self._full, len(hidden)
        mask = full.mask(index, self._seen())[None, None].expand(batch, 1, -1, -1)
        tables = rotary(self._vlm, index, hidden, self._positions)
        capturing = (
            nullcontext() if self._observer is None
            else self._observer.capturing(index, first, hidden.shape[1])
        )  # fmt: skip
        with capturing:
            return run_layer(self._vlm, full, index, hidden, mask, tables, cache)

    def finish(self, sampling: Sampling) -> Sweep:
        """Compare every K with the full run, once all layers are done."""
        compared = self.compare(self._full, sampling)
        return Sweep(**vars(compared), keys=self._keys, values=self._values)

    @torch.inference_mode()
    def compare(self, baseline: FullRun, sampling: Sampling) -> Comparison:
        """Compare every row with a run over the same answer, once all layers are done; the last
        row, K = L, is what was swept itself."""
        layers = self._vlm.layers
        count = len(baseline.ids)
        # float64, since a KL of 1e-7 is a difference of nearly equal numbers.
        exact = torch.float32 if baseline.logits.device.type == "mps" else torch.float64
        base = torch.log_softmax(baseline.logits.to(exact), dim=-1)
        tokens = torch.tensor(baseline.ids, device=base.device)[:, None]
        kl = np.zeros((layers + 1, count))
        reverse, log_probability = np.zeros_like(kl), np.zeros_like(kl)
        picks = np.tile(np.array(baseline.ids, dtype=np.int64), (layers + 1, 1))
        top_ids = np.zeros((layers + 1, min(TOP, base.shape[-1])), dtype=np.int64)
        top_probabilities = np.zeros(top_ids.shape)
        for k in range(layers + 1):
            # One K at a time: all logits at once would be [L, T, vocabulary].
            log_p = base
            if k < layers or self._full is not baseline:
                logits = self._logits(k, count).to(base.device)
                check_finite(logits)
                log_p = torch.log_softmax(logits.to(exact), dim=-1)
                difference = log_p - base
                kl[k] = (log_p.exp() * difference).sum(-1).clamp(min=0).cpu()
                reverse[k] = (-base.exp() * difference).sum(-1).clamp(min=0).cpu()
                picks[k] = _picks(sampling, logits)
            log_probability[k] = log_p.gather(1, tokens)[:, 0].cpu()
            top = log_p[0].topk(top_ids.shape[1])
            top_ids[k], top_probabilities[k] = top.indices.cpu(), top.values.exp().cpu()
        return Comparison(kl, reverse, log_probability, top_ids, top_probabilities, picks)

    def _logits(self, k: int, count: int) -> Tensor:
        """[count, vocabulary] of row K at the answer's positions."""
        if k == self._vlm.layers:
            return self._full.logits
        return head(self._vlm, self._hidden[k, -count:])


def _picks(sampling: Sampling, logits: Tensor) -> NDArray[np.int64]:
    """[T] tokens chosen from logits [T, vocabulary], row t at answer position t."""
    if sampling.is_greedy:  # the same rule at every position
        return np.asarray(sampling.choose(logits, 0).cpu())
    return np.array([int(sampling.choose(row, position)) for position, row in enumerate(logits)])


def _kv(full: FullRun, index: int, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Keys and values [1, heads, n, d] of one layer of a run at some positions of the prompt."""
    layer = full.cache.layers[index]
    picked = torch.tensor(positions, device=layer.keys.device)
    return layer.keys.index_select(2, picked), layer.values.index_select(2, picked)


class _PrefixCache:
    """A KV cache for one layer: what the rows come after, the same for every row of the batch."""

    def __init__(self, before: tuple[Tensor, Tensor], batch: int) -> None:
        self._before = [kv.expand(batch, -1, -1, -1) for kv in before]
        self.keys, self.values = before

    def update(
        self, keys: Tensor, values: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """The transformers cache protocol: keep the rows' own KV, return all that is seen."""
        self.keys, self.values = keys, values
        before_keys, before_values = self._before
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
        after = prepared.positions_after(0, answer)
        return torch.cat([prepared.positions.index_select(-1, rows), after], dim=-1)
    first = int(prepared.positions.min()) + len(full.prefix)
    count = len(full.rows) + answer
    counted = torch.arange(first, first + count, device=prepared.positions.device)
    return counted.expand(*prepared.positions.shape[:-1], -1)
