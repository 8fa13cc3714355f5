"""FastV (arXiv 2403.06764): the visual tokens that get least attention leave before layer K."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from vtw_core.errors import InputError
from vtw_core.families.layout import TokenLayout
from vtw_core.files.python_numbers import real, whole
from vtw_core.results.trace import VisualAttention
from vtw_core.strategies.base import IntArray

Ranking = Literal["last_token", "text_mean"]
RANKINGS: tuple[Ranking, ...] = get_args(Ranking)
PUBLISHED_K, PUBLISHED_LAYERS = 2, 32
"""The paper's usual K, of LLaVA-1.5-7B; with it the ratio 0.5."""


@dataclass(frozen=True)
class FastV:
    """Before layer K, the share R of the visual tokens with the lowest attention leaves.

    The attention that decides is that of layer K - 1, the last one that sees every token: softmax
    weights, mean over heads.

    Attributes:
        k: K, 1 or more (the paper: 2 or 3); K = L drops nothing. None: the published 2 of 32,
            scaled to the model's depth (2 * L / 32, halves up, 1 at least).
        ratio: R, 0 to 1 (the paper: 0.25, 0.5, 0.75). Of v tokens, round(R * v) leave; of equal
            ones the later leave first.
        ranking: whose attention counts. "last_token": that of the prompt's last token (the
            released code). "text_mean": the mean over all text rows behind the first visual token
            (the paper's text speaks of a mean over tokens). Of several images the later then get
            less, since rows between the images cannot see them.

    Raises:
        InputError: a parameter is out of range.
    """

    k: int | None = None
    ratio: float = 0.5
    ranking: Ranking = "last_token"
    name = "fastv"

    def __post_init__(self) -> None:
        k = None if self.k is None else whole(self.k)
        ratio = real(self.ratio)
        if self.k is not None and (k is None or k < 1):
            raise InputError(
                "FastV's K must be a whole number, 1 or more (the layer before it decides), not "
                "{k!r}.",
                k=self.k,
            )
        if ratio is None:
            raise InputError(
                "FastV's ratio must be a number from 0 to 1, not {ratio!r}.", ratio=self.ratio
            )
        if not 0 <= ratio <= 1:
            raise InputError("FastV's ratio must be from 0 to 1, not {ratio}.", ratio=self.ratio)
        object.__setattr__(self, "k", k)
        object.__setattr__(self, "ratio", ratio)
        if self.ranking not in RANKINGS:
            raise InputError(
                "ranking must be one of {names}, not {value!r}.",
                names=", ".join(RANKINGS),
                value=self.ranking,
            )

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        return {"name": self.name, "k": self.k, "ratio": self.ratio, "ranking": self.ranking}

    def published(self, layers: int) -> dict[str, Any]:
        """K, and what it comes from, if it is the published one."""
        if self.k is not None:
            return {}
        of = f"{PUBLISHED_K} of {PUBLISHED_LAYERS} layers"
        return {"k": self.first(layers), "preset": f"K as published, {of}, scaled to {layers}"}

    def first(self, layers: int) -> int:
        """K in a decoder of so many layers."""
        if self.k is not None:
            return self.k
        return max(1, math.floor(PUBLISHED_K * layers / PUBLISHED_LAYERS + 0.5))

    def check(self, layers: int) -> None:
        """Raise InputError if K is greater than the number of layers."""
        if self.first(layers) > layers:
            raise InputError(
                "FastV's K must be 1 to {layers}, the model's layers, not {k}.",
                layers=layers,
                k=self.k,
            )

    def attention_layers(self, layers: int) -> tuple[int, ...]:
        """K - 1, or none if nothing is dropped."""
        k = self.first(layers)
        return (k - 1,) if k < layers and self.ratio else ()

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """All that are there: `kept_after` decides, once."""
        return alive

    def kept_after(self, attention: VisualAttention, layout: TokenLayout) -> IntArray:
        """The 1 - R that get most, in the order of the prompt."""
        weights = attention.weights
        score = weights[-1] if self.ranking == "last_token" else weights.mean(axis=0)
        best_first = np.argsort(-score, kind="stable")
        stay = len(score) - round(self.ratio * len(score))
        return np.sort(attention.columns[best_first[:stay]])
