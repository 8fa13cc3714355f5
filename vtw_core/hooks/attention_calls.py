"""Capture every call of attention of a running model, without changing it.

The model goes on to compute its attention itself. A capture reads the arguments of each call
of the fused kernel (PyTorch's function mode, which acts in one thread and touches no model); the
softmax weights are computed on demand, a block of rows at a time. Under eager attention the
weights exist already and are used as they are.
"""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from vtw_core.errors import ModelError
from vtw_core.hooks.layer_arguments import CACHE_NAMES, cache_of
from vtw_core.hooks.scoped import ContextHooks


class AttentionCall(Protocol):
    """One call of attention, of a batch of b sequences."""

    @property
    def heads(self) -> int: ...

    @property
    def queries(self) -> int: ...

    @property
    def keys(self) -> int: ...

    @property
    def value(self) -> Tensor | None:
        """[b, heads or key-value heads, keys, d]"""

    def weights(self, start: int, stop: int) -> Tensor:
        """[b, heads, stop - start, m] float32 of the query rows start..stop - 1, for the first m
        keys; none of these rows sees a key after them. Good until the next call."""

    def visible(self, rows: Tensor) -> Tensor:
        """[keys] how many of the `rows` [queries] (bool) of the first sequence may see each key."""


class _Scratch:
    """Memory used again and again, since getting and clearing new pages takes as long as filling
    them."""

    def __init__(self) -> None:
        self._memory = torch.empty(0)

    def room(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """A float32 tensor of any contents, good until the next call."""
        size = math.prod(shape)
        if self._memory.numel() < size or self._memory.device != device:
            self._memory = torch.empty(size, device=device)
        return self._memory[:size].view(shape)


@dataclass(frozen=True, eq=False)
class _Fused:
    """A call of the fused kernel, whose weights are computed on demand."""

    query: Tensor
    key: Tensor
    value: Tensor | None
    mask: Tensor | None
    causal: bool
    scale: float
    scratch: "_Scratch"

    @property
    def heads(self) -> int:
        return self.query.shape[1]

    @property
    def queries(self) -> int:
        return self.query.shape[2]

    @property
    def keys(self) -> int:
        return self.key.shape[2]

    def weights(self, start: int, stop: int) -> Tensor:
        end = stop if self.causal else self.keys
        query = self.query[:, :, start:stop].float() * self.scale
        batch, heads, rows, width = query.shape
        key = self.key[:, :, :end].float()
        # With grouped queries several heads share a key.
        grouped = query.reshape(batch * key.shape[1], -1, width)
        room = self.scratch.room((*grouped.shape[:2], end), key.device)
        by_key_head = key.expand(batch, -1, -1, -1).reshape(len(grouped), end, width)
        torch.bmm(grouped, by_key_head.transpose(1, 2), out=room)
        scores = room.view(batch, heads, rows, end)
        if self.causal:
            hidden = torch.ones(rows, rows, dtype=torch.bool, device=scores.device).triu(1)
            scores[..., start:].masked_fill_(hidden, -torch.inf)
        if self.mask is not None:
            mask = self.mask[..., start:stop, :end]
            scores = (
                scores.masked_fill_(~mask, -torch.inf) if mask.dtype == torch.bool
                else scores.add_(mask)
            )  # fmt: skip
        weights = torch.softmax(scores, dim=-1, out=scores)
        # A row of padding sees nothing.
        return weights if self.mask is None else weights.nan_to_num_()

    def visible(self, rows: Tensor) -> Tensor:
        counted = rows.long()
        if self.causal:
            return counted.flip(0).cumsum(0).flip(0)
        if self.mask is None:
            return counted.sum().expand(self.keys)
        seen = self.mask[0, 0].cpu()
        if seen.dtype != torch.bool:
            seen = seen > torch.finfo(seen.dtype).min / 2
        return seen.expand(self.queries, self.keys)[rows].sum(0)


@dataclass(frozen=True, eq=False)
class _Eager:
    """Weights [b, h, queries, keys] that the model computed itself."""

    all_weights: Tensor
    value: Tensor | None

    @property
    def heads(self) -> int:
        return self.all_weights.shape[1]

    @property
    def queries(self) -> int:
        return self.all_weights.shape[2]

    @property
    def keys(self) -> int:
        return self.all_weights.shape[3]

    def weights(self, start: int, stop: int) -> Tensor:
        return self.all_weights[:, :, start:stop].float()

    def visible(self, rows: Tensor) -> Tensor:
        # A weight of a key that is masked underflows to exactly 0.
        return (self.all_weights[0].amax(0).cpu() > 0)[rows].sum(0)


def _fused(
    rows: int,
    scratch: _Scratch,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> _Fused:
    """A call of the fused kernel in a layer that runs over `rows` rows."""
    if rows == 1 and query.shape[2] > 1:
        # With one row and grouped queries transformers lays the heads of a group out as rows.
        query = query.reshape(query.shape[0], -1, 1, query.shape[3])
        attn_mask = None if attn_mask is None else attn_mask[..., :1, :]
    if is_causal and query.shape[2] != key.shape[2]:
        raise ModelError("Causal attention over more keys than rows cannot be recorded.")
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    return _Fused(query, key, value, attn_mask, is_causal, factor, scratch)


class _Intercepted(BaseException):
    """Ends a module where it calls the fused kernel; no handler of errors is meant."""


class _Interceptor(TorchFunctionMode):
    """Intercepts the next call of the fused kernel, so that neither the kernel nor a capture around
    this one sees it."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self.call: _Fused | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            self.call = _fused(self._rows, _Scratch(), *args, **kwargs)
            raise _Intercepted
        return func(*args, **kwargs)


@torch.no_grad()
def attention_ahead(
    layer: Any, hidden: Tensor, arguments: Mapping[str, Any], rotary: bool
) -> AttentionCall:
    """The attention that a decoder layer would have on some states; the model is left
    unchanged.

    Args:
        layer: has an `input_layernorm` and a `self_attn`.
        hidden: [b, rows, d] as they enter it.
        arguments: what it would be called with besides; its KV cache is left alone.
        rotary: whether queries and keys get their rotary positions.

    Raises:
        ModelError: the layer is built in another way, or its attention cannot be captured.
    """
    if not hasattr(layer, "input_layernorm"):
        raise ModelError(
            "This model's layers are not built as the strategy needs, which looks ahead at their "
            "attention; use another strategy."
        )
    given = {name: value for name, value in arguments.items() if name not in CACHE_NAMES}
    given |= {"hidden_states": layer.input_layernorm(hidden), "use_cache": False}
    if not rotary:
        cosine, sine = given["position_embeddings"]
        given["position_embeddings"] = torch.ones_like(cosine), torch.zeros_like(sine)
    interceptor, output = _Interceptor(hidden.shape[1]), None
    try:
        with interceptor:
            # forward() and not a call, since a call would run the hooks of a recorder.
            output = layer.self_attn.forward(**given)
    except _Intercepted:
        assert interceptor.call is not None
        return interceptor.call
    weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
    if weights is None:
        raise ModelError(
            "The layer's attention, which this strategy decides from, could not be captured; "
            "load the model with sdpa or eager attention."
        )
    return _Eager(weights, None)


class AttentionCapture(TorchFunctionMode):
    """Inside it, the callback `on_call` gets each attention call of the layer being captured, as
    `(layer index, call)`."""

    def __init__(self, on_call: Callable[[int, AttentionCall], None]) -> None:
        super().__init__()
        self._layer: int | None = None
        self._rows = 0
        self._thread: int | None = None
        self._on_call = on_call
        self._scratch = _Scratch()

    def open(self, layer: int, rows: int) -> None:
        """Enter it in this thread, for a layer that is about to run over `rows` rows."""
        self.__enter__()
        self._thread = threading.get_ident()
        self.start(layer, rows)

    def close(self) -> None:
        """The layer is done, or failed; safe to call again."""
        if self._thread == threading.get_ident():
            self._thread = None
            self.pause()
            self.__exit__(None, None, None)

    def start(self, layer: int, rows: int) -> None:
        """Capture a layer that is about to run over `rows` rows."""
        self._layer, self._rows = layer, rows

    def pause(self) -> None:
        """Capture no layer until the next `start`."""
        self._layer = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention and self._layer is not None:
            self._capture_fused(*args, **kwargs)
        return func(*args, **kwargs)

    def _capture_fused(self, *args: Any, **kwargs: Any) -> None:
        with torch.no_grad():
            call = _fused(self._rows, self._scratch, *args, **kwargs)
            self._report(call, call.query.device)

    def capture_eager(self, weights: Tensor, value: Tensor | None) -> None:
        """Weights [b, h, queries, keys] that a layer returned."""
        if self._layer is not None:
            with torch.no_grad():
                self._report(_Eager(weights, value), weights.device)

    def _report(self, call: AttentionCall, device: torch.device) -> None:
        layer = self._layer
        assert layer is not None
        self._layer = None  # what the callback computes is not captured itself
        try:
            # Sums over thousands of weights need float32, whatever the model runs in.
            with torch.autocast(device.type, enabled=False):
                self._on_call(layer, call)
        finally:
            self._layer = layer


def check_attention(model: Any) -> None:
    """Raise ModelError unless the decoder's attention can be recorded."""
    kind = model.config.get_text_config(decoder=True)._attn_implementation
    if kind not in ("sdpa", "eager"):
        raise ModelError(
            "The weights of {kind!r} attention cannot be recorded; load the model with sdpa.",
            kind=kind,
        )


def capture_eager(
    hooks: ContextHooks, layers: Mapping[int, Any], capture: AttentionCapture
) -> None:
    """Pass the weights of layers (by index) that compute them themselves to the capture."""

    def pass_weights(layer: int, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
        if weights is None:
            return
        caches = getattr(cache_of(kwargs), "layers", None) or ()
        value = caches[layer].values if layer < len(caches) else None
        capture.capture_eager(weights, value)

    for index, layer in layers.items():
        hooks.after(layer.self_attn, partial(pass_weights, index))
