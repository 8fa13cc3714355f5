"""Every strategy by its name: those of this package, and those that others register."""

import functools
import pkgutil
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

import vtw_core.strategies
from vtw_core.errors import InputError, first_line
from vtw_core.strategies.base import Chain, Strategy

S = TypeVar("S", bound=Strategy)
GROUP = "vtw_core.strategies"
"""The entry point group under which an installed package names modules of strategies."""
_known: dict[str, tuple[type[Strategy], ...]] = {}


def register(strategy: type[S]) -> type[S]:
    """Make a strategy known to the command line, to the words of methods and to the page.

    Put it above the class, outermost. A name may be registered again by the same class of the
    same module (a module that is loaded again); further classes of one name are its variants.

    Raises:
        InputError: an option of it is of another kind elsewhere, or it cannot be told from another
            variant.
    """
    others = tuple(one for one in _known.get(strategy.name, ()) if not _is_again(one, strategy))
    for other in others:
        if _required(other) == _required(strategy):
            raise InputError(
                "The strategies {other} and {one} have the same name, {strategy}, and the same "
                "required parameters; rename one.",
                other=other.__name__,
                one=strategy.__name__,
                strategy=strategy.name,
            )
    kinds = {
        about.flag: about.kind
        for variants in _known.values()
        for one in variants
        for about in one.parameters()
    }
    for about in strategy.parameters():
        if kinds.get(about.flag, about.kind) != about.kind:
            raise InputError(
                "--{option} of {strategy} is another kind of value than that option of "
                "another strategy; give it another flag.",
                option=about.flag,
                strategy=strategy.name,
            )
    _known[strategy.name] = (*others, strategy)
    return strategy


def registered() -> Mapping[str, tuple[type[Strategy], ...]]:
    """Name -> its variants, in the order of the names."""
    _load()
    return dict(sorted(_known.items()))


def strategy_class(name: str) -> type[Strategy]:
    """The strategy of a name; of several variants the first.

    Raises:
        InputError: there is none.
    """
    known = registered()
    if name not in known:
        raise InputError(
            "There is no strategy {name!r}; choose of {names}.",
            name=name,
            names=", ".join(known),
        )
    return known[name][0]


def strategy_of(description: Mapping[str, Any]) -> Strategy:
    """The strategy that describes itself in this way: undoes `Strategy.describe`, and
    `Strategy.described` too, whose scaled parameters are then given.

    Raises:
        InputError: there is no such strategy, or its parameters are others.
    """
    name = str(description.get("name"))
    if name == Chain.name:
        parts = [description.get(part) for part in ("first", "then")]
        first, second = (strategy_of(part if isinstance(part, Mapping) else {}) for part in parts)
        return Chain(first, second)
    strategy_class(name)
    variants = registered()[name]
    fitting = [one for one in variants if set(one.field_names()) <= set(description)]
    chosen = max(fitting or variants[:1], key=lambda one: len(one.field_names()))
    strategy = chosen.from_description(description)
    unknown = set(description) - set(strategy.describe()) - {"preset"}
    if unknown:
        raise InputError(
            "The strategy {strategy} has no {names}.",
            strategy=name,
            names=", ".join(sorted(unknown)),
        )
    return strategy


def load_plugin(module: str) -> None:
    """Import a module that registers strategies.

    Raises:
        InputError: it cannot be imported.
    """
    here = str(Path.cwd())
    sys.path.append(here)  # of a program that is installed, the folder is not among them
    try:
        import_module(module)
    except Exception as error:
        raise InputError(
            "The plugin {name!r} cannot be imported: {problem}; give a Python module that is "
            "installed or in this folder.",
            name=module,
            problem=first_line(error),
        ) from error
    finally:
        sys.path.remove(here)


@functools.cache
def _load() -> None:
    for found in pkgutil.walk_packages(vtw_core.strategies.__path__, "vtw_core.strategies."):
        import_module(found.name)
    for entry in entry_points(group=GROUP):
        load_plugin(entry.module)


def _is_again(one: type[Strategy], other: type[Strategy]) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _required(strategy: type[Strategy]) -> set[str]:
    return {one.name for one in strategy.parameters() if one.is_required}
