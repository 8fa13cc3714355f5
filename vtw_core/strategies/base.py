"""The one question the engine asks a strategy, and what a strategy may ask for besides."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtw_core.families.layout import Positions, TokenLayout
from vtw_core.results.trace import VisualAttention

IntArray = NDArray[np.int64]


class Strategy(Protocol):
    """Says which visual tokens are present in each decoder layer.

    The engine asks once per layer and prefill, in order, just before the layer runs, and
    remembers the answer for decoding. A token that has left cannot come back. A strategy keeps no
    state: one may be used by many runs at once.
    """

    @property
    def name(self) -> str:
        """Short name, as on the command line."""
        ...

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        ...

    def check(self, layers: int) -> None:
        """Raise InputError unless the strategy fits a decoder of that many layers."""
        ...

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """Which visual tokens layer `layer` sees.

        Args:
            layer: 0-based decoder layer about to run.
            layout: the prompt's layout.
            alive: [a] positions of the visual tokens that the layer before saw, ascending.

        Returns:
            [b] positions, ascending, a subset of `alive`.
        """
        ...


@runtime_checkable
class DecidesFromAttention(Protocol):
    """A strategy that also asks what the text attends to in some layers."""

    def attention_layers(self, layers: int) -> tuple[int, ...]:
        """The layers whose attention it needs, of a decoder of so many layers."""
        ...

    def kept_after(self, attention: VisualAttention, layout: TokenLayout) -> IntArray:
        """Which visual tokens go on behind `attention.layer`, a subset of `attention.columns`.

        Asked in place of `visual_kept` before the layer that follows.
        """
        ...


@runtime_checkable
class ReducesCache(Protocol):
    """A strategy that, after the prefill, also takes tokens out of earlier layers' KV caches."""

    def reduced_cache(self, layers: int) -> range:
        """The layers whose cache keeps, of the visual tokens, only those that the last layer
        saw."""
        ...


class ImageMerger(Protocol):
    """Says which patches become one token while the image is encoded; see
    `vtw_core.engine.vision_merging`."""

    def tokens_of(self, features: ArrayLike, grid: tuple[int, int]) -> IntArray:
        """[rows * cols] each patch's token, numbered in the order of their first patches, from
        the patches' features [rows * cols, d] behind the encoder's first layer."""
        ...

    def key_tokens(self, attention: ArrayLike) -> IntArray:
        """Indices of the tokens that must stay in the decoder, from what each gets [tokens] of
        the attention of the encoder's last layer."""
        ...


@runtime_checkable
class MergesImage(Protocol):
    """A strategy that begins in the vision encoder, unless `vision` is None."""

    @property
    def vision(self) -> ImageMerger | None: ...

    @property
    def positions(self) -> Positions: ...


@runtime_checkable
class Published(Protocol):
    """A strategy whose parameters may be those of a publication, scaled to a model."""

    def published(self, layers: int) -> dict[str, Any]:
        """What its description says besides, in a decoder of so many layers: the parameters that
        were scaled, and "preset", which they are; nothing where all were chosen."""
        ...


def described(strategy: Strategy, layers: int) -> dict[str, Any]:
    """A strategy's name and parameters as they hold in a decoder of so many layers, JSON-ready."""
    known = strategy.published(layers) if isinstance(strategy, Published) else {}
    return strategy.describe() | known


def begins_in_the_encoder(strategy: Any) -> bool:
    """Whether a strategy changes how the image is encoded."""
    return isinstance(strategy, MergesImage) and strategy.vision is not None


@runtime_checkable
class DropsAnyToken(Protocol):
    """A control that may drop text too; asked in place of `visual_kept`."""

    def tokens_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """As `visual_kept`, with `alive` [a] all prompt positions; the last one always stays."""
        ...
