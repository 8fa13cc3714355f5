"""The command line's options for strategies; the page's controls are the same options."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, NoReturn, get_args

from vtw_core.errors import InputError
from vtw_core.families.layout import Positions
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.fastv import PUBLISHED_K, PUBLISHED_LAYERS, RANKINGS, FastV
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.strategies.method import Method
from vtw_core.strategies.mustdrop import (
    DEFAULT_PRESET,
    EQUAL_THRESHOLDS,
    PRESET_NAMES,
    MustDrop,
    VisionStage,
)
from vtw_core.strategies.random_drop import RandomDrop, RandomWithdrawal
from vtw_core.strategies.vtw import VisualTokenWithdrawal

STAGES = "abc"
_K_HELP = (
    "first layer without what leaves (vtw, fastv, random; fastv: default the published "
    f"{PUBLISHED_K} of {PUBLISHED_LAYERS}, scaled to the model's depth)"
)


def add_positions(parser: ArgumentParser) -> None:
    """Add --positions, which `explore` takes too."""
    parser.add_argument(
        "--positions",
        choices=get_args(Positions),
        help="position ids of what stays: as they were, or renumbered (default: keep)",
    )


def add_strategy_options(parser: ArgumentParser) -> None:
    """Add --strategy and what belongs to each strategy."""
    add = parser.add_argument
    add("--strategy", choices=tuple(_MAKERS), default="vtw", help="what leaves (default: vtw)")
    add("--k", type=int, help=_K_HELP)
    add("--ratio", type=float, help="share of the visual tokens that leaves (fastv; default 0.5)")
    add("--ranking", choices=RANKINGS, help="whose attention ranks (fastv; default last_token)")
    add("--schedule", help="visual tokens of each layer, such as 64,64,32,32 (random)")
    add("--drop-seed", type=int, help="which tokens leave (random; default 0)")
    add(
        "--preset", choices=PRESET_NAMES,
        help=f"published thresholds; a number: textvqa's (mustdrop; default {DEFAULT_PRESET})",
    )  # fmt: skip
    add("--gamma", type=float, help="global threshold (mustdrop)")
    add("--alpha", type=float, help="individual threshold (mustdrop)")
    add(
        "--tokens", type=float, help="find thresholds that leave so many, mean of layers (mustdrop)"
    )
    add("--stages", help="vision encoding a, prefill b, cache c (mustdrop; default abc)")
    add("--filters", help="filter layers, such as 2,6 (mustdrop; default: published, scaled)")


def strategy_from(arguments: Namespace) -> Strategy:
    """The strategy that was asked for; with --tokens its thresholds are still to be found.

    Raises:
        InputError: an option is missing, bad, or belongs to another strategy.
    """
    for option, owners in _OWNERS.items():
        if getattr(arguments, option) is not None and arguments.strategy not in owners:
            raise InputError(
                "--{option} belongs to --strategy {owners}; leave it out with {strategy}.",
                option=option.replace("_", "-"),
                owners=" or ".join(owners),
                strategy=arguments.strategy,
            )
    return _MAKERS[arguments.strategy](arguments)


_MOST_CHARACTERS = 2000  # a schedule of 100 layers takes 500


def method_from(asked: str) -> Method:
    """One method of a comparison: a strategy's name and its options, as `generate` takes them,
    such as "fastv --k 2 --ratio 0.75"; it is labelled by what was asked.

    Raises:
        InputError: as `strategy_from`, or there is no such strategy or option.
    """
    if not isinstance(asked, str) or len(asked) > _MOST_CHARACTERS:
        raise InputError(
            "--method must be text of at most {most} characters, such as 'vtw --k 8'.",
            most=_MOST_CHARACTERS,
        )
    parser = _Refusing(prog=f"--method {asked!r}", add_help=False)
    add_strategy_options(parser)
    add_positions(parser)
    try:
        words = shlex.split(asked)
    except ValueError as error:
        raise InputError("--method {asked!r} has a quote without its end.", asked=asked) from error
    if not words or words[0].startswith("-"):
        raise InputError(
            "--method {asked!r} must begin with a strategy, one of {names}.",
            asked=asked,
            names=", ".join(_MAKERS),
        )
    arguments = parser.parse_args(["--strategy", *words])
    return Method(" ".join(words), strategy_from(arguments), arguments.tokens)


class _Refusing(ArgumentParser):
    """A parser of a part of the command line, whose mistakes are the caller's to tell."""

    def error(self, message: str) -> NoReturn:
        raise InputError("{where}: {problem}.", where=self.prog, problem=" ".join(message.split()))


def _vtw(arguments: Namespace) -> Strategy:
    if arguments.k is None:
        raise InputError("--strategy vtw needs --k, the first layer without visual tokens.")
    return VisualTokenWithdrawal(arguments.k, arguments.positions or "keep")


def _fastv(arguments: Namespace) -> Strategy:
    ratio = 0.5 if arguments.ratio is None else arguments.ratio
    return FastV(arguments.k, ratio, arguments.ranking or "last_token")


def _random(arguments: Namespace) -> Strategy:
    seed = arguments.drop_seed or 0
    if (arguments.k is None) == (arguments.schedule is None):
        raise InputError(
            "--strategy random needs --schedule (visual tokens of each layer) or --k (as many "
            "random tokens, text too, as vtw would withdraw), not both."
        )
    if arguments.schedule is None:
        return RandomWithdrawal(arguments.k, seed)
    return RandomDrop(_counts("--schedule", arguments.schedule), seed)


def _mustdrop(arguments: Namespace) -> Strategy:
    pair = (arguments.gamma, arguments.alpha)
    if arguments.preset is not None and pair != (None, None):
        raise InputError("--preset brings its own --gamma and --alpha; give either.")
    if pair == (None, None):
        pair = _thresholds(arguments)
    if None in pair:
        raise InputError("--gamma and --alpha belong together; give both, or --preset.")
    stages = STAGES if arguments.stages is None else arguments.stages
    if not stages or set(stages) - set(STAGES):
        raise InputError(
            "--stages must be letters of {stages}, not {value!r}.", stages=STAGES, value=stages
        )
    if "c" in stages and "b" not in stages:
        raise InputError("Stage c cuts the cache to what stage b leaves; give --stages bc or abc.")
    return MustDrop(
        *pair,
        vision=VisionStage() if "a" in stages else None,
        prefill="b" in stages,
        cache="c" in stages,
        layers=None if arguments.filters is None else _counts("--filters", arguments.filters),
        positions=arguments.positions or "keep",
    )


def _thresholds(arguments: Namespace) -> tuple[float, float]:
    """Those of a preset, or, for --tokens alone, the proportion in which they are scaled."""
    if arguments.preset is None and arguments.tokens is not None:
        return EQUAL_THRESHOLDS
    chosen = MustDrop.preset(arguments.preset or DEFAULT_PRESET)
    return chosen.gamma, chosen.alpha


def _counts(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            "{option} must be whole numbers with commas between, such as 64,64,32, not {value!r}.",
            option=option,
            value=text,
        ) from None


_MAKERS: dict[str, Callable[[Any], Strategy]] = {
    "vtw": _vtw,
    "fastv": _fastv,
    "mustdrop": _mustdrop,
    "random": _random,
    "none": lambda arguments: KeepAll(),
}
_OWNERS = {
    "k": ("vtw", "fastv", "random"),
    "positions": ("vtw", "mustdrop"),
    "ratio": ("fastv",),
    "ranking": ("fastv",),
    "schedule": ("random",),
    "drop_seed": ("random",),
    **dict.fromkeys(("preset", "gamma", "alpha", "tokens", "stages", "filters"), ("mustdrop",)),
}
