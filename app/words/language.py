"""Which language the page speaks: that of the page a visitor is on, in every step of an answer.

Each language is a package with the same modules and names; ``app.words`` looks every word up in
the one that is spoken when it is asked for. So no word may be read at import.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Language:
    """One language of the page.

    Attributes:
        tag: for ``<html lang>`` (BCP 47).
        package: where its words are, beside this module.
        name: in the language itself.
        path: of its page, below the page's root; the first language has none.
    """

    tag: str
    package: str
    name: str
    path: str


FIRST = "en"
"""Spoken where none was chosen, as by programs."""
LANGUAGES = {
    "en": Language("en", "english", "English", ""),
    "zh": Language("zh-CN", "chinese", "中文", "zh"),
}
"""Code -> language; `FIRST` comes first."""

_spoken: ContextVar[str] = ContextVar("language", default=FIRST)


def current() -> str:
    """The code of the language that is spoken now."""
    return _spoken.get()


def language() -> Language:
    """The language that is spoken now."""
    return LANGUAGES[current()]


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language inside the ``with``, in this thread alone.

    Raises:
        KeyError: there is no such language.
    """
    if code not in LANGUAGES:
        raise KeyError(code)
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken(module: str, name: str) -> Any:
    """A word of a module of text, in the language that is spoken now.

    Raises:
        AttributeError: the module has no such name.
    """
    if name.startswith("__"):
        raise AttributeError(f"no word is called {name}")
    return getattr(import_module(f".{language().package}.{module}", __package__), name)


def in_language(code: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, speaking a language whoever calls it.

    A generator speaks it in every step, since Gradio runs each step in a context of its own. The
    signature stays to be read: Gradio looks for the event among the annotations.
    """
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def steps(*inputs: Any, **named: Any) -> Generator[Any, None, None]:
            answers = function(*inputs, **named)
            try:
                while True:
                    with speaking(code):
                        try:
                            answer = next(answers)
                        except StopIteration:
                            return
                    yield answer
            finally:
                with speaking(code):
                    answers.close()

        return steps

    @functools.wraps(function)
    def answered(*inputs: Any, **named: Any) -> Any:
        with speaking(code):
            return function(*inputs, **named)

    return answered
