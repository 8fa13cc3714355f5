"""Visual Token Withdrawal (arXiv 2405.05803): all visual tokens leave before layer K."""

from dataclasses import dataclass, replace
from typing import Self

from vtw_core.families.layout import IntArray, Positions
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.parameters import LAYERS, TOKENS, parameter
from vtw_core.strategies.positions import positions_parameter
from vtw_core.strategies.registry import register
from vtw_core.strategies.view import LayerView


@register
@dataclass(frozen=True)
class VisualTokenWithdrawal(Strategy):
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

    name = "vtw"
    summary = "all visual tokens, before layer $K$"
    paper = "arXiv 2405.05803"

    k: int = parameter(
        "whole", "K", "the first layer without visual tokens", subject="K", least=0, most=LAYERS,
        given_by=TOKENS,
    )  # fmt: skip
    positions: Positions = positions_parameter()

    def fitted_to(self, tokens: float, layers: int, visual: int) -> Self:
        """At the K that leaves about as many."""
        return replace(self, k=min(max(round(tokens * layers / visual), 0), layers))

    def kept(self, view: LayerView) -> IntArray:
        """All before layer K, none from layer K on."""
        return view.alive if view.layer < self.k else view.alive[:0]
