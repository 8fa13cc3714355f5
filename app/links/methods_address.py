"""Methods as an address names them: one word each, such as "fastv-2-0.61", with what fits it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vtw_core.measures.budget import withdrawn_mean
from vtw_core.results.run import Run

from ..inputs.methods_choice import MOST_PANELS, Choice, default_choices, default_k
from ..words import methods as text

_DECIMALS = 15
_NUMBER = rf"[0-9]{{1,6}}(?:\.[0-9]{{1,{_DECIMALS}}})?"
_WORDS = {
    "vtw": r"(?P<k>[0-9]{1,6})",
    "fastv": rf"(?P<k>[0-9]{{1,6}})-(?P<ratio>{_NUMBER})(?:-(?P<ranking>[a-z_]+))?",
    "random": rf"(?P<k>[0-9]{{1,6}})-(?P<ratio>{_NUMBER})(?:-(?P<seed>[0-9]{{1,6}}))?",
    "mustdrop": rf"(?P<stages>a?b?c?)-(?:(?P<tokens>{_NUMBER})"
    rf"|own-(?P<gamma>{_NUMBER})-(?P<alpha>{_NUMBER})|(?P<preset>[a-z]+-[0-9]+))",
}
_TYPES: dict[str, Callable[[str], Any]] = {
    "k": int, "ratio": float, "ranking": str, "seed": int, "stages": tuple, "tokens": float,
    "gamma": float, "alpha": float, "preset": str,
}  # fmt: skip
_READ = {name: re.compile(rf"{name}-{words}", re.ASCII) for name, words in _WORDS.items()}


def written(choices: Sequence[Choice]) -> str:
    """The words of some methods, with spaces between them; numbers to six digits."""
    return " ".join(_word(choice) for choice in choices)


def read_methods(value: str | None) -> tuple[Choice, ...] | None:
    """Undoes `written`; words that are none are forgotten. None when no word is left."""
    found = (_choice(word) for word in (value or "").split())
    return tuple(choice for choice in found if choice is not None)[:MOST_PANELS] or None


def completed(choices: Sequence[Choice], run: Run) -> tuple[Choice, ...]:
    """The same for this run: numbers that it does not have become the nearest it has, and what a
    word does not say is as on a page that opens."""
    k = default_k(run)
    tokens = withdrawn_mean(k, run.layers, run.visual_tokens)
    return tuple(_fitted(choice, k, tokens, run) for choice in choices)


def beside(choices: Sequence[Choice], run: Run) -> list[Choice]:
    """One for each panel: these, and behind them what panels that are not there stand at."""
    return [*choices, *default_choices(run)[len(choices) :]][:MOST_PANELS]


def _word(choice: Choice) -> str:
    if choice.name == "mustdrop":
        thresholds = {
            "tokens": _digits(choice.tokens),
            "own": f"own-{_digits(choice.gamma)}-{_digits(choice.alpha)}",
        }.get(choice.thresholds, choice.thresholds)
        return f"mustdrop-{''.join(choice.stages)}-{thresholds}"
    word = f"{choice.name}-{choice.k}"
    if choice.name == "vtw":
        return word
    word += f"-{_digits(choice.ratio)}"
    if choice.name == "fastv":
        return word if choice.ranking == Choice.ranking else f"{word}-{choice.ranking}"
    return f"{word}-{choice.seed}" if choice.seed else word


def _digits(value: float) -> str:
    return np.format_float_positional(float(f"{value:.6g}"), precision=_DECIMALS, trim="-")


def _choice(word: str) -> Choice | None:
    found = next((one for each in _READ.values() if (one := each.fullmatch(word))), None)
    if found is None:
        return None
    said = {name: value for name, value in found.groupdict().items() if value is not None}
    read: dict[str, Any] = {name: _TYPES[name](value) for name, value in said.items()}
    read["thresholds"] = read.pop("preset", "own" if "gamma" in read else "tokens")
    choice = Choice(word.partition("-")[0], **read)
    is_known = choice.ranking in text.RANKINGS and choice.thresholds in text.THRESHOLD_CHOICES
    return choice if is_known else None


def _fitted(choice: Choice, k: int, tokens: float, run: Run) -> Choice:
    if choice.name == "mustdrop":
        said = replace(choice, k=k)
        said = said if choice.thresholds == "tokens" else replace(said, tokens=tokens)
    else:
        said = replace(choice, tokens=tokens)
    return Choice.clamped(run, *said.values)
