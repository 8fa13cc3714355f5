"""Controls that choose at random: what a method must beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vtw_core.errors import InputError
from vtw_core.families.layout import TokenLayout
from vtw_core.files.python_numbers import whole
from vtw_core.strategies.base import IntArray


def _seed(seed: Any) -> int:
    as_int = whole(seed)
    if as_int is None or as_int < 0:
        raise InputError("The seed must be a whole number, 0 or more, not {seed!r}.", seed=seed)
    return as_int


@dataclass(frozen=True)
class RandomDrop:
    """As many visual tokens in each layer as some other run had, chosen at random.

    One random order of all visual tokens is drawn; a layer sees the first of it, so that a token
    that left does not come back.

    Attributes:
        schedule: [L] visual tokens in each layer, not rising, such as the
            `visual_tokens_per_layer` of a run. Where a prompt has fewer, all stay.
        seed: the same seed, the same order.

    Raises:
        InputError: the schedule rises or is no list of counts, or the seed is no count.
    """

    schedule: tuple[int, ...]
    seed: int = 0
    name = "random"

    def __post_init__(self) -> None:
        is_list = isinstance(self.schedule, (Sequence, np.ndarray))
        counts = tuple(map(whole, self.schedule)) if is_list else (None,)
        if any(count is None or count < 0 for count in counts):
            raise InputError(
                "The schedule must be a list of whole numbers, the visual tokens of each layer, "
                "not {value!r}.",
                value=self.schedule,
            )
        object.__setattr__(self, "schedule", counts)
        if any(np.diff(self.schedule) > 0):
            raise InputError(
                "The schedule rises, but a token that has left cannot come back; give counts that "
                "fall or stay."
            )
        object.__setattr__(self, "seed", _seed(self.seed))

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        return {"name": self.name, "schedule": list(self.schedule), "seed": self.seed}

    def check(self, layers: int) -> None:
        """Raise InputError unless there is one count for each layer."""
        if len(self.schedule) != layers:
            raise InputError(
                "The schedule has {count} counts, the model {layers} layers; give one count for "
                "each layer.",
                count=len(self.schedule),
                layers=layers,
            )

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """The first of the random order."""
        order = np.random.default_rng(self.seed).permutation(layout.visual)
        return np.intersect1d(alive, order[: self.schedule[layer]])


@dataclass(frozen=True)
class RandomWithdrawal:
    """VTW's own control: before layer K as many random prompt tokens leave as VTW would withdraw.

    Visual tokens chosen at random would be no control of VTW, which withdraws all of them: it
    would be the same run. So any token may leave, text or visual, but the prompt's last one, whose
    row says the first word of the answer. The cost is that of VTW at this K.

    Attributes:
        k: K, as for VTW.
        seed: the same seed, the same tokens.

    Raises:
        InputError: k or the seed is no whole number >= 0.
    """

    k: int
    seed: int = 0
    name = "random"

    def __post_init__(self) -> None:
        k = whole(self.k)
        if k is None or k < 0:
            raise InputError("K must be a whole number, 0 or more, not {k!r}.", k=self.k)
        object.__setattr__(self, "k", k)
        object.__setattr__(self, "seed", _seed(self.seed))

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        return {"name": self.name, "k": self.k, "seed": self.seed, "tokens": "visual and text"}

    def check(self, layers: int) -> None:
        """Raise InputError if K is greater than the number of layers."""
        if self.k > layers:
            raise InputError(
                "K must be 0 to {layers}, the model's layers, not {k}.", layers=layers, k=self.k
            )

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """All: `tokens_kept` decides, over text and visual tokens."""
        return alive

    def tokens_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """All before layer K; from it on, so many fewer as there are visual tokens."""
        if layer < self.k:
            return alive
        order = np.random.default_rng(self.seed).permutation(layout.total - layout.padding - 1)
        return np.setdiff1d(alive, layout.padding + order[: len(layout.visual)])
