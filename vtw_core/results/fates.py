"""Why each visual token stayed or left, layer by layer: what a viewer of any strategy shows."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from numpy.typing import NDArray

from vtw_core.files.axes import Axes, Own
from vtw_core.files.serialization import freeze
from vtw_core.measures.arrays import BoolArray, FloatArray, IntArray, frozen

if TYPE_CHECKING:
    from vtw_core.results.trace import Trace

GONE, LEFT, STAYED = range(3)
"""Fates of every strategy; one that knows more reasons numbers them from STAYED on."""
REASONS = ("had left before", "left", "stayed")


@dataclass(frozen=True, eq=False)
class LayerFates:
    """One decision about v visual tokens, by n scores.

    Attributes:
        layer: the decoder layer after which it was made; -1: before the first.
        fate: [v] index into `reasons` of each visual token; GONE and LEFT are the same everywhere.
        reasons: what a fate's number stands for.
        names: of the scores, such as "share".
        scores: [n, v] what the strategy judged by; NaN where a token had left.
        thresholds: [n] what each score was compared with; NaN where against none.
    """

    layer: int
    fate: Annotated[NDArray[np.int8], Axes("v")] = field(repr=False)
    reasons: tuple[str, ...]
    names: Annotated[tuple[str, ...], Axes("n")]
    scores: Annotated[FloatArray, Axes("n v")] = field(repr=False)
    thresholds: Annotated[FloatArray, Axes("n")]

    def __post_init__(self) -> None:
        freeze(self)

    def score(self, name: str) -> FloatArray:
        """[v] the score of that name."""
        values: FloatArray = self.scores[self.names.index(name)]
        return values


OwnMap = Annotated[IntArray, Axes("rows cols"), Own("rows cols")]
OneDecision = Annotated[LayerFates, Own("n")]


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
            where nothing is given.
    """

    token_maps: tuple[OwnMap, ...] = field(repr=False)
    sizes: Annotated[IntArray, Axes("v")] = field(repr=False)
    key: Annotated[BoolArray, Axes("v")] = field(repr=False)
    decisions: tuple[OneDecision, ...]
    visual_tokens_per_layer: tuple[int, ...]
    cached_visual_tokens_per_layer: tuple[int, ...]
    images: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not any(self.images):
            object.__setattr__(self, "images", (0,) * len(self.token_maps))
        maps = tuple(frozen(one, np.int64) for one in self.token_maps)
        object.__setattr__(self, "token_maps", maps)
        freeze(self)

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

    def left_after(self) -> IntArray:
        """[v] the layer after which each token left, of the decisions that had a score; L for
        one that stayed."""
        left = np.full(len(self.sizes), len(self.visual_tokens_per_layer))
        for one in self.decisions:
            left[one.fate == LEFT] = one.layer
        return left
