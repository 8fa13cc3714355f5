"""What the answers of several methods show, as plain data: pure functions of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vtw_core.measures.answers import differing_words
from vtw_core.results.comparison import MethodComparison, MethodEntry

from ..state import ShownMethods
from ..words import methods as text
from ..words.digits import BYTES, FLOPS, mean_count, scaled, significant, three_digits
from ..words.library_words import worded
from .view import spaced


def title(entry: MethodEntry, visual: int) -> str:
    """A method with what sets it apart, in a few words.

    Args:
        visual: visual tokens of the baseline.
    """
    if entry.name not in text.TITLES:
        return text.BASELINE if entry.name == "none" else entry.label
    k, ratio = _drop_of(entry, visual)
    return text.TITLES[entry.name].format(
        k=k, ratio=ratio, seed=entry.strategy.get("seed", 0), stages=" ".join(stages_of(entry))
    )


def _drop_of(entry: MethodEntry, visual: int) -> tuple[int, float]:
    """K and R of a method that drops once; of random ones, from the tokens that its layers saw."""
    seen = entry.visual_tokens_per_layer
    k = next((layer for layer, count in enumerate(seen) if count < visual), len(seen))
    return entry.strategy.get("k", k), entry.strategy.get("ratio", 1 - seen[-1] / visual)


def stages_of(entry: MethodEntry) -> str:
    """Letters of the stages of MustDrop that ran; empty for another method."""
    said = entry.strategy
    on = {"a": said.get("vision") is not None, "b": said.get("prefill"), "c": said.get("cache")}
    return "".join(stage for stage in on if on[stage])


def show_methods(shown: ShownMethods) -> dict[str, Any]:
    """Every answer with what it cost, and in their places the methods that cannot run."""
    compared = shown.comparison
    if compared is None:
        return {"phase": "idle", "cards": []}
    cards = [_card(compared, entry) for entry in compared.everyone]
    for place, name, words, reason in shown.refused:
        cards.insert(place, _empty_card(name, words, _why_not(reason)))
    return {
        "phase": "done",
        "origin": text.ORIGINS[shown.origin].format(
            model=compared.model, date=compared.created[:10]
        ),
        "cards": cards,
    }


def show_comparing(
    message: str,
    fraction: float,
    titles: Sequence[tuple[str, str]] = (),
    texts: Mapping[int, str] = {},
    refused: Mapping[int, str] = {},
) -> dict[str, Any]:
    """A comparison on its way.

    Args:
        titles: (strategy's name, title) of the baseline and each method.
        texts, refused: by place in `titles`, the answers so far and why a method cannot run.
    """  # fmt: skip
    cards = []
    for place, (name, words) in enumerate(titles):
        waiting = _why_not(refused[place]) if place in refused else text.WAITS
        cards.append(_empty_card(name, words, waiting, texts.get(place, "")))
    return {
        "phase": "running",
        "progress": {"text": message, "fraction": fraction},
        "cards": cards,
    }


def show_notice(shown: ShownMethods, notice: str, *, is_error: bool = True) -> dict[str, Any]:
    """One sentence above what is there."""
    kind = "error" if is_error else "info"
    return {**show_methods(shown), "notice": {"kind": kind, "text": notice}}


def _why_not(reason: str) -> str:
    return text.REFUSED.format(reason=worded(reason))


def _empty_card(name: str, words: str, waiting: str, said: str = "") -> dict[str, Any]:
    pieces = [[said, True]] if said else []
    return {"name": name, "title": words, "pieces": pieces, "empty": waiting, "metrics": []}


def _card(compared: MethodComparison, entry: MethodEntry) -> dict[str, Any]:
    base = compared.baseline.answer
    return {
        "name": entry.name,
        "title": title(entry, compared.visual_tokens),
        "note": _note(compared, entry),
        "pieces": spaced(differing_words(base, entry.answer)),
        "empty": text.EMPTY,
        "same": "" if entry is compared.baseline else _same(compared, entry),
        "metrics": _metrics(compared, entry),
    }


def _same(compared: MethodComparison, entry: MethodEntry) -> str:
    return text.SAME if compared.same_answer(entry) else text.OTHER


def _note(compared: MethodComparison, entry: MethodEntry) -> str:
    said = entry.strategy
    k, ratio = _drop_of(entry, compared.visual_tokens)
    words = text.NOTES.get(entry.name, "").format(
        k=k, ratio=ratio, gamma=significant(said.get("gamma", 0.0)),
        alpha=significant(said.get("alpha", 0.0)),
        ranking=text.RANKING_WORDS.get(said.get("ranking", ""), ""),
    )  # fmt: skip
    wanted, got = entry.tokens_wanted, entry.mean_visual_tokens
    if wanted is not None:
        is_near = abs(got - wanted) <= max(1.0, 0.05 * wanted)
        template = text.NOTE_FITTED if is_near else text.NOTE_NEAREST
        words += template.format(wanted=mean_count(wanted), got=mean_count(got))
    if said.get("positions") == "repack":
        words += text.NOTE_REPACKED
    if entry.vision is not None:
        words += text.NOTE_VISION.format(
            patches=entry.vision.patches, tokens=entry.vision.tokens,
            merged=entry.vision.merged_windows, key=entry.vision.key_tokens,
        )  # fmt: skip
    return words


def _metrics(compared: MethodComparison, entry: MethodEntry) -> list[dict[str, Any]]:
    """Name, value, a note, and where it is a part of the baseline's, how long its bar is."""
    base = compared.baseline
    parts = (
        (text.METRIC_TOKENS, mean_count(entry.mean_visual_tokens),
         entry.mean_visual_tokens / compared.visual_tokens),
        (text.METRIC_FLOPS, scaled(entry.flops, FLOPS), compared.flops_share(entry)),
        (text.METRIC_KV, scaled(entry.kv_bytes, BYTES), compared.kv_share(entry)),
        (text.METRIC_PREFILL, milliseconds(entry.seconds.prefill),
         entry.seconds.prefill / base.seconds.prefill if base.seconds.prefill else 1.0),
    )  # fmt: skip
    shown: list[dict[str, Any]] = [
        {"name": name, "value": value, "note": text.OF_BASELINE.format(share=share), "share": share}
        for name, value, share in parts
    ]
    note = text.KL_NOTE.format(
        first=significant(entry.kl_first_token), most=significant(entry.kl_answer_max)
    )
    shown.append({"name": text.METRIC_KL, "value": significant(entry.kl_answer), "note": note})
    agrees = f"{entry.agreement:.0%}"
    shown.append({"name": text.METRIC_AGREES, "value": agrees, "note": text.AGREES_NOTE})
    return shown


def milliseconds(seconds: float) -> str:
    return f"{three_digits(seconds * 1000)} ms"
