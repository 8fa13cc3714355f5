"""Sentences of `vtw_core` for a visitor, in the visitor's language.

The library speaks English and knows nothing of languages. The words of another language have a
module ``library`` whose ``SENTENCES`` map what the library says to a translation, such as "K must
be 0 to {layers}, not {k}.": a placeholder stands wherever a value does, under any name. One that is
called ``problem`` or ``what`` holds words of the library itself, which are translated too.

What no template fits is told as it is, so that no sentence is ever lost.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from string import Formatter

from .language import FIRST, LANGUAGES, current

# Placeholders that hold a sentence of the library, and the name it has for a thing.
_PROBLEM, _THING = "problem", "what"
# Far longer than any sentence; what a saved file says of itself may have any length.
_MOST_CHARACTERS = 2000
# How deep a sentence stands in another at most; a hostile one has no end of colons.
_DEEPEST = 4


def worded(said: object) -> str:
    """A sentence of the library, or an error that has one, in the language that is spoken."""
    sentence = str(said)
    if current() == FIRST or len(sentence) > _MOST_CHARACTERS:
        return sentence
    return _translation(sentence, current()) or sentence


def sentences(code: str) -> Mapping[str, str]:
    """English template -> its translation, of a language that is not the first."""
    found: Mapping[str, str] = import_module(
        f".{LANGUAGES[code].package}.library", __package__
    ).SENTENCES
    return found


def skeleton(template: str) -> str:
    """A template with the same mark for every value: two that are equal fit the same sentences."""
    parts = Formatter().parse(template)
    return "".join(words + ("" if name is None else "{}") for words, name, _, _ in parts)


@dataclass(frozen=True)
class _Template:
    """One sentence that the library can say.

    Attributes:
        fits: matches it, with a group for each value.
        translation: for `str.format`.
        words: of the sentence itself, the values left out.
    """

    fits: re.Pattern[str]
    translation: str
    words: str


@functools.cache
def _templates(code: str) -> tuple[_Template, ...]:
    """Those of most words first, since a sentence of few words fits others too."""
    made = []
    for english, translation in sentences(code).items():
        parts = list(Formatter().parse(english))
        pattern = "".join(
            re.escape(words) + (f"(?P<{name}>.*?)" if name else "") for words, name, _, _ in parts
        )
        words = "".join(words for words, _, _, _ in parts)
        made.append(_Template(re.compile(pattern, re.DOTALL), translation, words))
    return tuple(sorted(made, key=lambda one: -len(one.words)))


def _translation(sentence: str, code: str, deep: int = 0) -> str | None:
    if deep > _DEEPEST:
        return None
    for template in _templates(code):
        found = template.fits.fullmatch(sentence)
        if found is None:
            continue
        values = found.groupdict()
        for name in {_PROBLEM, _THING} & set(values):
            values[name] = _translation(values[name], code, deep + 1) or values[name]
        # "{where}: {problem}" without a known problem could be any sentence with a colon.
        if any(map(str.isalpha, template.words)) or values[_PROBLEM] != found[_PROBLEM]:
            return template.translation.format(**values)
    return None
