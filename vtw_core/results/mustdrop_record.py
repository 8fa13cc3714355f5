"""Why each patch stayed or fell, stage by stage, for a stage viewer."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from vtw_core.families.layout import IntArray
from vtw_core.files.axes import Axes, Own
from vtw_core.files.forms import freeze
from vtw_core.measures.arrays import BoolArray, FloatArray, frozen
from vtw_core.results.trace import Trace
from vtw_core.strategies.mustdrop.strategy import MustDrop

GONE, FELL, KEPT_BOTH, KEPT_GLOBAL, KEPT_INDIVIDUAL, PROTECTED = range(6)
FATES: tuple[str, ...] = (
    "had left before",
    "fell: below both thresholds",
    "stayed: at or over both thresholds",
    "stayed: its share of all attention is gamma or more",
    "stayed: one text row gives it alpha or more",
    "below both thresholds, but in the key set",
)
"""What a fate's number stands for."""


@dataclass(frozen=True, eq=False)
class FilterRecord:
    """One run of the dual-attention filter.

    Attributes:
        layer: the decoder layer behind which it ran.
        fate: [v] index into `FATES` of each visual token.
        share: [v] its part of all attention that the text gives the image; NaN where it had left.
        peak: [v] the most that one text row gives it; NaN where it had left.
    """

    layer: int
    fate: Annotated[NDArray[np.int8], Axes("v")] = field(repr=False)
    share: Annotated[FloatArray, Axes("v")] = field(repr=False)
    peak: Annotated[FloatArray, Axes("v")] = field(repr=False)

    def __post_init__(self) -> None:
        freeze(self)


OwnMap = Annotated[IntArray, Axes("rows cols"), Own("rows cols")]


@dataclass(frozen=True, eq=False)
class MustDropRecord:
    """All stages of one prefill, for v visual tokens.

    Attributes:
        token_maps: [grids][rows, cols] index of each patch's token; `fate[token_map]` is a map of
            fates over the patches.
        sizes: [v] patches in each token, more than 1 where a window was merged.
        key: [v] whether a token is in the key set.
        filters: one for each run of stage b, in the order of the layers.
        visual_tokens_per_layer: [L] in the prefill.
        cached_visual_tokens_per_layer: [L] that decoding attends to (stage c).
        images: [grids] which image of the prompt each map shows, counted from 0; the first one
            where nothing is said.
    """

    token_maps: tuple[OwnMap, ...] = field(repr=False)
    sizes: Annotated[IntArray, Axes("v")] = field(repr=False)
    key: Annotated[BoolArray, Axes("v")] = field(repr=False)
    filters: tuple[FilterRecord, ...]
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
    def of(cls, strategy: MustDrop, trace: Trace) -> "MustDropRecord":
        """What a strategy decided in the run that left a trace."""
        layout = trace.layout
        filters = []
        for layer, attention in sorted(trace.attention.items()):
            verdict = strategy.verdict(attention, layout)
            here = np.searchsorted(layout.visual, attention.columns)
            fate = np.full(len(layout.visual), GONE)
            fate[here] = np.select(
                [
                    verdict.falls,
                    verdict.below_global & verdict.below_individual,
                    verdict.below_global,
                    verdict.below_individual,
                ],
                [FELL, PROTECTED, KEPT_INDIVIDUAL, KEPT_GLOBAL],
                KEPT_BOTH,
            )
            share, peak = np.full((2, len(layout.visual)), np.nan)
            share[here], peak[here] = verdict.share, verdict.peak
            filters.append(FilterRecord(layer, fate, share, peak))
        return cls(
            token_maps=layout.token_maps,
            sizes=layout.sizes,
            key=np.isin(layout.visual, () if layout.key is None else layout.key),
            filters=tuple(filters),
            visual_tokens_per_layer=trace.visual_tokens_per_layer,
            cached_visual_tokens_per_layer=trace.cached_visual_tokens_per_layer,
            images=layout.images,
        )

    @property
    def merged_windows(self) -> int:
        """Windows that became one token (stage a)."""
        return int((self.sizes > 1).sum())
