"""What one prefill under a strategy decided, as plain arrays: imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vtw_core.families.layout import IntArray, TokenLayout
from vtw_core.results.fates import LayerFates


@dataclass(frozen=True, eq=False)
class VisualAttention:
    """What a prompt's text gives its visual tokens in one layer: softmax weights, head mean.

    Attributes:
        layer: the 0-based decoder layer.
        rows: [t] positions of the text rows after the first visual token, ascending; the last
            one is the prompt's last token.
        columns: [a] positions of the visual tokens that the layer sees, ascending.
        weights: [t, a] float32. A row's sum is its share of attention that goes to the image,
            not 1; a weight is 0 where the row stands before the column.
        heads: [h, t, a] the same of each head, where that was requested.
    """

    layer: int
    rows: IntArray
    columns: IntArray
    weights: NDArray[np.float32] = field(repr=False)
    heads: NDArray[np.float32] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Trace:
    """What each layer saw of one prompt, and why.

    Attributes:
        layout: the prompt's layout.
        kept: [layers][tokens] positions that a layer saw in the prefill, ascending.
        cached: [layers][tokens] positions that its KV cache keeps for decoding, a part of `kept`.
        attention: layer -> what a strategy that decides from attention was given.
        decisions: what a strategy judged by scores, in the order of the layers.
    """

    layout: TokenLayout
    kept: tuple[IntArray, ...] = field(repr=False)
    cached: tuple[IntArray, ...] = field(repr=False)
    attention: Mapping[int, VisualAttention] = field(repr=False)
    decisions: tuple[LayerFates, ...] = field(default=(), repr=False)

    @classmethod
    def of_everything(cls, layout: TokenLayout, layers: int) -> "Trace":
        """The trace of a run that withdraws nothing."""
        every = (np.arange(layout.padding, layout.total),) * layers
        return cls(layout, every, every, {})

    @property
    def vision(self) -> dict[str, int] | None:
        """What a vision stage made of the patches; None if there was no such stage."""
        if self.layout.key is None:
            return None
        return {
            "patches": int(self.layout.sizes.sum()),
            "tokens": len(self.layout.visual),
            "merged_windows": int((self.layout.sizes > 1).sum()),
            "key_tokens": len(self.layout.key),
        }

    @property
    def visual_tokens_per_layer(self) -> tuple[int, ...]:
        """[layers] visual tokens in the prefill."""
        return tuple(self._visual(tokens) for tokens in self.kept)

    @property
    def cached_visual_tokens_per_layer(self) -> tuple[int, ...]:
        """[layers] visual tokens that decoding attends to."""
        return tuple(self._visual(tokens) for tokens in self.cached)

    @property
    def tokens_per_layer(self) -> tuple[int, ...]:
        """[layers] prompt tokens of all kinds in the prefill."""
        return tuple(map(len, self.kept))

    @property
    def cached_tokens_per_layer(self) -> tuple[int, ...]:
        """[layers] prompt tokens of all kinds that decoding attends to."""
        return tuple(map(len, self.cached))

    def _visual(self, tokens: IntArray) -> int:
        return int(np.isin(tokens, self.layout.visual).sum())
