"""Why each visual token stayed or left, layer by layer: what a viewer of any strategy shows."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from vtw_core.families.layout import IntArray
from vtw_core.measures.arrays import frozen

if TYPE_CHECKING:
    from vtw_core.results.trace import Trace

GONE, LEFT, STAYED = range(3)
"""Fates of every strategy; one that knows more reasons numbers them from STAYED on."""
REASONS = ("had left before", "left", "stayed")


@dataclass(frozen=True, eq=False)
class LayerFates:
    """One decision about v visual tokens, by n scores.

    Attributes:
        layer: the decoder layer behind which it was made; -1: before the first.
        fate: [v] index into `reasons` of each visual token; GONE and LEFT are the same everywhere.
        reasons: what a fate's number stands for.
        names: of the scores, such as "share".
        scores: [n, v] what the strategy judged by; NaN where a token had left.
        thresholds: [n] what each score was held against; NaN where against none.
    """

    layer: int
    fate: NDArray[np.int8] = field(repr=False)
    reasons: tuple[str, ...]
    names: tuple[str, ...]
    scores: NDArray[np.float64] = field(repr=False)
    thresholds: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "fate", frozen(self.fate, np.int8))
        object.__setattr__(self, "scores", frozen(self.scores, np.float64))
        object.__setattr__(self, "thresholds", frozen(self.thresholds, np.float64))

    def score(self, name: str) -> NDArray[np.float64]:
        """[v] the score of that name."""
        values: NDArray[np.float64] = self.scores[self.names.index(name)]
        return values


@dataclass(frozen=True, eq=False)
class TokenFates:
    """Every decision of one prefill, for v visual tokens.

    Attributes:
        token_maps: [grids][rows, cols] index of each patch's token; `fate[token_map]` is a map of
            fates over the patches.
        sizes: [v] patches in each token.
        key: [v] whether a vision stage says that the token must stay.
        decisions: in the order of the layers; those that had a score to decide by.
        visual_tokens_per_layer: [L] in the prefill.
        cached_visual_tokens_per_layer: [L] that decoding attends to.
        images: [grids] which image of the prompt each map shows, counted from 0; the first one
            where nothing is said.
    """

    token_maps: tuple[IntArray, ...] = field(repr=False)
    sizes: IntArray = field(repr=False)
    key: NDArray[np.bool_] = field(repr=False)
    decisions: tuple[LayerFates, ...]
    visual_tokens_per_layer: tuple[int, ...]
    cached_visual_tokens_per_layer: tuple[int, ...]
    images: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not any(self.images):
            object.__setattr__(self, "images", (0,) * len(self.token_maps))
        maps = tuple(frozen(one, np.int64) for one in self.token_maps)
        object.__setattr__(self, "token_maps", maps)
        object.__setattr__(self, "sizes", frozen(self.sizes, np.int64))
        object.__setattr__(self, "key", frozen(self.key, np.bool_))

    @classmethod
    def of(cls, trace: "Trace") -> Self:
        """What was decided in the run that left a trace."""
        layout = trace.layout
        return cls(
            token_maps=layout.token_maps,
            sizes=layout.sizes,
            key=np.isin(layout.visual, () if layout.key is None else layout.key),
            decisions=trace.decisions,
            visual_tokens_per_layer=trace.visual_tokens_per_layer,
            cached_visual_tokens_per_layer=trace.cached_visual_tokens_per_layer,
            images=layout.images,
        )

    @property
    def merged_windows(self) -> int:
        """Windows that became one token (a vision stage)."""
        return int((self.sizes > 1).sum())

    def left_behind(self) -> IntArray:
        """[v] the layer behind which each token left, of the decisions that had a score; L for
        one that stayed."""
        left = np.full(len(self.sizes), len(self.visual_tokens_per_layer))
        for one in self.decisions:
            left[one.fate == LEFT] = one.layer
        return left
