"""Names for the axes of what a record holds, written where the field is annotated.

``kl: Annotated[FloatArray, Axes("L+1 T")]`` says that kl has two axes, whose lengths are L + 1 and
T. One name is one length in a whole result, however deep its parts are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vtw_core.errors import Sentence

_AXIS = re.compile(r"([A-Za-z_]\w*)?([+-]?\d+)?")


@dataclass(frozen=True)
class Axes:
    """The axes of an array or, from the outside in, of nested tuples.

    Attributes:
        names: one word for each axis: a name, a number, or both, such as "L+1".
        or_empty: whether all lengths may be 0 instead, for what is only sometimes recorded.
    """

    names: str
    or_empty: bool = False

    @cached_property
    def each(self) -> tuple[tuple[str, int], ...]:
        """(name, what is added to it) of each axis; the name is empty where it is a number."""
        found = [_AXIS.fullmatch(word) for word in self.names.split()]
        if not all(found):
            raise TypeError(f"{self.names!r} names no axes")
        return tuple((one[1] or "", int(one[2] or 0)) for one in found if one)


@dataclass(frozen=True)
class Count:
    """The number in this field is the length that others are named by."""

    name: str


@dataclass(frozen=True)
class Own:
    """Each value that is annotated by this has lengths of its own under these names."""

    names: str


class Lengths:
    """The lengths that names have been found to have.

    Args:
        above: those of the record around; None for the outermost.
        own: names that mean something else there.
    """

    def __init__(self, above: "Lengths | None" = None, own: str = "") -> None:
        self._above = above
        self._own = frozenset(own.split())
        self._known: dict[str, int] = {}

    def of(self, name: str) -> int | None:
        """The length of a name; None where it is not known yet."""
        return self._scope(name)._known.get(name)

    def learn(self, name: str, length: int) -> None:
        """Take the first length that a name is found to have for what it means."""
        self._scope(name)._known.setdefault(name, length)

    def fit(self, axes: Axes, shape: Sequence[int]) -> bool:
        """Whether a shape is that of the axes; names that are new take their lengths from it."""
        if axes.or_empty and not any(shape):
            return True
        if len(shape) != len(axes.each):
            return False
        for (name, more), length in zip(axes.each, shape, strict=True):
            if name:
                self.learn(name, length - more)
        return tuple(shape) == self.expected(axes)

    def expected(self, axes: Axes) -> tuple[int | None, ...]:
        """The shape that the axes stand for; None where a name is not known."""
        return tuple(_sum(self.of(name) if name else 0, more) for name, more in axes.each)

    def _scope(self, name: str) -> "Lengths":
        return self if self._above is None or name in self._own else self._above._scope(name)


def _sum(length: int | None, more: int) -> int | None:
    return None if length is None else length + more


def wrong_shape(
    path: str, axes: Axes, expected: Sequence[int | None], shape: Sequence[int] | None
) -> Sentence:
    """About a shape that is not the expected one; None for tuples of unequal lengths."""
    return Sentence(
        "{name} should have the shape [{axes}] = [{expected}], not [{shape}]",
        name=path,
        axes=", ".join(axes.names.split()),
        expected=", ".join("any" if one is None else str(one) for one in expected),
        shape="ragged" if shape is None else ", ".join(map(str, shape)),
    )


def shape_of(value: Any, most: int) -> tuple[int, ...] | None:
    """The lengths of an array's axes, or of at most so many of nested tuples; None if tuples beside
    each other differ."""
    if isinstance(value, np.ndarray):
        return value.shape
    if not most or not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    inner = {shape_of(one, most - 1) for one in value}
    if len(inner) > 1:
        return None
    below = inner.pop() if inner else (0,) * (most - 1)
    return None if below is None else (len(value), *below)
