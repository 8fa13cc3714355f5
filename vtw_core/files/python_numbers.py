"""Numbers of any library (NumPy's, a tensor's) as Python's own, which JSON and == know."""

import operator
from numbers import Real
from typing import Any

import numpy as np


def whole(value: Any) -> int | None:
    """The value as an int; None where it is no whole number."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def real(value: Any) -> float | None:
    """The value as a float, a whole one as an int; None where it is no number."""
    as_int = whole(value)
    if as_int is not None:
        return as_int
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else None
