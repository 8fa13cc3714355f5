"""One grammar for methods: the same words on the command line, in the API and in an address.

    vtw:k=8    fastv:k=2,ratio=0.61    mustdrop:stages=bc,tokens=48    random:schedule=64,32,32,8

    mustdrop:tokens=48-then-vtw:k=8

A strategy's name, a colon, and options of the command line without their dashes; "-then-" puts
another strategy after it. The options themselves, as `generate` takes them, are read too:
"fastv --k 2 --ratio 0.61".
"""

import re
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, NoReturn

from vtw_core.errors import InputError
from vtw_core.strategies.base import THEN, Strategy
from vtw_core.strategies.method import WANTED_TOKENS, Method
from vtw_core.strategies.parameters import TOKENS, Parameter, Published
from vtw_core.strategies.registry import registered

_MOST_CHARACTERS = 2000  # a schedule of 100 layers takes 500
_TYPES: dict[str, type] = {"whole": int, "real": float}
_WORD = re.compile(r"(?P<name>[^:=,]+)(?::(?P<options>.*))?", re.DOTALL)
_NEXT_OPTION = re.compile(r",(?=[a-z][a-z-]*=)")


@dataclass(frozen=True)
class Option:
    """One option of the command line, of all strategies that have it.

    Attributes:
        flag: without its dashes.
        owners: name of a strategy -> what it says about the parameter.
    """

    flag: str
    owners: Mapping[str, Parameter]

    def add_to(self, parser: ArgumentParser) -> None:
        """Make a parser take it."""
        abouts = list(self.owners.values())
        choices: dict[str, None] = {}
        if abouts[0].kind == "choice":
            choices = dict.fromkeys(name for one in abouts for name in one.choices)
        parser.add_argument(
            f"--{self.flag}",
            type=_TYPES.get(abouts[0].kind, str),
            choices=tuple(choices) or None,
            help=self._help().replace("%", "%%"),
        )

    def _help(self) -> str:
        names_of: dict[str, list[str]] = {}
        for name, about in self.owners.items():
            names_of.setdefault(about.help, []).append(name + _default(about))
        return "; ".join(f"{words} ({', '.join(names)})" for words, names in names_of.items())


def _default(about: Parameter) -> str:
    if isinstance(about.default, Published):
        return f": default as published, {about.default.layers} of {about.default.of}, scaled"
    return "" if about.default_at(0) is None else f": default {about.default}"


def options() -> tuple[Option, ...]:
    """Every option of every strategy, each once."""
    owners: dict[str, dict[str, Parameter]] = {}
    for name, variants in registered().items():
        for one in variants:
            more = (WANTED_TOKENS,) if one.takes_tokens() else ()
            for about in (*one.parameters(), *more):
                owners.setdefault(about.flag, {}).setdefault(name, about)
    return tuple(Option(flag, of) for flag, of in owners.items())


def add_strategy_options(parser: ArgumentParser) -> None:
    """Add --strategy and what belongs to each strategy."""
    names = tuple(registered())
    parser.add_argument(
        "--strategy", choices=names, default="vtw", help="what leaves (default: vtw)"
    )
    for option in options():
        option.add_to(parser)


def add_positions(parser: ArgumentParser) -> None:
    """Add --positions, which `explore` takes too."""
    next(one for one in options() if one.flag == "positions").add_to(parser)


def method_of(arguments: Namespace) -> Method:
    """The method that the options of `add_strategy_options` ask for, labelled by its strategy.

    Raises:
        InputError: an option is missing, bad, or belongs to another strategy.
    """
    name, given = arguments.strategy, {}
    for option in options():
        value = getattr(arguments, option.flag.replace("-", "_"))
        if value is None:
            continue
        if name not in option.owners:
            raise InputError(
                "--{option} belongs to --strategy {owners}; leave it out with {strategy}.",
                option=option.flag,
                owners=" or ".join(option.owners),
                strategy=name,
            )
        given[option.flag] = option.owners[name].read(value)
    tokens = given.pop(TOKENS, None)
    return Method(name, _made(name, given, fitted=tokens is not None), tokens)


def _made(name: str, given: Mapping[str, Any], *, fitted: bool) -> Strategy:
    """The variant that takes all that is given, and needs no more."""
    variants = registered()[name]
    for one in variants:
        flags = {about.flag: about for about in one.parameters()}
        by_tokens = {flag: about.least for flag, about in flags.items() if about.given_by == TOKENS}
        all_given = {**by_tokens, **given} if fitted and one.takes_tokens() else given
        needed = {flag for flag, about in flags.items() if about.is_required}
        if needed <= set(all_given) <= set(flags):
            return one.from_options({flags[flag].name: all_given[flag] for flag in all_given})
    if len(variants) == 1:
        needs = " and ".join(f"--{about.flag}, {about.help}" for about in _required(variants[0]))
        raise InputError("--strategy {strategy} needs {options}.", strategy=name, options=needs)
    ways = " or ".join(
        " and ".join(f"--{about.flag} ({about.help})" for about in _required(one))
        for one in sorted(variants, key=lambda one: len(list(_required(one))))
    )
    raise InputError(
        "--strategy {strategy} needs {options}, not both.", strategy=name, options=ways
    )


def _required(strategy: type[Strategy]) -> Iterator[Parameter]:
    return (one for one in strategy.parameters() if one.is_required)


def method_from(asked: str) -> Method:
    """One method of a comparison, such as "fastv:k=2,ratio=0.75"; it is labelled by this text.

    Raises:
        InputError: as `method_of`, or there is no such strategy or option.
    """
    if not isinstance(asked, str) or len(asked) > _MOST_CHARACTERS:
        raise InputError(
            "--method must be text of at most {most} characters, such as 'vtw --k 8'.",
            most=_MOST_CHARACTERS,
        )
    try:
        words = shlex.split(asked)
    except ValueError as error:
        raise InputError("--method {asked!r} has a quote without its end.", asked=asked) from error
    if not words or words[0].startswith("-"):
        raise InputError(
            "--method {asked!r} must begin with a strategy, one of {names}.",
            asked=asked,
            names=", ".join(registered()),
        )
    parts = [words]
    if len(words) == 1:
        parts = [_taken_apart(asked, part) for part in words[0].split(THEN)]
    parser = _Refusing(prog=f"--method {asked!r}", add_help=False)
    add_strategy_options(parser)
    first, *after = (method_of(parser.parse_args(["--strategy", *part])) for part in parts)
    if any(one.tokens is not None for one in after):
        raise InputError(
            "--method {asked!r} can set only its first strategy to a number of tokens; leave "
            "tokens out of the others.",
            asked=asked,
        )
    strategy = reduce(Strategy.then, (one.strategy for one in after), first.strategy)
    return Method(" ".join(words), strategy, first.tokens)


def _taken_apart(asked: str, word: str) -> list[str]:
    """ "fastv:k=2,ratio=0.75" as a strategy and options of the command line."""
    found = _WORD.fullmatch(word)
    pairs = _NEXT_OPTION.split(found["options"]) if found and found["options"] else []
    if found is None or not all("=" in pair for pair in pairs):
        raise InputError(
            "--method {asked!r} must give each option as name=value, such as fastv:k=2,ratio=0.5.",
            asked=asked,
        )
    return [found["name"], *(f"--{pair}" for pair in pairs)]


class _Refusing(ArgumentParser):
    """A parser of a part of the command line, whose mistakes the caller reports."""

    def error(self, message: str) -> NoReturn:
        raise InputError("{where}: {problem}.", where=self.prog, problem=" ".join(message.split()))


def words_of(method: Method) -> str:
    """What `method_from` reads as the same strategy and tokens; defaults are left out."""
    return method.strategy.words(method.tokens)
