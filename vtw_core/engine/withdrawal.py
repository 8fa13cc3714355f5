"""Drop visual tokens from a running model: the only file that changes a decoder's forward pass.

`withdraw` puts a pre-hook on every decoder layer. The hooks act only in the context (PEP 567)
that entered the `with` block, so a plain run of the same model in another thread, at the same
time, is untouched; on leaving the block they are removed, whatever happened in it. What
`torch.compile` made of the model would pass over them, so the model runs uncompiled meanwhile.

During the prefill a layer's input loses the rows of the tokens that left, and the same rows of
the rotary tables, position ids and mask. A layer never writes a withdrawn token into its KV
cache, so later caches are shorter; while decoding, the mask, which transformers builds for the
first layer's cache, is built again for what a layer's cache really holds. What a strategy needs of
some layers is captured while they run (vtw_core.engine.layer_views).

In a batch the prompts may lose different numbers of tokens. The longest of what stays gives the
length; a shorter prompt is filled up with rows of its own that had to leave. These dead rows
only keep the tensors rectangular: no other row attends to them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtw_core.engine.batch_rows import BatchRows
from vtw_core.engine.decision import decided
from vtw_core.engine.forward_check import ForwardArguments
from vtw_core.engine.kv_caches import check_window, reduce_cache
from vtw_core.engine.layer_views import LayerRecorder
from vtw_core.engine.present_rows import Present
from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.families.layout import IntArray, TokenLayout
from vtw_core.families.support import check_support
from vtw_core.hooks.attention_calls import AttentionCall, attention_ahead, check_attention
from vtw_core.hooks.layer_arguments import PROMPT_LONG, Cut, RotaryCall, cache_of, tensor_mask
from vtw_core.hooks.scoped import ContextHooks, context_hooks, owners_here
from vtw_core.hooks.tensor_parallel import Heads
from vtw_core.results.fates import LayerFates
from vtw_core.results.trace import Trace
from vtw_core.strategies.base import Strategy


@contextmanager
def withdraw(
    model: Any, strategy: Strategy, layout: TokenLayout | Sequence[TokenLayout]
) -> Iterator["Withdrawal"]:
    """Inside the block, `model` runs with the visual tokens that `strategy` keeps.

    Works for a forward pass and for `model.generate()` (greedy, sampling, beams), with the
    dynamic KV cache or none; a compiled model runs uncompiled. The outputs of a pass over the
    prompt have rows only for the tokens that reached the last layer. The prompt must be run
    inside the block, in one piece; each sequence of the batch must be the prompt that `layout`
    describes, with any text after it. Further turns may follow on the KV cache that the prompt
    left, as new tokens by hand or by `model.generate(past_key_values=...)` (which at K = 0 counts
    a shorter cache and is refused).

    A thread started inside the block has an empty context and runs the plain model; to make it
    take part, as for streaming, run it with `contextvars.copy_context().run`. A block that ends
    without a prompt having run inside it warns.

    Args:
        model: a transformers vision-language model of a supported family.
        strategy: what stays, for instance `VisualTokenWithdrawal(k)`.
        layout: the prompt's layout, from `TokenLayout.from_inputs`; for a batch of different
            prompts one layout per row, from `TokenLayout.batch_from_inputs`.

    Yields:
        The running `Withdrawal`, whose `kept` records what each layer saw.

    Raises:
        InputError: the strategy does not fit the model, or blocks are nested on one model.
        ModelError: the model is not supported, or runs in a way that cannot be followed (static
            cache, prompt in chunks, assisted decoding, sliding window shorter than the sequence,
            another prompt than the layout's); or nothing ran inside the block, and another thread
            ran the model outside of it.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile(model) wraps
    support = check_support(model)
    if not support.supported:
        raise ModelError.of(support.reason)
    layouts = (layout,) if isinstance(layout, TokenLayout) else tuple(layout)
    if len({one.total for one in layouts}) != 1:
        raise InputError(
            "The layouts of a batch must have one length; use TokenLayout.batch_from_inputs."
        )
    layers = decoder_layers(model)
    strategy.check(len(layers))
    if strategy.starts_in_encoder and not all(one.is_encoded for one in layouts):
        raise InputError(
            "This strategy begins in the vision encoder, which this prompt's image has already "
            "passed: take prompt and layout from "
            "vtw_core.engine.generation.prepare(vlm, image, prompt, strategy), or leave that "
            "stage out with vision=None."
        )
    refuse_nesting(model)
    withdrawal = Withdrawal(strategy, layouts, model, support.k_min)
    if withdrawal.recorder.needs_attention:
        check_attention(model)
    with context_hooks(withdrawal) as hooks:
        hooks.uncompiled(model, model.get_decoder())
        withdrawal.attach(hooks, model)
        try:
            yield withdrawal
        finally:
            withdrawal.recorder.close()
    hooks.check_acted("withdraw")


def withdrawal_here(model: Any) -> "Withdrawal | None":
    """The withdraw block on this model that the caller's context is inside of."""
    layers = decoder_layers(model)
    for one in owners_here():
        if isinstance(one, Withdrawal) and one.is_of(layers):
            return one
    return None


def refuse_nesting(model: Any) -> None:
    """Raise InputError inside a withdraw block on the same model."""
    if withdrawal_here(model) is not None:
        raise InputError("This model is already inside a withdraw block; leave that one first.")


class Withdrawal:
    """One `with withdraw(...)` block: its hooks, and what each layer of the last prefill saw.

    Attributes:
        kept: [layers reached][prompts][prompt tokens seen] positions in the prompt, ascending.
        cached: the same of the KV caches, which a strategy may reduce after the prefill.
        decisions: [prompts] why, wherever the strategy judged by scores.
    """

    def __init__(
        self,
        strategy: Strategy,
        layouts: Sequence[TokenLayout],
        model: Any,
        k_min: int,
    ) -> None:
        decoder = model.get_decoder()
        self.strategy = strategy
        self.layouts = layouts
        self.kept: list[tuple[IntArray, ...]] = []
        self.cached: list[tuple[IntArray, ...]] = []
        self.decisions: list[list[LayerFates]] = [[] for _ in layouts]
        count = len(decoder.layers)
        self.recorder = LayerRecorder(strategy.needs(count), layouts, Heads.of(model), count)
        self._reduced = strategy.reduced_cache(count)
        self._total = layouts[0].total
        self._decoder = decoder
        self._layers = decoder.layers
        self._k_min = k_min
        self._arguments = ForwardArguments(model)
        self._batch = BatchRows(layouts, 1, "sdpa")  # of the running prompt
        self._repacks = strategy.positions == "repack"
        self._present: list[Present] = []
        self._in_cache: list[Present] = []  # like `_present`, but for caches that were reduced
        self._rows = 0  # rows of the running forward pass as it enters layer 0
        self._after = 0  # rows after the prompt that earlier passes left in the cache
        self._is_prefill = False
        self._rotary_calls: list[RotaryCall] = []
        self._cuts: list[Cut] = []
        self._last: Tensor | None = None  # [..., batch] position ids of the last row so far
        self._start = torch.empty(0)  # [batch] position id of each prompt's first token

    def attach(self, hooks: ContextHooks, model: Any) -> None:
        """Put the hooks on the model."""
        self._arguments.attach(hooks, model)
        for index, layer in enumerate(self._layers):
            hooks.before(layer, partial(self._before_layer, index))
        hooks.after(self._decoder.rotary_emb, self._after_rotary)
        self.recorder.attach(hooks, self._layers)
        if self._reduced:
            hooks.after(self._layers[-1], self._after_last)

    def is_of(self, layers: Any) -> bool:
        """Whether it acts on these layers."""
        return self._layers is layers

    def positions(self, index: int, keys: int) -> IntArray:
        """[keys] positions of the keys that layer `index` attends to in the running pass over a
        single prompt."""
        present = self._in_cache[index].positions[0]
        return np.concatenate([present, self._total + np.arange(keys - len(present))])

    @property
    def drops_text(self) -> bool:
        """Whether text may leave too."""
        return self.strategy.drops_text

    @property
    def visual_tokens_per_layer(self) -> tuple[int, ...]:
        """[layers reached] visual tokens in each layer of the last prefill, all prompts'."""
        return tuple(
            sum(
                int(np.isin(one, layout.visual).sum())
                for one, layout in zip(kept, self.layouts, strict=True)
            )
            for kept in self.kept
        )

    def trace(self, prompt: int = 0) -> Trace:
        """What the last prefill decided about one prompt."""
        return Trace(
            layout=self.layouts[prompt].bare,
            kept=tuple(layer[prompt] for layer in self.kept),
            cached=tuple(layer[prompt] for layer in self.cached),
            attention=self.recorder.attention(prompt),
            decisions=tuple(self.decisions[prompt]),
        )

    def _after_rotary(self, args: Any, kwargs: dict[str, Any], tables: Any) -> None:
        """Remember how the decoder calls for its rotary tables, to repeat the call."""
        self._rotary_calls.append(RotaryCall(self._decoder.rotary_emb, args, kwargs, tables))

    def _before_layer(self, index: int, args: Any, kwargs: dict[str, Any]) -> Any:
        hidden = args[0] if args else kwargs["hidden_states"]
        if index == 0:
            self._start_prefill(hidden, cache_of(kwargs))
        changed = (
            self._prefill(index, hidden, kwargs)
            if self._is_prefill
            else self._decode(index, hidden, kwargs)
        )
        if index == len(self._layers) - 1:
            self._rotary_calls.clear()
            self._cuts.clear()
            self.recorder.end()
            self._after += self._rows - (self._total if self._is_prefill else 0)
            if self._is_prefill and self._is_cut(self._present[-1]):
                self._arguments.check_rows_left()
        if changed is not None:
            hidden = changed.pop("hidden_states", hidden)
        if self._is_prefill:
            present, kept = self._present[index], self.kept[index]
            self.recorder.before(index, hidden, present, kept, cache_of(kwargs))
        if changed is None:
            return None
        if args:
            return (hidden, *args[1:]), {**kwargs, **changed}
        return args, {**kwargs, **changed, "hidden_states": hidden}

    def _start_prefill(self, hidden: Tensor, cache: Any) -> None:
        """Layer 0 is about to run: is this the prompt, or what follows it?"""
        if torch.compiler.is_compiling():
            raise ModelError(
                "Visual tokens cannot be withdrawn from a compiled model, whose shapes are fixed; "
                "run it without torch.compile."
            )
        if getattr(cache, "is_compileable", False):
            raise ModelError(
                "A static KV cache has room for every token in every layer and cannot lose any; "
                "use the dynamic cache."
            )
        batch, rows = hidden.shape[:2]
        past = cache.get_seq_length(0) if cache is not None else 0
        self._is_prefill = past == 0
        self._rows = rows
        if batch % len(self.layouts):
            raise ModelError(
                "The batch has {batch} sequences, which {layouts} layouts do not fit; give one "
                "layout per prompt.",
                batch=batch,
                layouts=len(self.layouts),
            )
        if self._is_prefill:
            self.kept, self._present = [], []
            self.decisions = [[] for _ in self.layouts]
            self.recorder.start()
            self.cached, self._in_cache = self.kept, self._present
            self._after = 0
            copies = batch // len(self.layouts)
            attention = self._decoder.config._attn_implementation
            self._batch = BatchRows(self.layouts, copies, attention)
            if rows < self._total:
                raise ModelError(
                    "The pass has {rows} rows, the prompt {total}: the whole prompt must be run "
                    "at once, and be the one that the layout describes.",
                    rows=rows,
                    total=self._total,
                )
            self._arguments.check_prompt(self.layouts, batch, rows)
            if self._reduced and rows > self._total:
                raise ModelError(
                    "Rows after the prompt would see what the strategy takes out of the KV cache "
                    "after the prefill: run the prompt alone, then token by token with use_cache "
                    "on; or switch off the strategy's reduction of the cache."
                )
        elif len(self.kept) < len(self._layers) or past != self._in_cache[0].count + self._after:
            raise ModelError(
                "The KV cache was filled outside the withdraw block, or cut as assisted decoding "
                "does: run the prompt inside, and generate without an assistant or prompt lookup."
            )
        else:
            self._arguments.check_after(self._total)
        self._follow_positions(batch)

    def _follow_positions(self, batch: int) -> None:
        """The rows' position ids must count on, or the cache holds something that they do not."""
        ids = self._rotary_calls[-1].position_ids
        if self._is_prefill:
            one = ids.reshape(-1, *ids.shape[-2:])[0].expand(batch, -1)
            starts = self._batch.spread(self._batch.padding, ids.device)
            self._start = one.gather(1, starts)[:, 0]
        elif self._last is not None and not (
            bool((ids[..., 0] == self._last + 1).all()) and bool((ids.diff() == 1).all())
        ):
            raise ModelError(
                "The position ids do not count on from the token before: pass the new tokens alone "
                "and their position_ids (at K = 0 transformers counts a shorter cache), and do not "
                "take tokens back, as assisted decoding does."
            )
        self._last = ids[..., -1]

    def _keep(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Present:
        """Prompt positions that layer `index` sees; asks the strategy once per prefill."""
        if self.kept:
            before, here = self.kept[-1], self._present[-1]
        else:
            before = tuple(np.union1d(one.text, one.visual) for one in self.layouts)
            here = Present.whole(self.layouts)
        attend = partial(self._attend, index, hidden, here, kwargs)
        views = self.recorder.views(index, hidden, here, before, attend)
        answers = [decided(self.strategy, view, self._k_min) for view in views]
        kept = tuple(stay for stay, _ in answers)
        for of_prompt, (_, why) in zip(self.decisions, answers, strict=True):
            of_prompt += why
        if any(len(now) < len(then) for now, then in zip(kept, before, strict=True)):
            here = here.keep(kept)
            self._cuts.clear()
        self.kept.append(kept)
        self._present.append(here)
        return here

    def _attend(
        self, index: int, hidden: Tensor, here: Present, kwargs: dict[str, Any], rotary: bool
    ) -> AttentionCall:
        """The attention that layer `index` would have on the rows `here`."""
        changed = self._cut_arguments(here, kwargs, hidden.device) if self._is_cut(here) else {}
        return attention_ahead(self._layers[index], hidden, {**kwargs, **changed}, rotary)

    @property
    def _length(self) -> int:
        """Positions so far, those of the running pass included."""
        return self._rows + (0 if self._is_prefill else self._total + self._after)

    def _is_cut(self, present: Present) -> bool:
        return present.count < self._total or bool(present.dead.any())

    def _prefill(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Any:
        before = self._present[-1] if self._present else None
        here = self._keep(index, hidden, kwargs)
        if not self._is_cut(here):
            return None
        check_window(index, cache_of(kwargs), self._length)
        changed = self._cut_arguments(here, kwargs, hidden.device)
        if before is None or here is not before:
            places = here.positions if before is None else before.places_of(here)
            count = self._total if before is None else before.count
            index_here = self._with_rows_after(places, count)
            changed["hidden_states"] = self._batch.pick(
                hidden, torch.as_tensor(index_here, device=hidden.device), 1, 0
            )
        return changed

    def _cut_arguments(self, here: Present, kwargs: dict[str, Any], device: Any) -> dict[str, Any]:
        """The prompt-long arguments of a layer for the rows `here`; layers of one pass that are
        given the same ones share the cut."""
        whole = tuple(map(kwargs.get, PROMPT_LONG))
        for cut in self._cuts:
            if all(one is other for one, other in zip(cut.whole, whole, strict=True)):
                return dict(cut.changed)
        # Rows after the prompt (a teacher-forced answer) always stay.
        rows = self._with_rows_after(here.positions, self._total)
        changed = self._batch.cut(kwargs, torch.as_tensor(rows, device=device))
        changed["attention_mask"] = self._batch.blind_to_dead(
            changed.get("attention_mask"), here, rows, device
        )
        if self._repacks:
            after = self._rows - self._total
            changed |= self._renumbered(kwargs, here, np.arange(after))
        self._cuts.append(Cut(whole, changed))
        return dict(changed)

    def _with_rows_after(self, places: IntArray, count: int) -> IntArray:
        """[p, n + after]: `places`, and the rows from `count` on that follow the prompt."""
        after = np.arange(count, count + self._rows - self._total)
        return np.concatenate([places, np.broadcast_to(after, (len(places), len(after)))], axis=1)

    def _decode(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Any:
        """Rows after the prompt, whose mask must match what this layer's cache holds."""
        here, whole = self._in_cache[index], self._total + self._after + self._rows
        mask = kwargs.get("attention_mask")
        # The mask was built for the first layer's cache, which may have been reduced.
        misfit = self._reduced and mask is not None and tensor_mask(mask).shape[-1] != whole
        if not self._is_cut(here) and not misfit:
            return None
        check_window(index, cache_of(kwargs), self._length)
        changed: dict[str, Any] = {}
        if mask is not None or here.dead.any():
            changed["attention_mask"] = self._batch.mask_after(
                mask, here, self._after, self._rows, hidden.device
            )
        if self._repacks and self._is_cut(self._present[index]):
            # Counted on from the prefill, whose numbers the cached keys bear.
            after = self._after + np.arange(self._rows)
            changed |= self._renumbered(kwargs, self._present[index], after)
        return changed

    def _after_last(self, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """After the prefill, take out of earlier caches what the last layer no longer saw."""
        cache = cache_of(kwargs)
        if not self._is_prefill or cache is None:
            return
        self.cached, self._in_cache = list(self.kept), list(self._present)
        stay = self.kept[-1]
        for index in self._reduced:
            if all(len(now) == len(then) for now, then in zip(stay, self.kept[index], strict=True)):
                continue
            before = self._present[index]
            here = before.keep(stay)
            places = before.places_of(here)
            reduce_cache(index, cache.layers[index], places, before.count, self._batch.pick)
            self.cached[index], self._in_cache[index] = stay, here

    def _renumbered(self, kwargs: dict[str, Any], here: Present, after: IntArray) -> dict[str, Any]:
        """Rotary tables and position ids of the rows, counted without gaps.

        after: [m] rows after the prompt, counted from it. In a prefill the prompt's own rows
        come first, while decoding (the cache holds them already) they are left out.
        """
        alive = ~here.dead
        later = alive.sum(axis=1, keepdims=True) + after
        own = np.where(alive, alive.cumsum(axis=1) - 1, 0)
        numbers = np.concatenate([own, later], axis=1) if self._is_prefill else later
        ids = self._batch.spread(numbers, self._start.device) + self._start[:, None]
        tables = kwargs["position_embeddings"]
        call = next(call for call in self._rotary_calls if call.tables is tables)
        changed: dict[str, Any] = {"position_embeddings": call.again(ids)}
        own_ids = kwargs.get("position_ids")
        if own_ids is not None:
            changed["position_ids"] = ids.expand(*own_ids.shape[:-2], -1, -1)
        return changed
