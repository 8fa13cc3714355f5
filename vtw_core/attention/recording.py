"""Attention statistics, reduced while the model runs: never layers x heads x n x n.

Of every block of rows of weights (`vtw_core.hooks.attention_calls`) only sums are kept, and of the
text rows their mean over heads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vtw_core.engine.forward_check import ForwardArguments
from vtw_core.engine.withdrawal import withdrawal_here
from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.families.layout import TokenLayout
from vtw_core.families.support import check_support
from vtw_core.hooks.attention_calls import (
    AttentionCall,
    AttentionCapture,
    capture_eager,
    check_attention,
)
from vtw_core.hooks.layer_arguments import cache_of
from vtw_core.hooks.scoped import ContextHooks, context_hooks
from vtw_core.hooks.tensor_parallel import refuse_split
from vtw_core.results.inside import SEGMENTS

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

MOST_BINS = 64
"""Bins per side of the pooled attention map, over the prompt."""
# Weights computed at a time: 8 MB of float32.
_BLOCK = 2 * 2**20


@contextmanager
def record(model: Any, layout: TokenLayout) -> Iterator["AttentionRecorder"]:
    """Inside the block, the attention of every pass over the prompt that `layout` describes, and
    of the tokens after it, is recorded: of a forward pass or of `model.generate()`, one sequence
    at a time, alone or together with a `withdraw` block, around it or inside it.

    A thread started inside the block starts outside of it and is not recorded; to make it take
    part, run it with `contextvars.copy_context().run`, as for `withdraw`.

    Args:
        model: a transformers vision-language model of a supported family, loaded with sdpa or
            eager attention.
        layout: the prompt's layout, from `TokenLayout.from_inputs`.

    Yields:
        The `AttentionRecorder`, which holds the statistics of the last prompt that was run.

    Raises:
        ModelError: the model is not supported, its attention cannot be captured, the layout is of
            another prompt, or only another thread ran the model.
        InputError: more than one sequence is run.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile(model) wraps
    support = check_support(model)
    if not support.supported:
        raise ModelError.of(support.reason)
    recorder = AttentionRecorder(model, layout)
    with context_hooks(recorder) as hooks:
        hooks.uncompiled(model, model.get_decoder())
        recorder.attach(hooks)
        try:
            yield recorder
        finally:
            recorder.stop()
    hooks.check_acted("record")


class AttentionRecorder:
    """What was recorded of the last prompt that was run, and of the tokens after it.

    All of it is float32 on the CPU, and complete once the pass is over. Axes as in
    `vtw_core.results.inside`, but `q` is every text row of the prompt, those before the image too.
    """

    def __init__(self, model: Any, layout: TokenLayout) -> None:
        check_attention(model)
        refuse_split(model)
        self.layout = layout
        self._layers = decoder_layers(model)
        self._model = model
        self._capture = AttentionCapture(self._on_call)
        self._arguments = ForwardArguments(model)
        self._reset()

    def _reset(self) -> None:
        self._rows_run = 0
        self._prefills: list[_Prefill] = []
        self._steps: list[list[_Row]] = [[] for _ in self._layers]

    def attach(self, hooks: ContextHooks) -> None:
        """Put the hooks on the model that follow which layer is running."""
        self._arguments.attach(hooks, self._model)
        hooks.before(self._model.get_decoder(), self._before_decoder)
        capture_eager(hooks, dict(enumerate(self._layers)), self._capture)
        for index, layer in enumerate(self._layers):
            hooks.before(layer, partial(self._before, index))
            hooks.after(layer, lambda *_: self._capture.close(), after_errors=True)

    def stop(self) -> None:
        """End a capture that an interrupted layer left open."""
        self._capture.close()

    def _before_decoder(self, args: Any, kwargs: dict[str, Any]) -> None:
        """Here and not before layer 0, which a strategy may leave without its visual rows."""
        batch, rows = kwargs["inputs_embeds"].shape[:2]
        if batch != 1:
            raise InputError("Attention is recorded of one sequence at a time; run one.")
        cache = cache_of(kwargs)
        if cache is None or cache.get_seq_length(0) == 0:
            self._reset()
            if rows < self.layout.total:
                raise InputError("The prompt must be run at once and be the layout's own.")
            self._arguments.check_prompt([self.layout], batch, rows)
        self._rows_run += rows

    def _before(self, index: int, args: Any, kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        self._capture.open(index, rows=hidden.shape[1])

    def _on_call(self, layer: int, call: AttentionCall) -> None:
        withdrawal = withdrawal_here(self._model)
        if withdrawal is not None and withdrawal.drops_text:
            raise InputError(
                "Attention is recorded of runs whose text stays; this strategy drops text too."
            )
        if withdrawal is not None:
            keys = withdrawal.positions(layer, call.keys)
        elif call.keys == self._rows_run:
            keys = np.arange(call.keys)
        else:
            raise ModelError(
                "Layer {layer} attends to {keys} keys where {rows} tokens were run, as with a "
                "sliding window shorter than the sequence; use a shorter prompt.",
                layer=layer,
                keys=call.keys,
                rows=self._rows_run,
            )
        if len(self._prefills) == layer:
            self._prefills.append(_Prefill.of(call, keys, self.layout))
        else:
            self._steps[layer].append(_Row.of(call, keys, self.layout))

    @property
    def positions(self) -> int:
        """n: positions that were run, prompt and answer."""
        return self._rows_run

    @property
    def query_positions(self) -> IntArray:
        """[q] positions of all text rows, ascending."""
        after = np.arange(self.layout.total, self.positions)
        return np.concatenate([self.layout.text, after])

    def _rows_of(self, layer: int) -> list["_Row"]:
        return [*self._prefills[layer].rows, *self._steps[layer]]

    @property
    def mass(self) -> FloatArray:
        """[l, h, q, s] sum of a row's weights over each segment."""
        return np.stack(
            [np.stack([row.mass for row in self._rows_of(i)], axis=1) for i in self._reached]
        )

    @property
    def rows(self) -> FloatArray:
        """[l, q, n] mean over heads of the weights of the text rows."""
        out = np.zeros((len(self._reached), len(self.query_positions), self.positions), np.float32)
        for layer in self._reached:
            for number, row in enumerate(self._rows_of(layer)):
                out[layer, number, row.keys] = row.weights
        return out

    @property
    def entropy(self) -> FloatArray:
        """[l, h, q] entropy of a row of weights in nats."""
        return np.stack(
            [np.stack([row.entropy for row in self._rows_of(i)], axis=1) for i in self._reached]
        )

    @property
    def visual_mass(self) -> FloatArray:
        """[l, h, s] mean of the mass over the visual tokens' rows; 0 where none is left."""
        return np.stack([prefill.visual_mass for prefill in self._prefills])

    @property
    def received(self) -> FloatArray:
        """[l, n] mean weight that a position receives, over heads and the rows that may see it;
        0 where the position has left."""
        out = np.zeros((len(self._reached), self.positions), np.float32)
        for layer in self._reached:
            total, seen = np.zeros(self.positions), np.zeros(self.positions)
            prefill = self._prefills[layer]
            total[prefill.keys] = prefill.received
            seen[prefill.keys] = prefill.visible
            for row in self._steps[layer]:
                total[row.keys] += row.weights
                seen[row.keys] += 1
            out[layer] = total / np.maximum(seen, 1)
        return out

    @property
    def value_norms(self) -> FloatArray:
        """[l, n] Euclidean norm of the value vector, mean over its heads; 0 where the position has
        left."""
        out = np.zeros((len(self._reached), self.positions), np.float32)
        for layer in self._reached:
            prefill = self._prefills[layer]
            out[layer, prefill.keys] = prefill.value_norms
            for row in self._steps[layer]:
                out[layer, row.keys[-1]] = row.value_norm
        return out

    @property
    def edges(self) -> IntArray:
        """[b + 1] where the bins of `image` begin: even ones over the prompt, then the answer's."""
        width = _bin_width(self.layout)
        prompt = np.arange(0, self.layout.total, width)
        after = np.arange(self.layout.total, self.positions, width)
        return np.concatenate([prompt, after, [self.positions]])

    @property
    def image(self) -> FloatArray:
        """[l, b, b] mean over heads of the weights between bins: mean over the rows of a query bin
        of the sum over the keys of a key bin. A bin whose rows have all left is 0."""
        edges = self.edges
        starts, bins = edges[:-1], len(edges) - 1
        out = np.zeros((len(self._reached), bins, bins), np.float32)
        for layer in self._reached:
            prefill = self._prefills[layer]
            count = np.zeros(bins)
            inner = prefill.image.shape[0]
            out[layer, :inner, :inner] = prefill.image
            count[:inner] = prefill.image_rows
            after = [row for row in self._rows_of(layer) if row.position >= self.layout.total]
            for row in after:
                own = np.searchsorted(starts, row.position, side="right") - 1
                columns = np.searchsorted(starts, row.keys, side="right") - 1
                np.add.at(out[layer, own], columns, row.weights)
                count[own] += 1
            out[layer] /= np.maximum(count, 1)[:, None]
        return out

    @property
    def _reached(self) -> range:
        if not self._prefills:
            raise InputError("Nothing was recorded: run the prompt inside the block.")
        return range(len(self._prefills))


def _bin_width(layout: TokenLayout) -> int:
    return -(-layout.total // MOST_BINS)


def _segments(keys: IntArray, layout: TokenLayout) -> Tensor:
    """[keys, s] 1 where a key is of a segment; padding is of none."""
    names = np.array([*layout.segments, "answer"])[np.minimum(keys, layout.total)]
    return torch.as_tensor(np.stack([names == one for one in SEGMENTS], axis=1)).float()


def _entropy(weights: Tensor) -> Tensor:
    return torch.special.entr(weights).sum(-1)


def _value_norms(call: AttentionCall, last: int | None = None) -> FloatArray:
    """[keys] mean over heads of the norms, of the `last` values only if given."""
    if call.value is None or call.value.shape[2] != call.keys:
        raise ModelError("The values cannot be read under eager attention without a KV cache.")
    value = call.value if last is None else call.value[:, :, -last:]
    return np.asarray(value[0].float().norm(dim=-1).mean(0).cpu())


@dataclass(frozen=True, eq=False)
class _Row:
    """One text row of one layer: `weights` [keys] mean over heads, `mass` [h, s], `entropy` [h]."""

    position: int
    keys: IntArray
    weights: FloatArray
    mass: FloatArray
    entropy: FloatArray
    value_norm: float

    @classmethod
    def of(cls, call: AttentionCall, keys: IntArray, layout: TokenLayout) -> "_Row":
        """The only row of a decoding step."""
        if call.queries != 1:
            raise ModelError(
                "Several tokens in one pass after the prompt cannot be recorded; generate "
                "one token at a time."
            )
        weights = call.weights(0, 1)[0, :, 0]
        return cls(
            position=int(keys[-1]),
            keys=keys,
            weights=np.asarray(weights.mean(0).cpu()),
            mass=np.asarray((weights @ _segments(keys, layout).to(weights.device)).cpu()),
            entropy=np.asarray(_entropy(weights).cpu()),
            value_norm=float(_value_norms(call, last=1)[0]),
        )


@dataclass(frozen=True, eq=False)
class _Prefill:
    """One layer's pass over the prompt, and over what was run with it.

    `keys` [keys]: their positions, which are the rows' as well. `received` and `visible` [keys]:
    sum of the mean weights, and the number of rows that may see it. `visual_mass` [h, s].
    `image` [b, b] sums over the prompt's rows, `image_rows` [b] how many.
    """

    keys: IntArray
    rows: list[_Row]
    received: FloatArray
    visible: IntArray
    visual_mass: FloatArray
    value_norms: FloatArray
    image: FloatArray
    image_rows: IntArray

    @classmethod
    def of(cls, call: AttentionCall, keys: IntArray, layout: TokenLayout) -> "_Prefill":
        if call.queries != call.keys:
            raise ModelError("The prompt must be run in one piece to be recorded.")
        sums = _Sums(call, keys, layout)
        for start, stop in sums.blocks():
            sums.add(start, stop)
        return cls(
            keys=keys,
            rows=sums.rows,
            received=np.asarray(sums.received.cpu()),
            visible=np.asarray(call.visible(torch.as_tensor(sums.is_used))),
            visual_mass=np.asarray((sums.visual_mass / max(1, sums.is_visual.sum())).cpu()),
            value_norms=sums.value_norms,
            image=np.asarray(sums.image[:-1, :-1].cpu()),
            image_rows=np.bincount(sums.bins[sums.is_used], minlength=sums.side + 1)[:-1],
        )


class _Sums:
    """The sums that one layer's weights are reduced to, block by block of rows.

    Every weight is read once after the softmax: rows are added up bin by bin for every head, and
    all else is computed from these sums, but for the text rows, which are few.
    """

    def __init__(self, call: AttentionCall, keys: IntArray, layout: TokenLayout) -> None:
        self.call, self.keys = call, keys
        self.is_visual = np.isin(keys, layout.visual)
        self.is_used = keys >= layout.padding
        self.value_norms = _value_norms(call)
        self.rows: list[_Row] = []
        width = _bin_width(layout)
        self.side = -(-layout.total // width)
        # What was run after the prompt falls into one bin more, which is not kept.
        self.bins = np.where(keys < layout.total, keys // width, self.side)
        device = call.weights(0, 1).device
        self.segments = _segments(keys, layout).to(device)
        self.to_bin = F.one_hot(torch.as_tensor(self.bins), self.side + 1).float().to(device)
        self.received = torch.zeros(len(keys), device=device)
        self.visual_mass = torch.zeros(call.heads, len(SEGMENTS), device=device)
        self.image = torch.zeros(self.side + 1, self.side + 1, device=device)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of blocks of rows of one kind, visual or not, without padding."""
        used = np.flatnonzero(self.is_used)
        turns = np.flatnonzero(np.diff(self.is_visual[used])) + 1
        most = max(1, _BLOCK // (self.call.heads * self.call.keys))
        for run in np.split(used, turns):
            for start in range(int(run[0]), int(run[-1]) + 1, most):
                yield start, min(start + most, int(run[-1]) + 1)

    def add(self, start: int, stop: int) -> None:
        """Add the rows start..stop - 1, which are of one kind."""
        weights = self.call.weights(start, stop)[0]  # [h, rows, seen keys]
        seen = weights.shape[2]
        first, last = int(self.bins[start]), int(self.bins[stop - 1]) + 1
        rows_to_bin = self.to_bin[start:stop, first:last].T.expand(len(weights), -1, -1)
        by_bin = torch.bmm(rows_to_bin, weights)  # [h, bins, seen keys]
        mean = by_bin.mean(0)
        self.received[:seen] += mean.sum(0)
        self.image[first:last] += mean @ self.to_bin[:seen]
        if self.is_visual[start]:
            self.visual_mass += by_bin.sum(1) @ self.segments[:seen]
        else:
            self.rows += self._rows(start, weights)

    def _rows(self, start: int, weights: Tensor) -> list[_Row]:
        seen = weights.shape[2]
        mean = np.asarray(weights.mean(0).cpu())
        mass = np.asarray((weights @ self.segments[:seen]).cpu())
        entropy = np.asarray(_entropy(weights).cpu())
        return [
            _Row(
                position=int(self.keys[start + at]),
                keys=self.keys[:seen],
                weights=mean[at],
                mass=mass[:, at],
                entropy=entropy[:, at],
                value_norm=float(self.value_norms[start + at]),
            )
            for at in range(len(mean))
        ]
