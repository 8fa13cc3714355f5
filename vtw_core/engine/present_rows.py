"""Which rows of a batch of prompts are in a layer's input, or in its KV cache."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vtw_core.families.layout import IntArray, TokenLayout


@dataclass(frozen=True, eq=False)
class Present:
    """The prompt's rows in one layer's input, for p prompts.

    Attributes:
        positions: [p, n] positions in the prompt, ascending.
        dead: [p, n] which of them only fill up the batch.
    """

    positions: IntArray
    dead: NDArray[np.bool_]

    @classmethod
    def whole(cls, layouts: Sequence[TokenLayout]) -> "Present":
        """Every row of every prompt, padding too."""
        shape = (len(layouts), layouts[0].total)
        return cls(np.broadcast_to(np.arange(shape[1]), shape), np.zeros(shape, dtype=bool))

    @property
    def count(self) -> int:
        """n."""
        return self.positions.shape[1]

    def places_of(self, other: "Present") -> IntArray:
        """[p, m] where the positions of `other`, a part of these, are among these."""
        pairs = zip(self.positions, other.positions, strict=True)
        return np.stack([np.searchsorted(here, there) for here, there in pairs])

    def keep(self, kept: Sequence[IntArray]) -> "Present":
        """Only the positions `kept` of each prompt, and as many dead rows as it takes."""
        count = max(map(len, kept))
        positions = []
        for here, stay in zip(self.positions, kept, strict=True):
            # The first ones to fill up with are padding, which attention passes over anyway.
            filling = np.setdiff1d(here, stay)[: count - len(stay)]
            positions.append(np.union1d(stay, filling))
        dead = [~np.isin(p, stay) for p, stay in zip(positions, kept, strict=True)]
        return Present(np.stack(positions), np.stack(dead))
