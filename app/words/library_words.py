"""Sentences of `vtw_core` for a visitor, in the visitor's language.

The library speaks English and knows nothing of languages, but keeps the template of what it says
and the values apart (`vtw_core.errors.Sentence`). The words of another language have a module
``library`` whose ``SENTENCES`` map each template to its translation, with the same fields.

What has no translation is told as it is, so that no sentence is ever lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from vtw_core.errors import Sentence, VTWError

from .language import FIRST, LANGUAGES, current


def worded(said: str | VTWError) -> str:
    """A sentence of the library, or an error that has one, in the language that is spoken.

    A text that is no `Sentence`, as one that was read from a file, is looked up as a whole.
    """
    if isinstance(said, VTWError):
        said = said.sentence
    if current() == FIRST:
        return str(said)
    return _translated(
        said if isinstance(said, Sentence) else Sentence.whole(said), sentences(current())
    )


def sentences(code: str) -> Mapping[str, str]:
    """English template -> its translation, of a language that is not the first."""
    found: Mapping[str, str] = import_module(
        f".{LANGUAGES[code].package}.library", __package__
    ).SENTENCES
    return found


def _translated(said: Sentence, known: Mapping[str, str]) -> str:
    """The sentence, and those that stand in it, in the words that are known."""
    return known.get(said.template, said.template).format(
        **{
            name: _translated(value, known) if isinstance(value, Sentence) else value
            for name, value in said.values.items()
        }
    )
