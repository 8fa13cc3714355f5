"""Methods as an address names them: in the words of the command line, "fastv:k=2,ratio=0.61".

Addresses of earlier versions had words of their own, such as "fastv-2-0.61", which are read too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vtw_core.errors import InputError
from vtw_core.results.run import Run
from vtw_core.strategies.words import method_from

from ..inputs.methods_choice import MOST_PANELS, Choice, default_choices

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,15})?"
_EARLIER = tuple(
    re.compile(one, re.ASCII)
    for one in (
        r"(?P<name>vtw)-(?P<k>[0-9]{1,6})",
        rf"(?P<name>fastv)-(?P<k>[0-9]{{1,6}})-(?P<ratio>{_NUMBER})(?:-(?P<ranking>[a-z_]+))?",
        rf"(?P<name>random)-(?P<k>[0-9]{{1,6}})-(?P<ratio>{_NUMBER})"
        r"(?:-(?P<drop_seed>[0-9]{1,6}))?",
        rf"(?P<name>mustdrop)-(?P<stages>[abc]+)-(?:(?P<tokens>{_NUMBER})"
        rf"|own-(?P<gamma>{_NUMBER})-(?P<alpha>{_NUMBER})|(?P<preset>[a-z]+-[0-9]+))",
    )
)


def written(choices: Sequence[Choice]) -> str:
    """The words of some methods, with spaces between them; numbers to six digits."""
    return " ".join(_short(choice).words for choice in choices)


def read_methods(value: str | None) -> tuple[Choice, ...] | None:
    """Undoes `written`; words that are none are forgotten. None when no word is left."""
    found = (_choice(word) for word in (value or "").split())
    return tuple(choice for choice in found if choice is not None)[:MOST_PANELS] or None


def completed(choices: Sequence[Choice], run: Run) -> tuple[Choice, ...]:
    """The same for this run, see `Choice.at`."""
    return tuple(choice.at(run) for choice in choices)


def beside(choices: Sequence[Choice], run: Run) -> list[Choice]:
    """One for each panel: these, and after them what panels that are not there stand at."""
    return [*choices, *default_choices(run)[len(choices) :]][:MOST_PANELS]


def _short(choice: Choice) -> Choice:
    options = {name: _rounded(value) for name, value in choice.options.items()}
    return replace(choice, options=options, tokens=_rounded(choice.tokens))


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _choice(word: str) -> Choice | None:
    """What a word says; None where no panel can be set to exactly that."""
    try:
        method = method_from(_in_words_of_now(word))
        choice = Choice.of(method)
        if choice is None or choice.strategy.from_options(choice.options) != method.strategy:
            return None
    except InputError:
        return None
    return choice


def _in_words_of_now(word: str) -> str:
    found = next((one for each in _EARLIER if (one := each.fullmatch(word))), None)
    if found is None:
        return word
    said = {flag.replace("_", "-"): value for flag, value in found.groupdict().items() if value}
    return f"{said.pop('name')}:" + ",".join(f"{flag}={value}" for flag, value in said.items())
