"""Run a model, one token at a time, under a strategy.

The picture is encoded once (`prepare`) and reused by every run. Nothing of a run is visible
outside it: each runs in a `contextvars.Context` of its own, so a generator that is suspended
between two tokens leaves the caller's model plain, and may be resumed from another thread.
"""

import sys
import time
from collections.abc import Generator
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from vtw_core.engine.tower_recording import encode_recorded, requested_tower_layers
from vtw_core.engine.vision_merging import encode_merged
from vtw_core.engine.withdrawal import withdraw
from vtw_core.errors import InputError, ModelError
from vtw_core.families.layout import TokenLayout
from vtw_core.families.loaded import LoadedModel
from vtw_core.families.prompts import display_pieces
from vtw_core.files.python_numbers import whole
from vtw_core.hooks.layer_arguments import cache_argument
from vtw_core.measures.cost import (
    VTW_CONVENTION,
    flops_at_every_k,
    flops_per_layer_counts,
    kv_bytes_per_layer,
)
from vtw_core.results.generation import Generation
from vtw_core.results.sampling import GREEDY, Chooser, Sampling
from vtw_core.results.trace import Trace
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.keep_all import KeepAll


@dataclass(frozen=True, eq=False)
class Prepared:
    """One image and prompt, ready to be run any number of times.

    Attributes:
        input_ids: [1, prompt].
        layout: the prompt's layout.
        vision: what `mm_encoder_outputs={"image": ...}` takes.
        positions: position ids of the prompt, [1, prompt] or [axes, 1, prompt].
        extras: what else the model's forward pass over the prompt takes.
        encode_seconds: time of the vision tower and projector.
    """

    input_ids: Tensor
    layout: TokenLayout
    vision: Any
    positions: Tensor
    extras: dict[str, Tensor]
    encode_seconds: float

    def positions_after(self, start: int, stop: int) -> Tensor:
        """Position ids of the tokens `start` to `stop` - 1 after the prompt, like `positions`.

        They count on from the greatest position of the prompt; with multimodal rope that is less
        than the number of tokens.
        """
        first = int(self.positions.max()) + 1
        after = torch.arange(first + start, first + stop, device=self.positions.device)
        return after.expand(*self.positions.shape[:-1], -1)


@dataclass(frozen=True, eq=False)
class Step:
    """One generated token.

    Attributes:
        token_id: the token.
        logits: [vocabulary] float32 on the CPU, that it was chosen from.
        text: the whole answer so far, special tokens and leading white space left out.
        seconds: time of the forward pass after it (the prefill for the first).
        is_last: whether the answer ends here.
        stopped: whether it ends here by itself.
        trace: what each layer saw of the prompt.
    """

    token_id: int
    logits: NDArray[np.float32]
    text: str
    seconds: float
    is_last: bool
    stopped: bool
    trace: Trace

    @property
    def visual_tokens_per_layer(self) -> tuple[int, ...]:
        """[L] of the prefill."""
        return self.trace.visual_tokens_per_layer


def prepare(
    vlm: LoadedModel, image: Any, prompt: str, strategy: Strategy | None = None
) -> Prepared:
    """Process and encode an image and a prompt once.

    Args:
        strategy: if it begins in the vision encoder, the image is encoded under it, and the
            prompt has fewer image tokens; any other changes nothing here.

    Raises:
        InputError: see `LoadedModel.inputs`.
        ModelError: the strategy's vision stage does not fit the model.
    """
    inputs = vlm.inputs(image, prompt)
    layout = vlm.layout(inputs)
    positions = vlm.adapter.positions(vlm.model, inputs)
    prepared = Prepared(
        input_ids=inputs["input_ids"],
        layout=layout,
        vision=None,
        positions=positions,
        extras={name: inputs[name] for name in vlm.adapter.prompt_only if name in inputs},
        encode_seconds=0.0,
    )
    start = now(vlm)
    needed = () if strategy is None else requested_tower_layers(vlm.adapter, vlm.model, strategy)
    if strategy is not None and strategy.vision is not None:
        if needed:
            raise InputError(
                "{strategy} merges patches in the vision encoder, of which another strategy asks "
                "to be shown all; leave the vision stage out.",
                strategy=strategy.name,
            )
        merged = encode_merged(vlm.model, inputs, layout, strategy.vision)
        stayed = torch.as_tensor(merged.stayed, device=positions.device)
        prepared = replace(
            prepared,
            input_ids=prepared.input_ids[:, stayed],
            layout=merged.layout,
            vision=merged.vision,
            positions=positions[..., stayed]
            if strategy.positions == "keep"
            else positions[..., : len(stayed)],
        )
    elif needed:
        vision, layout = encode_recorded(vlm.adapter, vlm.model, inputs, layout, needed)
        prepared = replace(prepared, vision=vision, layout=layout)
    else:
        with torch.inference_mode():
            prepared = replace(prepared, vision=vlm.adapter.encode_image(vlm.model, inputs))
    return replace(prepared, encode_seconds=now(vlm) - start)


def check_limit(vlm: LoadedModel, prepared: Prepared, max_new_tokens: Any) -> int:
    """max_new_tokens, or InputError unless it is a whole number >= 1 that the context holds."""
    limit = whole(max_new_tokens)
    if limit is None:
        raise InputError(
            "max_new_tokens must be a whole number, not {value!r}.", value=max_new_tokens
        )
    # Merged patches leave their positions behind unless these are renumbered; count them too.
    length = prepared.layout.total + len(prepared.layout.absorbed)
    room = vlm.context - length
    if limit < 1:
        raise InputError("max_new_tokens must be at least 1, not {value}.", value=limit)
    if limit > room:
        raise InputError(
            "Image and prompt take {length} of the model's {context} tokens and leave room for "
            "an answer of {room}; shorten the prompt, or set max_new_tokens to at most {most}.",
            length=length,
            context=vlm.context,
            room=room,
            most=room,
        )
    return limit


def stream(
    vlm: LoadedModel,
    prepared: Prepared,
    strategy: Strategy,
    max_new_tokens: int,
    sampling: Chooser = GREEDY,
) -> Generator[Step, None, None]:
    """Generate under a strategy, one `Step` per token.

    Greedy sampling equals `model.generate(do_sample=False)` for models whose generation config
    asks for no logits processing (repetition penalty and the like); it ends at the generation
    config's end tokens. Closing the generator ends the run and leaves nothing behind.

    Raises:
        InputError: bad max_new_tokens, or the strategy does not fit the model.
    """
    max_new_tokens = check_limit(vlm, prepared, max_new_tokens)
    block = withdraw(vlm.model, strategy, prepared.layout)
    return decode_inside(block, vlm, prepared, new_cache(vlm), max_new_tokens, sampling)


def new_cache(vlm: LoadedModel) -> DynamicCache:
    """An empty KV cache for the decoder."""
    return DynamicCache(config=vlm.model.config.get_text_config(decoder=True))


def decode_inside(
    block: AbstractContextManager[Any],
    vlm: LoadedModel,
    prepared: Prepared,
    cache: DynamicCache,
    max_new_tokens: int,
    sampling: Chooser,
) -> Generator[Step, None, None]:
    """Generate with every forward pass, and nothing else, inside `block`, one `Step` per token."""
    context = copy_context()
    inside = context.run(block.__enter__)
    try:
        ends = end_tokens(vlm)
        ids: list[int] = []
        next_ids = prepared.input_ids
        for count in range(1, max_new_tokens + 1):
            start = now(vlm)
            logits = context.run(_forward, vlm, prepared, next_ids, count - 1, cache)
            check_finite(logits)
            token = int(sampling.choose(logits, count - 1))
            seconds = now(vlm) - start
            ids.append(token)
            stopped = token in ends
            yield Step(
                token_id=token,
                logits=logits.numpy(),
                text=answer_text(vlm, ids),
                seconds=seconds,
                is_last=stopped or count == max_new_tokens,
                stopped=stopped,
                trace=inside.trace(),
            )
            if stopped:
                return
            next_ids = torch.tensor([[token]], device=prepared.input_ids.device)
    finally:
        context.run(block.__exit__, *sys.exc_info())


def check_finite(logits: Tensor) -> None:
    """Raise ModelError where a logit is not finite, as after an overflow in float16."""
    if not torch.isfinite(logits).all():
        raise ModelError(
            "The model's logits are not finite; load it in float32, or fetch its weights again "
            "where it is."
        )


def answer_text(vlm: LoadedModel, ids: list[int]) -> str:
    """The text of an answer's tokens, special tokens and leading white space left out."""
    # Byte-level tokenizers keep the space between the prompt and the first word.
    return str(vlm.processor.tokenizer.decode(ids, skip_special_tokens=True)).lstrip()


def end_tokens(vlm: LoadedModel) -> frozenset[int]:
    """Ids that end an answer: the model's generation config's, or, if it names none, the
    tokenizer's."""
    ends = vlm.model.generation_config.eos_token_id
    if ends is None:
        ends = vlm.processor.tokenizer.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset([ends] if isinstance(ends, int) else ends)


@torch.inference_mode()
def _forward(vlm: LoadedModel, prepared: Prepared, ids: Tensor, after: int, cache: Any) -> Tensor:
    """Logits [vocabulary] float32 on the CPU after the last of `ids` [1, n].

    `ids` is the prompt (`after` = 0), or the token number `after` of the answer (from 1).
    Position ids are passed explicitly: transformers would count the first layer's cache, which
    is shorter than the sequence when K = 0.
    """
    total = prepared.layout.total
    if after == 0:
        positions, width = prepared.positions, total
        more = {**prepared.extras, "mm_encoder_outputs": {"image": prepared.vision}}
    else:
        positions, width = prepared.positions_after(after - 1, after), total + after
        more = {}
    output = vlm.model(
        input_ids=ids,
        attention_mask=ids.new_ones(1, width),
        position_ids=positions,
        use_cache=True,
        logits_to_keep=1,
        **cache_argument(vlm.model.get_decoder(), cache),
        **more,
    )
    return output.logits[0, -1].float().cpu()


def generate(
    vlm: LoadedModel,
    image: Any,
    prompt: str,
    strategy: Strategy | None = None,
    max_new_tokens: int = 32,
    sampling: Sampling = GREEDY,
) -> Generation:
    """One answer under one strategy (None: nothing withdrawn), with its cost.

    Raises:
        InputError: bad image, prompt, limit or strategy.
    """
    chosen: Strategy = KeepAll() if strategy is None else strategy
    chosen.check(vlm.layers)
    prepared = prepare(vlm, image, prompt, chosen)
    steps = list(stream(vlm, prepared, chosen, max_new_tokens, sampling))
    ids = [step.token_id for step in steps]
    layout, dims, trace = prepared.layout, vlm.dims, steps[0].trace
    text, patches = layout.total - len(layout.visual), len(layout.visual) + len(layout.absorbed)
    return Generation(
        model=vlm.name,
        strategy=chosen.described(vlm.layers),
        answer=steps[-1].text,
        tokens=display_pieces(ids, vlm.processor.tokenizer),
        token_ids=tuple(ids),
        stopped=steps[-1].stopped,
        logits=np.stack([step.logits for step in steps]),
        trace=trace,
        flops=prefill_flops(vlm, trace),
        flops_baseline=float(flops_at_every_k(dims, text, patches)[-1]),
        flops_convention=VTW_CONVENTION,
        kv_bytes=cache_bytes(vlm, trace),
        encode_seconds=prepared.encode_seconds,
        prefill_seconds=steps[0].seconds,
        decode_seconds=sum(step.seconds for step in steps[1:]),
    )


def prefill_flops(vlm: LoadedModel, trace: Trace) -> float:
    """Theoretical FLOPs of the prefill that left a trace, in VTW's convention."""
    return flops_per_layer_counts(vlm.dims, trace.tokens_per_layer)


def cache_bytes(vlm: LoadedModel, trace: Trace) -> int:
    """Bytes of the prompt's KV cache, as decoding reads it."""
    width = vlm.model.dtype.itemsize
    return sum(kv_bytes_per_layer(vlm.dims, n, width) for n in trace.cached_tokens_per_layer)


def now(vlm: LoadedModel) -> float:
    """Seconds on a monotonic clock, once the device has done what it was given."""
    if vlm.device.type == "cuda":
        torch.cuda.synchronize(vlm.device)
    return time.perf_counter()
