"""MustDrop: what stays, stage by stage."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vtw_core.errors import InputError
from vtw_core.families.layout import Positions, TokenLayout, check_positions
from vtw_core.files.python_numbers import real, whole
from vtw_core.results.trace import VisualAttention
from vtw_core.strategies.base import IntArray
from vtw_core.strategies.mustdrop.rules import (
    Verdict,
    dual_attention,
    key_set,
    merged_windows,
)

PUBLISHED_LAYERS = 32
PUBLISHED_FILTERS = (2, 6, 10, 14)


def _set_number(owner: Any, name: str, least: float = 0.0) -> None:
    """Hold a field against its least value, and keep it as a plain number."""
    given = getattr(owner, name)
    value = real(given)
    if value is None or not math.isfinite(value):
        raise InputError("{name} must be a finite number, not {value!r}.", name=name, value=given)
    if value < least:
        raise InputError(
            "{name} must be {least:g} or more, not {value}.", name=name, least=least, value=value
        )
    object.__setattr__(owner, name, value)


@dataclass(frozen=True)
class Preset:
    """Published thresholds: of a data set, for a number of visual tokens averaged over layers."""

    data: str
    tokens: int
    gamma: float
    alpha: float


PRESETS: dict[str, Preset] = {
    f"{preset.data}-{preset.tokens}": preset
    for preset in (
        Preset("textvqa", 192, 0.001, 0.001),
        Preset("textvqa", 128, 0.0012, 0.001),
        Preset("textvqa", 64, 0.011, 0.01),
        Preset("vizwiz", 64, 0.005, 0.001),
    )
}
"""From the released scripts, for LLaVA-1.5-7B with 576 patches; other models need their own."""
DEFAULT_PRESET = "textvqa-192"
"""Where no thresholds are named: the released ones that drop least."""
PRESET_NAMES = (*PRESETS, *(str(one.tokens) for one in PRESETS.values() if one.data == "textvqa"))
"""A number alone means TextVQA's, which has three."""
EQUAL_THRESHOLDS = (0.001, 0.001)
"""(gamma, alpha) in the proportion of the first preset, for a search that scales both."""


@dataclass(frozen=True)
class VisionStage:
    """Stage a, inside the vision encoder; runs where the family allows it (LLaVA).

    Behind the encoder's first layer, windows of patches that look alike become one token, the
    mean of their features. The key set are the tokens that the encoder's last layer attends to
    most; the later stages must not drop them.

    Attributes:
        window: patches along a side of a window.
        similarity: least mean cosine similarity, over pairs of different patches, of a window
            that is merged.
        key_share: the key set's part of the tokens that are left, rounded up.

    Raises:
        InputError: a parameter is out of range.
    """

    window: int = 3
    similarity: float = 0.8
    key_share: float = 0.08

    def __post_init__(self) -> None:
        window = whole(self.window)
        if window is None or window < 1:
            raise InputError(
                "window must be a whole number, 1 or more, not {value!r}.", value=self.window
            )
        object.__setattr__(self, "window", window)
        _set_number(self, "similarity", -math.inf)
        _set_number(self, "key_share")
        if self.key_share > 1:
            raise InputError("key_share must be from 0 to 1, not {value}.", value=self.key_share)

    def tokens_of(self, features: ArrayLike, grid: tuple[int, int]) -> IntArray:
        """[rows * cols] each patch's token, see `rules.merged_windows`."""
        return merged_windows(features, grid, self.window, self.similarity)

    def key_tokens(self, attention: ArrayLike) -> IntArray:
        """Indices of the tokens that later stages must keep, of attention [tokens]."""
        return key_set(attention, self.key_share)


@dataclass(frozen=True)
class MustDrop:
    """Drop visual tokens in vision encoding (a), in the prefill (b) and in decoding (c).

    Stage b, the dual-attention filter, runs behind some decoder layers: a visual token falls if
    the text gives it less than gamma of all that it gives the image, no text row gives it alpha or
    more, and it is not in the key set. Text rows are those behind the first visual token. Stage c,
    the output-aware cache: once the prefill is done, the caches of the layers from the first
    filter to the last keep only the visual tokens that are left at the end.

    Attributes:
        gamma: global threshold, a share.
        alpha: individual threshold, an attention weight.
        vision: stage a, None without; then no token is protected either.
        prefill: whether stage b runs.
        cache: whether stage c runs.
        layers: filter layers; None: the published 2, 6, 10, 14 of 32, scaled to the model's depth
            (l * L / 32, halves up).
        positions: position ids of the tokens that stay, merged ones included. "keep": those that
            they had, a merged token that of its first patch. "repack": counted without gaps, as in
            the released code.

    Raises:
        InputError: a parameter is out of range.
    """

    gamma: float
    alpha: float
    vision: VisionStage | None = VisionStage()
    prefill: bool = True
    cache: bool = True
    layers: tuple[int, ...] | None = None
    positions: Positions = "keep"
    name = "mustdrop"

    def __post_init__(self) -> None:
        _set_number(self, "gamma")
        _set_number(self, "alpha")
        check_positions(self.positions)
        if self.layers is None:
            return
        layers = tuple(map(whole, self.layers))
        counts = [n for n in layers if n is not None and n >= 0]
        if len(counts) < len(layers) or any(np.diff(counts) < 1):
            raise InputError(
                "layers must be decoder layers in rising order, such as (2, 6), not {value!r}.",
                value=tuple(self.layers),
            )
        object.__setattr__(self, "layers", layers)

    @classmethod
    def preset(cls, name: str, **options: Any) -> "MustDrop":
        """With published thresholds.

        Args:
            name: of `PRESET_NAMES`, such as "textvqa-192", or "192" for short.
            options: any other attribute.

        Raises:
            InputError: there is no such preset.
        """
        if name not in PRESET_NAMES:
            raise InputError(
                "There is no preset {name!r}; choose of {names}.",
                name=name,
                names=", ".join(PRESET_NAMES),
            )
        chosen = PRESETS[name if name in PRESETS else f"textvqa-{name}"]
        return cls(chosen.gamma, chosen.alpha, **options)

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        layers = None if self.layers is None else list(self.layers)
        return {"name": self.name, **asdict(self), "layers": layers}

    def published(self, layers: int) -> dict[str, Any]:
        """The preset, if the thresholds are one, and the filters where they are scaled."""
        pair = (self.gamma, self.alpha)
        names = [name for name, one in PRESETS.items() if (one.gamma, one.alpha) == pair]
        if not names:
            return {}
        said = f"{names[0]}, thresholds as published for LLaVA-1.5-7B"
        if self.prefill and self.layers is None:
            here, there = (
                ", ".join(map(str, some)) for some in (self.filters(layers), PUBLISHED_FILTERS)
            )
            said += f"; filters {there} of {PUBLISHED_LAYERS} layers, here {here} of {layers}"
        return {"preset": said}

    def filters(self, layers: int) -> tuple[int, ...]:
        """The layers behind which the filter runs, in a decoder of so many; if stage b is on."""
        if not self.prefill:
            return ()
        if self.layers is not None:
            return self.layers
        scaled = (math.floor(n * layers / PUBLISHED_LAYERS + 0.5) for n in PUBLISHED_FILTERS)
        return tuple(sorted({min(n, layers - 1) for n in scaled}))

    def check(self, layers: int) -> None:
        """Raise InputError if a filter lies beyond the model's layers."""
        if any(n >= layers for n in self.filters(layers)):
            raise InputError(
                "Filter layers must be 0 to {most}, the model's layers, not {value}.",
                most=layers - 1,
                value=self.layers,
            )

    def attention_layers(self, layers: int) -> tuple[int, ...]:
        """The filters' own."""
        return self.filters(layers)

    def reduced_cache(self, layers: int) -> range:
        """From the first filter to the last; none without stage c."""
        filters = self.filters(layers)
        return range(filters[0], filters[-1] + 1) if self.cache and filters else range(0)

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """All that are there: `kept_after` decides, behind the filters."""
        return alive

    def kept_after(self, attention: VisualAttention, layout: TokenLayout) -> IntArray:
        """Those that the filter does not drop."""
        return attention.columns[~self.verdict(attention, layout).falls]

    def verdict(self, attention: VisualAttention, layout: TokenLayout) -> Verdict:
        """What the filter finds about the tokens in `attention.columns`, and why."""
        keys = () if layout.key is None else layout.key
        return dual_attention(
            attention.weights, self.gamma, self.alpha, np.isin(attention.columns, keys)
        )
