"""Questions about how many visual tokens there are, and what they cost."""

from __future__ import annotations

import math

from vtw_core.measures.budget import withdrawn_mean
from vtw_core.results.run import Run

from ..inputs.methods_choice import default_k
from ..words import lesson as text
from .question import Question, choose, choose_number

LIKE_PREFILL = 1.0
"""Decoding that gains at least this part of what the prefill gains gains as much."""
HARDLY = 0.5
"""... and less than this part is hardly anything."""


def visual_tokens(run: Run) -> tuple[Question, ...]:
    """How many tokens does the picture become?"""
    rows, cols = run.grid
    width, height = run.image_size
    counts = (1, run.text_tokens, run.visual_tokens, width * height)
    template = text.ONE_GRID if rows * cols == run.visual_tokens else text.SEVERAL_GRIDS
    because = template.format(
        rows=rows, cols=cols, visual=run.visual_tokens, words=run.text_tokens,
        prompt=run.prompt_tokens, share=run.visual_tokens / run.prompt_tokens,
    )  # fmt: skip
    numbers = {f"{count:,}": float(count) for count in counts}
    return (
        choose_number(text.HOW_MANY_TOKENS, numbers, f"{run.visual_tokens:,}", because),
    )  # fmt: skip


def cost_of_a_layer(run: Run) -> tuple[Question, ...]:
    """What does it save to let the image leave halfway?"""
    k, flops = halfway(run), run.flops
    saved, most = 1 - flops[k] / flops[-1], 1 - flops[0] / flops[-1]
    numbers = {f"{share:.0%}": float(share) for share in (saved / 2, saved, most)}
    ask = text.WHAT_IS_SAVED.format(k=k, layers=run.layers)
    because = text.SAVED.format(
        ratio=flops[-1] / flops[0], without=run.layers - k, layers=run.layers, saved=saved,
        most=most,
    )  # fmt: skip
    return (choose_number(ask, numbers, f"{saved:.0%}", because),)


def halfway(run: Run) -> int:
    return run.layers // 2


def whole_answer_k(run: Run) -> int:
    """K* by the worst token of the answer."""
    return run.choose_k(scope="answer_max")


def what_is_not_saved(run: Run) -> tuple[Question, ...]:
    """Does decoding get as much faster as the prefill?"""
    k = whole_answer_k(run)
    seconds = run.seconds
    prefill = seconds.prefill[k] / seconds.prefill[-1]
    decode = run.decode_seconds_per_token[k] / run.decode_seconds_per_token[-1]
    ask = text.IS_DECODING_FASTER.format(k=k, saved=1 - run.flops[k] / run.flops[-1])
    values = {
        "k": k, "prefill": prefill, "decode": decode, "encode": seconds.encode_image * 1000,
        "visual": run.visual_tokens, "words": run.text_tokens,
    }  # fmt: skip
    if math.isnan(decode):
        return (choose(ask, text.DECODING_CHOICES, 2, text.NO_DECODING.format(**values)),)
    gain, of_prefill = 1 - decode, 1 - prefill
    right = 0 if gain >= LIKE_PREFILL * of_prefill else 1 if gain >= HARDLY * of_prefill else 2
    return (choose(ask, text.DECODING_CHOICES, right, text.NOT_SAVED[right].format(**values)),)


def budget_of_both(run: Run) -> tuple[Question, ...]:
    """How many visual tokens does a layer see on average: the budget that every method gets?"""
    k = default_k(run)
    mean = withdrawn_mean(k, run.layers, run.visual_tokens)
    counts = {mean, float(run.visual_tokens), run.visual_tokens - mean, mean / 2}
    numbers = {f"{count:.0f}": count for count in counts}
    ask = text.MEAN_OF_VTW.format(k=k, layers=run.layers, visual=run.visual_tokens)
    because = text.OTHER_ANSWER.format(
        k=k, layers=run.layers, visual=run.visual_tokens, mean=mean, without=run.layers - k
    )  # fmt: skip
    return (choose_number(ask, numbers, f"{mean:.0f}", because),)
