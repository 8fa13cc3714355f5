"""Arrays that measures and results hold."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def frozen(values: ArrayLike, dtype: type) -> NDArray[Any]:
    """A read-only copy, so that nobody who holds a result can change it."""
    array: NDArray[Any] = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array
