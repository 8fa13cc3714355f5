"""Run the full model once, prompt and answer, and keep what the sweep over every K needs.

In a causal decoder a row never sees the rows after it. Rows before the image never see it, so
withdrawing it changes nothing for them; visual rows themselves are the same in every layer that
they are in. Only the rows after the image change. Kept of the run are therefore, for each layer,
the hidden states that enter it in the rows that depend on the image, and its KV cache.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vtw_core.engine.generation import Prepared, Step, check_limit, decode_inside, new_cache, now
from vtw_core.engine.withdrawal import refuse_nesting
from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.families.layout import check_text_at_the_end
from vtw_core.families.loaded import LoadedModel
from vtw_core.families.support import check_support
from vtw_core.hooks.layer_arguments import CACHE_NAMES, PROMPT_LONG, cache_argument
from vtw_core.hooks.scoped import ContextHooks, context_hooks
from vtw_core.hooks.uncompiled import uncompiled
from vtw_core.results.sampling import Chooser
from vtw_core.results.trace import Trace


@dataclass(frozen=True, eq=False)
class FullRun:
    """The full model's run over one prompt and its own answer.

    Rows are the positions that depend on the image: those after its first token that are not
    visual (in a decoder whose prompt rows see each other in both directions, all that are not
    visual), m = rows in the prompt + T - 1, where T is the number of answer tokens.

    Attributes:
        prepared: image and prompt.
        rows: [r] positions in the prompt of the rows that depend on the image, ascending.
        prefix: [p] positions of the others that are not visual; they never see the image.
        hidden: [L+1] tensors [1, m, width], what enters each layer in those rows and in the rows
            of the answer's first T - 1 tokens; the last is what leaves the last layer.
        cache: the KV cache over prompt and answer, [L] layers of [1, heads, total + T - 1, d].
        visible: [L] tensors [r, total] bool: which positions of the prompt a row sees.
        kwargs: [L] what else the model hands to each layer.
        logits: [T, vocabulary] float32, on the model's device.
        ids: [T] the baseline answer.
        seconds: [T] of the forward pass after each token; the first is the prefill.
        layer_seconds: [L] of the prefill, spent in each layer.
    """

    prepared: Prepared
    rows: NDArray[np.int64]
    prefix: NDArray[np.int64]
    hidden: list[Tensor]
    cache: Any
    visible: list[Tensor]
    kwargs: list[dict[str, Any]]
    logits: Tensor
    ids: tuple[int, ...]
    seconds: NDArray[np.float64]
    layer_seconds: NDArray[np.float64]

    @property
    def kept_bytes(self) -> int:
        """Memory held by hidden states and KV cache."""
        kept = [*self.hidden]
        for layer in self.cache.layers:
            kept += [layer.keys, layer.values]
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)

    def mask(self, index: int, before: NDArray[np.int64]) -> Tensor:
        """[m, b + m] additive mask of one layer's rows, those of the answer included: which of the
        positions `before` [b], and of the rows themselves, a row sees."""
        r, m, b = len(self.rows), self.hidden[index].shape[1], len(before)
        of_prompt = self.visible[index]
        visible = torch.ones(m, b + m, dtype=torch.bool, device=of_prompt.device)
        visible[:, b:] = visible[:, b:].tril()
        columns = torch.as_tensor(np.concatenate([before, self.rows]), device=of_prompt.device)
        visible[:r, : b + r] = of_prompt.index_select(1, columns)
        return additive(visible, self.hidden[index].dtype)


class RunObserver(Protocol):
    """Observes the full model while it runs."""

    def attach(self, hooks: ContextHooks) -> None:
        """Put hooks of its own on the model."""


def run_full(
    vlm: LoadedModel,
    prepared: Prepared,
    max_new_tokens: int,
    sampling: Chooser,
    observer: RunObserver | None = None,
) -> Generator[Step, None, FullRun]:
    """Run the model with nothing withdrawn, one `Step` per token; returns the `FullRun`.

    Raises:
        InputError: bad max_new_tokens, or the prompt ends with the image.
        ModelError: the model is not supported, or not followed exactly by layer-wise runs.
    """
    max_new_tokens = check_limit(vlm, prepared, max_new_tokens)
    check_text_at_the_end(prepared.layout)
    refuse_nesting(vlm.model)
    _check_followed(vlm, prepared.layout.total + max_new_tokens)
    cache = new_cache(vlm)
    record = _Record(vlm, prepared, observer)
    steps: list[Step] = []
    for step in decode_inside(record.block(), vlm, prepared, cache, max_new_tokens, sampling):
        steps.append(step)
        yield step
    logits = torch.as_tensor(np.stack([step.logits for step in steps]), device=vlm.device)
    _check_head(vlm, record.last_row, logits[0])
    return FullRun(
        prepared=prepared,
        rows=record.rows,
        prefix=record.prefix,
        hidden=[torch.cat(parts, dim=1) for parts in record.hidden],
        cache=cache,
        visible=record.visible,
        kwargs=record.kwargs,
        logits=logits,
        ids=tuple(step.token_id for step in steps),
        seconds=np.array([step.seconds for step in steps]),
        layer_seconds=np.diff(record.times),
    )


def finished(steps: Generator[Step, None, FullRun]) -> FullRun:
    """Run `run_full` to its end, for callers that do not need its steps."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            run: FullRun = end.value
            return run


class _Record:
    """What the hooks of one full run write down."""

    def __init__(self, vlm: LoadedModel, prepared: Prepared, observer: RunObserver | None) -> None:
        layout = prepared.layout
        self.rows = layout.text[layout.text > layout.visual[0]]
        self.prefix = np.arange(layout.prefix)
        self.hidden: list[list[Tensor]] = [[] for _ in range(vlm.layers + 1)]
        self.kwargs: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.last_row = torch.empty(0)
        self._vlm = vlm
        self.visible: list[Tensor] = []
        self._layout = layout
        self._observer = observer
        self._seen: dict[int, Tensor] = {}

    def trace(self) -> Trace:
        """What each layer saw: everything."""
        return Trace.of_everything(self._layout, self._vlm.layers)

    @contextmanager
    def block(self) -> Iterator["_Record"]:
        layers = decoder_layers(self._vlm.model)
        model = self._vlm.model
        with context_hooks(self) as hooks:
            hooks.uncompiled(model, model.get_decoder())
            for index, layer in enumerate(layers):
                hooks.before(layer, partial(self._before, index))
            hooks.after(layers[-1], self._after_last)
            if self._observer is not None:
                self._observer.attach(hooks)
            yield self

    def _before(self, index: int, args: Any, kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        if len(self.kwargs) > index:
            self.hidden[index].append(hidden.clone())  # one row, of an answer token
            return
        mask = kwargs.get("attention_mask")
        if index == 0 and mask is not None and _sees(mask, self.prefix, self.rows):
            self.rows, self.prefix = self._layout.text, self.prefix[:0]
        self.visible.append(self._visible(mask, hidden.device))
        passed = {"hidden_states", *PROMPT_LONG, *CACHE_NAMES}
        self.kwargs.append({name: kwargs[name] for name in kwargs.keys() - passed})
        picked = torch.as_tensor(self.rows, device=hidden.device)
        self.hidden[index].append(hidden.index_select(1, picked))
        self.times.append(now(self._vlm))

    def _after_last(self, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        if self.hidden[-1]:
            self.hidden[-1].append(output.clone())
            return
        self.times.append(now(self._vlm))
        self.last_row = output[:, -1:]
        picked = torch.as_tensor(self.rows, device=output.device)
        self.hidden[-1].append(output.index_select(1, picked))

    def _visible(self, mask: Tensor | None, device: torch.device) -> Tensor:
        """[r, total] which positions of the prompt the rows see; layers share one mask."""
        key = id(mask)
        if key not in self._seen:
            rows = torch.as_tensor(self.rows, device=device)
            if mask is None:
                seen = torch.arange(self._layout.total, device=device) <= rows[:, None]
            else:
                seen = _is_visible(mask[0, 0].to(device).index_select(0, rows))
            self._seen[key] = seen
        return self._seen[key]


def run_layer(
    vlm: LoadedModel,
    full: FullRun,
    index: int,
    hidden: Tensor,
    mask: Tensor | None,
    tables: tuple[Tensor, Tensor],
    kv_cache: Any,
) -> Tensor:
    """What a decoder layer makes of rows [batch, rows, width] that were not in the full run.

    Args:
        mask: additive, [batch, 1, rows, keys].
        tables: of the rows, from `rotary`.
        kv_cache: what the rows come after; `update` says what they see.
    """
    layer = decoder_layers(vlm.model)[index]
    with uncompiled(layer):  # compiled, it would be compiled again for every shape and cache
        out: Tensor = layer(
            hidden,
            attention_mask=mask,
            position_embeddings=tables,
            **cache_argument(layer, kv_cache),
            **full.kwargs[index],
        )
    return out


def additive(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a key is seen, the lowest number of `dtype` where it is not."""
    mask = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
    return mask.masked_fill_(~visible, torch.finfo(dtype).min)


def _is_visible(mask: Tensor) -> Tensor:
    return mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2


def _sees(mask: Tensor, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> bool:
    """Whether any of `rows` sees any of `columns`."""
    if mask.ndim != 4:
        raise ModelError("This attention implementation's mask cannot be read; use sdpa or eager.")
    block = mask[0, 0][torch.as_tensor(rows, device=mask.device)]
    return bool(_is_visible(block[:, torch.as_tensor(columns, device=mask.device)]).any())


def rotary(vlm: LoadedModel, index: int, like: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """The rotary tables (cos, sin) of a decoder layer at given positions.

    Args:
        index: the layer.
        like: a tensor of the target dtype and device.
        positions: [1, n] or [axes, 1, n].
    """
    decoder = vlm.model.get_decoder()
    kinds = getattr(decoder.config, "layer_types", None)
    module = decoder.rotary_emb
    where = positions.to(like.device)
    # A decoder with one table for each kind of layer names the kind when it asks.
    if kinds and hasattr(module, "layer_types"):
        return tuple(module(like, where, kinds[index]))
    return tuple(module(like, where))


def head(vlm: LoadedModel, hidden: Tensor) -> Tensor:
    """Logits float32 [..., vocabulary] of hidden states [..., width] that left the last layer."""
    decoder = vlm.model.get_decoder()
    logits: Tensor = vlm.model.get_output_embeddings()(decoder.norm(hidden))
    cap = vlm.adapter.logit_cap(vlm.model.config)
    if cap is not None:
        logits = torch.tanh(logits / cap) * cap
    return logits.float()


@torch.inference_mode()
def _check_head(vlm: LoadedModel, last_row: Tensor, logits: Tensor) -> None:
    """The way from the last layer to the logits must be the model's own."""
    ours = head(vlm, last_row)[0, -1].to(logits.device)
    scale = max(1.0, float(logits.abs().max()))
    if float((ours - logits).abs().max()) > 32 * torch.finfo(last_row.dtype).eps * scale:
        raise ModelError(
            "Models of type {kind!r} change their logits after the last layer in a way that is "
            "not known here; use `generate` with a strategy in place of `explore`.",
            kind=vlm.model_type,
        )


def _check_followed(vlm: LoadedModel, length: int) -> None:
    """Raise ModelError where running layers one by one would not be the same."""
    support = check_support(vlm.model)
    if not support.supported:
        raise ModelError.of(support.reason)
    decoder = vlm.model.get_decoder()
    text = vlm.model.config.get_text_config(decoder=True)
    for name in ("norm", "rotary_emb"):
        if not isinstance(getattr(decoder, name, None), nn.Module):
            raise ModelError(
                "The decoder of {kind!r} has no {name}; use `generate`.",
                kind=vlm.model_type,
                name=name,
            )
    if text._attn_implementation not in ("sdpa", "eager"):
        raise ModelError(
            "`explore` does not run under {kind!r} attention; load the model with sdpa or eager.",
            kind=text._attn_implementation,
        )
    window = getattr(text, "sliding_window", None)
    slides = "sliding_attention" in (getattr(text, "layer_types", None) or ())
    if slides and window and window < length:
        raise InputError(
            "Image, prompt and answer take up to {length} tokens, the model's sliding window "
            "{window}; shorten the prompt or lower max_new_tokens.",
            length=length,
            window=window,
        )
