"""The one question the engine asks a strategy."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vtw_core.layout import TokenLayout

IntArray = NDArray[np.int64]


class Strategy(Protocol):
    """Says which visual tokens are present in each decoder layer.

    The engine asks once per layer and prefill, in order, just before the layer runs, and
    remembers the answer for decoding. A strategy may therefore decide from what happened in the
    layers before, and a token that has left cannot come back.
    """

    @property
    def name(self) -> str:
        """Short name, as on the command line."""
        ...

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        ...

    def check(self, layers: int) -> None:
        """Raise InputError unless the strategy fits a decoder of that many layers."""
        ...

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """Which visual tokens layer `layer` sees.

        Args:
            layer: 0-based decoder layer about to run.
            layout: the prompt's layout.
            alive: [a] positions of the visual tokens that the layer before saw, ascending.

        Returns:
            [b] positions, ascending, a subset of `alive`.
        """
        ...
