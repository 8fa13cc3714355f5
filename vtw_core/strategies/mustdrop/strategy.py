"""MustDrop: what stays, stage by stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from vtw_core.errors import InputError, Sentence
from vtw_core.families.layout import Positions, TokenLayout
from vtw_core.files.python_numbers import whole
from vtw_core.results.fates import TokenFates
from vtw_core.results.trace import Trace, VisualAttention
from vtw_core.strategies.base import IntArray, Strategy, Trials
from vtw_core.strategies.mustdrop.record import decision
from vtw_core.strategies.mustdrop.rules import (
    Verdict,
    dual_attention,
    key_set,
    merged_windows,
)
from vtw_core.strategies.mustdrop.search import fit
from vtw_core.strategies.parameters import LAST_LAYER, Parameter, Parameters, Published, parameter
from vtw_core.strategies.positions import positions_parameter
from vtw_core.strategies.registry import register
from vtw_core.strategies.view import Decision, LayerView, Need

PUBLISHED_FILTERS = (2, 6, 10, 14)
FILTERS = Published(PUBLISHED_FILTERS, of=32)
STAGES = ("a", "b", "c")


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
class VisionStage(Parameters):
    """Stage a, inside the vision encoder; runs where the family allows it (LLaVA).

    After the encoder's first layer, windows of patches that look alike become one token, the
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

    window: int = parameter("whole", "window", "patches along a window's side", default=3, least=1)
    similarity: float = parameter(
        "real", "similarity", "least mean cosine of a window that is merged", default=0.8
    )
    key_share: float = parameter(
        "real", "key share", "part of the tokens left that must stay", default=0.08, least=0, most=1
    )

    def tokens_of(self, features: ArrayLike, grid: tuple[int, int]) -> IntArray:
        """[rows * cols] each patch's token, see `rules.merged_windows`."""
        return merged_windows(features, grid, self.window, self.similarity)

    def key_tokens(self, attention: ArrayLike) -> IntArray:
        """Indices of the tokens that later stages must keep, of attention [tokens]."""
        return key_set(attention, self.key_share)


def _filters(layers: Any) -> tuple[int, ...]:
    counts = tuple(n for n in map(whole, layers) if n is not None and n >= 0)
    if len(counts) < len(layers) or any(np.diff(counts) < 1):
        raise InputError(
            "layers must be decoder layers in rising order, such as (2, 6), not {value!r}.",
            value=tuple(layers),
        )
    return counts


@register
@dataclass(frozen=True)
class MustDrop(Strategy):
    """Drop visual tokens in vision encoding (a), in the prefill (b) and in decoding (c).

    Stage b, the dual-attention filter, runs after some decoder layers: a visual token falls if
    the text gives it less than gamma of all that it gives the image, no text row gives it alpha or
    more, and it is not in the key set. Text rows are those after the first visual token. Stage c,
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

    name = "mustdrop"
    summary = "three stages, below"
    paper = "arXiv 2411.10803"
    more = (
        Parameter(
            "letters", "stages", "vision encoding a, prefill b, cache c", name="stages",
            default="abc", choices=STAGES,
        ),
        Parameter(
            "choice", "preset", "published thresholds; a number: textvqa's", name="preset",
            default=DEFAULT_PRESET, choices=PRESET_NAMES,
        ),
    )  # fmt: skip

    gamma: float = parameter("real", "γ", "global threshold", least=0, given_by="preset")
    alpha: float = parameter("real", "α", "individual threshold", least=0, given_by="preset")
    vision: VisionStage | None = VisionStage()
    prefill: bool = True
    cache: bool = True
    layers: tuple[int, ...] | None = parameter(
        "counts", "filters", "filter layers, such as 2,6", flag="filters",
        subject=Sentence("Filter layers"), default=FILTERS, least=0, most=LAST_LAYER,
        check=_filters,
    )  # fmt: skip
    positions: Positions = positions_parameter()

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Self:
        """Of thresholds or a preset, and stages by their letters."""
        values = dict(given)
        preset, stages = values.pop("preset", None), values.pop("stages", "".join(STAGES))
        pair = {"gamma", "alpha"} & set(values)
        if preset is not None and pair:
            raise InputError("--preset brings its own --gamma and --alpha; give either.")
        if len(pair) == 1:
            raise InputError("--gamma and --alpha belong together; give both, or --preset.")
        if not stages or set(stages) - set(STAGES):
            raise InputError(
                "--stages must be letters of {stages}, not {value!r}.",
                stages="".join(STAGES),
                value=stages,
            )
        if "c" in stages and "b" not in stages:
            raise InputError(
                "Stage c cuts the cache to what stage b leaves; add b to the stages, or leave "
                "c out."
            )
        values["vision"] = VisionStage() if "a" in stages else None
        values |= {"prefill": "b" in stages, "cache": "c" in stages}
        return cls(**values) if pair else cls.preset(preset or DEFAULT_PRESET, **values)

    def options(self) -> dict[str, Any]:
        """Stages by their letters, thresholds as the preset that they are, and all else."""
        on = {"a": self.vision is not None, "b": self.prefill, "c": self.cache}
        values = {"stages": "".join(one for one in on if on[one]), **super().options()}
        preset = self._preset()
        if preset is not None:
            del values["gamma"], values["alpha"]
            values["preset"] = preset
        return values

    def _preset(self) -> str | None:
        """The published thresholds that these are, if any."""
        pair = (self.gamma, self.alpha)
        return next((name for name, one in PRESETS.items() if (one.gamma, one.alpha) == pair), None)

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """With the vision stage as it describes itself."""
        vision = description.get("vision")
        stage = VisionStage(**vision) if isinstance(vision, dict) else None
        return super().from_description({**description, "vision": stage})

    @classmethod
    def preset(cls, name: str, **options: Any) -> Self:
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

    def published(self, layers: int) -> dict[str, Any]:
        """The preset, if the thresholds are one, and the filters where they are scaled."""
        preset = self._preset()
        if preset is None:
            return {}
        description = f"{preset}, thresholds as published for LLaVA-1.5-7B"
        if self.prefill and self.layers is None:
            here, there = (
                ", ".join(map(str, some)) for some in (self.filters(layers), PUBLISHED_FILTERS)
            )
            description += f"; filters {there} of {FILTERS.of} layers, here {here} of {layers}"
        return {"preset": description}

    def fitted_by(self, trials: Trials, tokens: float, *, nearest: bool = False) -> "MustDrop":
        """With thresholds that leave so many, found by `search.fit`."""
        return fit(self, trials, tokens, nearest=nearest).strategy

    def filters(self, layers: int) -> tuple[int, ...]:
        """The layers after which the filter runs, in a decoder of so many; if stage b is on."""
        filters: tuple[int, ...] = self.value("layers", layers)
        return filters if self.prefill else ()

    def needs(self, layers: int) -> dict[int, frozenset[Need]]:
        """Attention, after the filters."""
        return dict.fromkeys(self.filters(layers), frozenset({Need.ATTENTION}))

    def reduced_cache(self, layers: int) -> Sequence[int]:
        """From the first filter to the last; none without stage c."""
        filters = self.filters(layers)
        return range(filters[0], filters[-1] + 1) if self.cache and filters else range(0)

    def decide(self, view: LayerView) -> Decision:
        """After a filter's layer, what it decides; elsewhere all stay."""
        if view.layer - 1 not in self.filters(view.layers):
            return Decision(view.alive)
        return self.judged(view.attention, view.layout)

    def judged(self, attention: VisualAttention, layout: TokenLayout) -> Decision:
        """What the filter decides about the tokens in `attention.columns`."""
        return decision(attention, self.verdict(attention, layout), self.gamma, self.alpha)

    def explain(self, trace: Trace) -> TokenFates:
        """Every filter's decision; a run without filters too has its map of merged patches."""
        return TokenFates.of(trace)

    def kept_after(self, attention: VisualAttention, layout: TokenLayout) -> IntArray:
        """Those that the filter does not drop."""
        return attention.columns[~self.verdict(attention, layout).falls]

    def verdict(self, attention: VisualAttention, layout: TokenLayout) -> Verdict:
        """What the filter finds about the tokens in `attention.columns`, and why."""
        keys = () if layout.key is None else layout.key
        return dual_attention(
            attention.weights, self.gamma, self.alpha, np.isin(attention.columns, keys)
        )
