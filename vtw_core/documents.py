"""Read checked values out of a JSON document; TypeError or ValueError says what is wrong."""

from typing import Any

import numpy as np


def refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number a run can hold")


def expect(name: str, value: Any, kind: type[Any]) -> None:
    # bool is an int to isinstance, but True is no count.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{name} should hold {kind.__name__}.")
    if kind is int and not 0 <= int(value) < 2**63:
        raise ValueError(f"{name} holds a number out of range.")


def tuple_of(name: str, values: Any, kind: type) -> tuple[Any, ...]:
    expect(name, values, list)
    for value in values:
        expect(name, value, kind)
    return tuple(values)


def nested(name: str, values: Any, kind: type) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple_of(name, row, kind) for row in tuple_of(name, values, list))


def pair(name: str, values: Any) -> tuple[int, int]:
    pair = tuple_of(name, values, int)
    if len(pair) != 2:
        raise ValueError(f"{name} should hold two numbers.")
    return pair[0], pair[1]


def floats(name: str, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """An array of numbers; numpy alone would also take strings such as "1.5" and None."""
    array = np.array(values)
    if array.dtype.kind not in "fi" or array.dtype == object:
        raise TypeError(f"{name} should hold numbers.")
    return array.astype(np.float64)
