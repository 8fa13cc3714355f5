"""What a panel asks of each strategy: the parameters that it describes, and how they are set."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from vtw_core.strategies.base import Strategy
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.strategies.method import WANTED_TOKENS
from vtw_core.strategies.parameters import TOKENS, Parameter
from vtw_core.strategies.registry import registered, strategy_class

from ..words import methods as text

SET_BY = "set by"
"""A parameter of the panel's own: which way those that can be given in several ways are given."""
OWN = "own"
"""The way in which each one is set by hand; the others are called as what gives the values."""


@functools.cache
def offered() -> Mapping[str, type[Strategy]]:
    """Name -> strategy, of all that a panel can be set to, those that the page has words for first.

    Asked when the page is built: what is registered later has no controls there.
    """
    known = [name for name in text.METHODS if name in registered()]
    others = [name for name in registered() if name not in {*known, KeepAll.name}]
    return {name: strategy_class(name) for name in (*known, *others)}


def strategy_named(name: Any) -> type[Strategy]:
    """The one that is offered under a name, a visitor's input; the first where there is none."""
    known = offered()
    return known[name] if isinstance(name, str) and name in known else next(iter(known.values()))


def ways(strategy: type[Strategy]) -> tuple[str, ...]:
    """The ways in which a strategy can be set, the first one first offered.

    A number of tokens is one only where trial runs find what leaves it; where counting does, it is
    turned into the parameters at once.
    """
    takes_trials = strategy.fitted_by is not Strategy.fitted_by
    givers = (one.given_by for one in strategy.parameters() if one.given_by not in (None, TOKENS))
    return (*((TOKENS,) if takes_trials else ()), *dict.fromkeys(map(str, givers)), OWN)


def asked(strategy: type[Strategy]) -> tuple[Parameter, ...]:
    """Everything that a panel asks of a strategy, in the order of the controls."""
    own, several = strategy.parameters(), ways(strategy)
    if len(several) == 1:
        return own
    of_ways = [one.name in several or one.given_by in several for one in own]
    place = of_ways.index(True) if True in of_ways else 0
    set_by = Parameter("choice", "", "", SET_BY, default=several[0], choices=several)
    tokens = (WANTED_TOKENS,) if TOKENS in several else ()
    return (*own[:place], set_by, *tokens, *own[place:])


def is_asked(strategy: type[Strategy], about: Parameter, way: str) -> bool:
    """Whether a parameter is asked for where the strategy is set in one of its ways."""
    if about.name in ways(strategy):
        return about.name == way
    return about.given_by is None or way not in (about.given_by, TOKENS)


@functools.cache
def layout() -> tuple[tuple[type[Strategy], Parameter], ...]:
    """Every control of a panel, after that for the strategy itself."""
    return tuple((one, about) for one in offered().values() for about in asked(one))


def shown(strategy: type[Strategy], way: str) -> list[bool]:
    """Which of the controls of `layout` belong to a strategy that is set in one of its ways."""
    return [one is strategy and is_asked(one, about, way) for one, about in layout()]


def label(strategy: type[Strategy], about: Parameter) -> str:
    """What stands over a control; without words of the page what the strategy says itself."""
    words: str | None = text.PARAMETERS.get(strategy.name, {}).get(about.flag)
    if words is not None:
        return words
    if about.name in text.ANY_PARAMETER:
        return str(text.ANY_PARAMETER[about.name])
    return text.PLAIN_PARAMETER.format(symbol=about.symbol, help=about.help)


def choice_labels(strategy: type[Strategy], about: Parameter) -> dict[str, str]:
    """Choice -> what it is called, of those that are offered: where the page has words for a
    parameter's choices, only those, since some are other names of the same."""
    words: Mapping[str, str] | None = text.CHOICES.get(strategy.name, {}).get(about.flag)
    if words is not None:
        return {one: words[one] for one in about.choices if one in words}
    plain = dict(text.WAYS) if about.name == SET_BY else {}
    givers = {one.name: label(strategy, one) for one in strategy.parameters()} if plain else {}
    return {one: plain.get(one) or givers.get(one) or one for one in about.choices}
