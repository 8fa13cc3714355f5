"""Cut visual tokens out of a running model: the only file that changes a forward pass.

`withdraw` puts a pre-hook on every decoder layer. The hooks act only in the context (PEP 567)
that entered the `with` block, so a plain run of the same model in another thread, at the same
time, is untouched; on leaving the block they are removed, whatever happened in it.

During the prefill a layer's input loses the rows of the tokens that left, and the same rows of
the rotary tables, position ids and mask. A layer never writes a withdrawn token into its KV
cache, so later caches are shorter; while decoding, the mask, which transformers builds for the
first layer's cache, is cut to the columns that a layer's cache really holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtw_core.errors import InputError, ModelError
from vtw_core.layout import TokenLayout
from vtw_core.models.adapters import decoder_layers
from vtw_core.models.support import check_support
from vtw_core.strategies.base import IntArray, Strategy

# Keyed by the identity of the layers' container, since one context may withdraw from several
# models. The mapping is replaced, never changed, so a copied context keeps its own view.
_ACTIVE: ContextVar[dict[int, "Withdrawal"]] = ContextVar("vtw_active_withdrawals")


@contextmanager
def withdraw(model: Any, strategy: Strategy, layout: TokenLayout) -> Iterator["Withdrawal"]:
    """Inside the block, `model` runs with the visual tokens that `strategy` keeps.

    Works for a forward pass and for `model.generate()` (greedy, sampling, beams), with the
    dynamic KV cache or none. The outputs of a pass over the prompt have rows only for the tokens
    that reached the last layer. The prompt must be run inside the block, in one piece; each
    sequence of the batch must be the prompt that `layout` describes, with anything behind it.

    A thread started inside the block has an empty context and runs the plain model; to make it
    take part, run it with `contextvars.copy_context().run`.

    Args:
        model: a transformers vision-language model of a supported family.
        strategy: what stays, for instance `VisualTokenWithdrawal(k)`.
        layout: the prompt's layout, from `TokenLayout.from_inputs`.

    Yields:
        The running `Withdrawal`, whose `kept` records what each layer saw.

    Raises:
        InputError: the strategy does not fit the model, or blocks are nested on one model.
        ModelError: the model is not supported, or runs in a way that cannot be followed (static
            cache, compiled, prompt in chunks, sliding window shorter than the prompt).
    """
    support = check_support(model)
    if not support.supported:
        raise ModelError(support.reason)
    layers = decoder_layers(model)
    strategy.check(len(layers))
    active = _ACTIVE.get({})
    if id(layers) in active and active[id(layers)].is_attached:
        raise InputError("This model is already inside a withdraw block; leave that one first.")
    withdrawal = Withdrawal(strategy, layout, layers, support.k_min)
    token = _ACTIVE.set({**active, id(layers): withdrawal})
    try:
        withdrawal.attach()
        yield withdrawal
    finally:
        withdrawal.detach()
        # A generator that holds this block may be closed from another context than it was
        # entered in. The stale entry there is harmless: its hooks are gone.
        with suppress(ValueError):
            _ACTIVE.reset(token)


class Withdrawal:
    """One `with withdraw(...)` block: its hooks, and what each layer of the last prefill saw.

    Attributes:
        kept: [layers reached][prompt tokens seen] positions in the prompt, ascending.
    """

    def __init__(self, strategy: Strategy, layout: TokenLayout, layers: Any, k_min: int) -> None:
        self.strategy = strategy
        self.layout = layout
        self.kept: list[IntArray] = []
        self._layers = layers
        self._k_min = k_min
        self._text = layout.text
        self._rows = 0  # rows of the running forward pass as it enters layer 0
        self._is_prefill = False
        self._handles: list[Any] = []

    def attach(self) -> None:
        """Register the hooks."""
        for index, layer in enumerate(self._layers):
            self._handles.append(
                layer.register_forward_pre_hook(self._make_hook(index), with_kwargs=True)
            )

    def detach(self) -> None:
        """Remove the hooks; safe to call again."""
        while self._handles:
            self._handles.pop().remove()

    @property
    def is_attached(self) -> bool:
        """Whether its hooks are on the model."""
        return bool(self._handles)

    @property
    def visual_tokens_per_layer(self) -> tuple[int, ...]:
        """[layers reached] visual tokens present in each layer of the last prefill."""
        return tuple(int(np.isin(kept, self.layout.visual).sum()) for kept in self.kept)

    def _make_hook(self, index: int) -> Any:
        # Another thread may have listed this hook just before it was removed, and torch then
        # calls it without kwargs; the default keeps that call harmless, since it can only come
        # from a context in which the hook is not active.
        def hook(module: Any, args: Any, kwargs: Any = None) -> Any:
            if _ACTIVE.get({}).get(id(self._layers)) is not self:
                return None
            return self._before_layer(index, args, kwargs)

        return hook

    def _before_layer(self, index: int, args: Any, kwargs: dict[str, Any]) -> Any:
        hidden = args[0] if args else kwargs["hidden_states"]
        if index == 0:
            self._begin(hidden.shape[1], kwargs.get("past_key_values"))
        if self._is_prefill:
            changed = self._prefill(index, hidden, kwargs)
        else:
            changed = self._decode(index, kwargs)
        if changed is None:
            return None
        hidden = changed.pop("hidden_states", hidden)
        if args:
            return (hidden, *args[1:]), {**kwargs, **changed}
        return args, {**kwargs, **changed, "hidden_states": hidden}

    def _begin(self, rows: int, cache: Any) -> None:
        """Layer 0 is about to run: is this the prompt, or what follows it?"""
        if torch.compiler.is_compiling():
            raise ModelError("Visual tokens cannot be withdrawn from a compiled model.")
        if getattr(cache, "is_compileable", False):
            raise ModelError("A static KV cache cannot lose tokens; use the dynamic cache.")
        past = cache.get_seq_length(0) if cache is not None else 0
        self._is_prefill = past == 0
        self._rows = rows
        if self._is_prefill:
            self.kept = []
            if rows < self.layout.total:
                raise ModelError(
                    f"The pass has {rows} rows, the prompt {self.layout.total}: the whole prompt "
                    "must be run at once, and be the one that the layout describes."
                )
        elif len(self.kept) < len(self._layers) or past < len(self.kept[0]):
            raise ModelError("The KV cache was filled outside the withdraw block.")

    def _keep(self, index: int) -> IntArray:
        """Prompt positions that layer `index` sees; asks the strategy once per prefill."""
        alive = self.kept[-1] if self.kept else np.arange(self.layout.total)
        visual = np.intersect1d(alive, self.layout.visual)
        chosen = np.intersect1d(self.strategy.visual_kept(index, self.layout, visual), visual)
        if index < self._k_min and len(chosen) < len(visual):
            raise InputError(f"This model takes K of {self._k_min} or more.")
        kept = alive if len(chosen) == len(visual) else np.union1d(self._text, chosen)
        self.kept.append(kept)
        return kept

    def _prefill(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Any:
        before = self.kept[-1] if self.kept else np.arange(self.layout.total)
        kept = self._keep(index)
        if len(kept) == self.layout.total:
            return None
        self._check_window(index, kwargs.get("past_key_values"))
        # Rows behind the prompt (a teacher-forced answer) always stay.
        behind = np.arange(self.layout.total, self._rows)
        rows = torch.as_tensor(np.concatenate([kept, behind]), device=hidden.device)
        changed = _cut_rows(kwargs, rows)
        if len(kept) < len(before):
            stay = np.concatenate([np.isin(before, kept), np.ones(len(behind), dtype=bool)])
            here = torch.as_tensor(np.flatnonzero(stay), device=hidden.device)
            changed["hidden_states"] = hidden.index_select(1, here)
        return changed

    def _decode(self, index: int, kwargs: dict[str, Any]) -> Any:
        """Keep the mask's columns of the prompt positions in this layer's cache, and the rest."""
        first, here = self.kept[0], self.kept[index]
        mask = kwargs.get("attention_mask")
        if mask is None or len(here) == len(first):
            return None
        width = _tensor_mask(mask).shape[-1]
        columns = np.concatenate(
            [np.flatnonzero(np.isin(first, here)), np.arange(len(first), width)]
        )
        picked = torch.as_tensor(columns, device=mask.device)
        return {"attention_mask": mask.index_select(-1, picked)}

    def _check_window(self, index: int, cache: Any) -> None:
        """A sliding window counts cache entries; with tokens gone it would reach too far back."""
        caches = getattr(cache, "layers", None) or []
        if index < len(caches) and getattr(caches[index], "is_sliding", False):
            window = getattr(caches[index], "sliding_window", 0)
            if window < self._rows:
                raise ModelError(
                    f"Layer {index} has a sliding window of {window} tokens, shorter than the "
                    f"sequence of {self._rows}; withdrawal would not be exact."
                )


def _tensor_mask(mask: Any) -> Tensor:
    if not isinstance(mask, Tensor):
        raise ModelError("This attention implementation's mask cannot be cut; use sdpa or eager.")
    return mask


def _cut_rows(kwargs: dict[str, Any], rows: Tensor) -> dict[str, Any]:
    """The prompt-long arguments of a decoder layer, reduced to `rows`.

    position_embeddings: (cos, sin), each [batch, rows, head_dim]; position_ids: [..., rows];
    attention_mask: [batch, heads, rows, columns], or [batch, columns] under flash attention.
    """
    changed: dict[str, Any] = {}
    if kwargs.get("position_embeddings") is not None:
        changed["position_embeddings"] = tuple(
            table.index_select(-2, rows) for table in kwargs["position_embeddings"]
        )
    if kwargs.get("position_ids") is not None:
        changed["position_ids"] = kwargs["position_ids"].index_select(-1, rows)
    if kwargs.get("attention_mask") is not None:
        mask = _tensor_mask(kwargs["attention_mask"]).index_select(-1, rows)
        changed["attention_mask"] = mask.index_select(-2, rows) if mask.ndim == 4 else mask
    return changed
