"""Arrays that measures and results hold."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
# Kept in so many bits by a record; they may be given as any floating-point numbers.
SingleArray = Annotated[NDArray[np.floating[Any]], np.dtype(np.float32)]
HalfArray = Annotated[NDArray[np.floating[Any]], np.dtype(np.float16)]


def frozen(values: ArrayLike, dtype: type) -> NDArray[Any]:
    """A read-only copy, so that no holder of a result can change it."""
    array: NDArray[Any] = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array
