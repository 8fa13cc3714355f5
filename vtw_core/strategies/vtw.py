"""Visual Token Withdrawal (arXiv 2405.05803): all visual tokens leave before layer K."""

from dataclasses import dataclass
from typing import Any

from vtw_core.errors import InputError
from vtw_core.families.layout import Positions, TokenLayout, check_positions
from vtw_core.files.python_numbers import whole
from vtw_core.strategies.base import IntArray


@dataclass(frozen=True)
class VisualTokenWithdrawal:
    """Layers 0..K-1 see the image, layers K..L-1 do not.

    Attributes:
        k: K, first layer without visual tokens. K = L withdraws nothing; at K = 0 the decoder
            never sees the image.
        positions: position ids from layer K on. "keep": the tokens that stay keep those that
            they have with the image between them, so that dropping the image equals masking it.
            "repack": they are renumbered without gaps from the prompt's first position on, as if
            the image had never been there, and generated tokens count on from them; layers below
            K are untouched. With multimodal rope every axis gets the same number.

    Raises:
        InputError: k is not a whole number >= 0, or positions is neither of the two.
    """

    k: int
    positions: Positions = "keep"
    name = "vtw"

    def __post_init__(self) -> None:
        k = whole(self.k)
        if k is None or k < 0:
            raise InputError("K must be a whole number, 0 or more, not {k!r}.", k=self.k)
        object.__setattr__(self, "k", k)
        check_positions(self.positions)

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        return {"name": self.name, "k": self.k, "positions": self.positions}

    def check(self, layers: int) -> None:
        """Raise InputError if K is greater than the number of layers."""
        if self.k > layers:
            raise InputError(
                "K must be 0 to {layers}, the model's layers, not {k}.", layers=layers, k=self.k
            )

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """All before layer K, none from layer K on."""
        return alive if layer < self.k else alive[:0]
