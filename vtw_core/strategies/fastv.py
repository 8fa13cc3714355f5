"""FastV (arXiv 2403.06764): the visual tokens that get least attention leave before layer K."""

from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np

from vtw_core.errors import Sentence
from vtw_core.measures.budget import drop_at_budget
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.parameters import LAYERS, Published, parameter
from vtw_core.strategies.registry import register
from vtw_core.strategies.view import Decision, LayerView, Need

Ranking = Literal["last_token", "text_mean"]
RANKINGS: tuple[Ranking, ...] = get_args(Ranking)


@register
@dataclass(frozen=True)
class FastV(Strategy):
    """Before layer K, the share R of the visual tokens with the lowest attention leaves.

    The attention that decides is that of layer K - 1, the last one that sees every token: softmax
    weights, mean over heads.

    Attributes:
        k: K, 1 or more (the paper: 2 or 3); K = L drops nothing. None: the published 2 of 32,
            scaled to the model's depth (2 * L / 32, halves up, 1 at least).
        ratio: R, 0 to 1 (the paper: 0.25, 0.5, 0.75). Of v tokens, round(R * v) leave; of equal
            ones the later leave first.
        ranking: whose attention counts. "last_token": that of the prompt's last token (the
            released code). "text_mean": the mean over all text rows after the first visual token
            (the paper's text speaks of a mean over tokens). Of several images the later then get
            less, since rows between the images cannot see them.

    Raises:
        InputError: a parameter is out of range.
    """

    name = "fastv"
    summary = "before layer $K$ the `round(R v)` of $v$ visual tokens with the lowest score"
    paper = "arXiv 2403.06764"

    k: int | None = parameter(
        "whole", "K", "the first layer without those that leave", subject=Sentence("FastV's K"),
        default=Published(2, of=32, least=1), least=1, most=LAYERS,
        because=Sentence(" (the layer before it decides)"),
    )  # fmt: skip
    ratio: float = parameter(
        "real", "R", "share of the visual tokens that leaves", subject=Sentence("FastV's ratio"),
        default=0.5, least=0, most=1,
    )  # fmt: skip
    ranking: Ranking = parameter(
        "choice", "ranking", "whose attention ranks", default="last_token", choices=RANKINGS
    )

    def fitted_to(self, tokens: float, layers: int, visual: int) -> Self:
        """At its K, or an earlier one where that alone holds more, with the R that leaves as
        many."""
        k, ratio = drop_at_budget(tokens, self.value("k", layers), layers, visual, least=1)
        return replace(self, k=k, ratio=ratio)

    def needs(self, layers: int) -> dict[int, frozenset[Need]]:
        """Attention in layer K - 1, or nothing if nothing is dropped."""
        k = self.value("k", layers)
        rows = Need.LAST_ROW if self.ranking == "last_token" else Need.ATTENTION
        return {k - 1: frozenset({rows})} if k < layers and self.ratio else {}

    def decide(self, view: LayerView) -> Decision:
        """Before layer K the 1 - R that get most, in the order of the prompt."""
        if view.layer - 1 not in self.needs(view.layers):
            return Decision(view.alive)
        weights = view.attention.weights
        score = weights[-1] if self.ranking == "last_token" else weights.mean(axis=0)
        best_first = np.argsort(-score, kind="stable")
        stay = len(score) - round(self.ratio * len(score))
        return Decision(
            kept=np.sort(view.alive[best_first[:stay]]),
            scores={"attention": score},
            thresholds={"attention": float(score[best_first[stay - 1]])} if stay else {},
        )
