"""Information migration: a run and a visitor's choices in, charts out.

The causal figures come first, since they test; attention, the logit lens and the states illustrate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vtw_core.analysis import migration as analysis
from vtw_core.analysis.rows import inside_of
from vtw_core.analysis.sinks import sink_verdict
from vtw_core.results.run import DEFAULT_ETA, Run

from ..inputs.clamping import clamped
from ..words import inside as text
from . import causal, lens, style, tokens
from .chart import (
    Chart,
    FloatArray,
    Heatmap,
    Joint,
    KLine,
    Lines,
    Series,
    Table,
)
from .tokens import Rows


@dataclass(frozen=True)
class Choices:
    """What a visitor chose; `clamped` makes it fit a run.

    Attributes:
        k: where K stands; K* of the first answer token when None.
        rows: whose attention is held against the causal curve.
        image: which counterfactual image the joint panel shows.
        token: which token of the answer the logit lens is about.
        state: of the logit lens on patches; None for the last.
        grid: which patch grid.
        eta: nats, above 0; at most so much counts as no difference. It is no visitor's input.
    """

    k: int | None = None
    rows: Rows = "all_text"
    image: int = 0
    token: int = 0
    state: int | None = None
    grid: int = 0
    eta: float = DEFAULT_ETA

    def clamped(self, run: Run) -> Choices:
        """The same for this run; whatever it does not have becomes what it has."""
        inside = inside_of(run)
        return replace(
            self,
            k=clamped(self.k, 0, run.layers, run.choose_k(self.eta)),
            rows=tokens.clamped_rows(run, self.rows),
            image=clamped(self.image, 0, max(0, len(inside.counterfactuals) - 1), 0),
            token=clamped(self.token, 0, inside.lens.top.shape[1] - 1, 0),
            state=clamped(self.state, 0, run.layers, run.layers),
            grid=clamped(self.grid, 0, len(inside.grids) - 1, 0),
        )

    @property
    def at(self) -> int:
        """K of clamped choices."""
        return self.k or 0


def joint(run: Run, choices: Choices) -> Joint:
    c = choices.clamped(run)
    return causal.joint(run, c.rows, c.image, c.at, c.eta)


def causal_kl(run: Run, choices: Choices) -> Lines:
    c = choices.clamped(run)
    return causal.kl(run, c.image, c.at, c.eta)


def causal_probability(run: Run, choices: Choices) -> Lines:
    c = choices.clamped(run)
    return causal.probability(run, c.image, c.at)


def settings_table(run: Run, choices: Choices) -> Table:
    c = choices.clamped(run)
    return causal.settings(run, c.image, c.at)


def shares(run: Run, choices: Choices) -> Lines:
    """Attention on the image: of the text, of the image itself, and if it were spread evenly."""
    c = choices.clamped(run)
    inside = inside_of(run)
    rows = tokens.rows_of(run, c.rows)
    of_text = analysis.visual_share_of_text(inside.attention, rows)
    of_image = analysis.visual_share_of_visual(inside.attention)
    even = np.full(run.layers, sink_verdict(run, c.rows).uniform_visual_share)
    return Lines(
        name="attention_on_image",
        title=text.MIGRATION_TITLES["shares"],
        x_label=text.LAYER,
        y_label=text.SHARE_UNIT,
        unit="", is_share=True,
        caption=text.SHARES_CAPTION.format(rows=tokens.rows_in_words(run, c.rows)),
        summary=text.SHARES_SUMMARY.format(
            first=of_text[0], most=of_text.max(), layer=int(of_text.argmax()), last=of_text[-1]
        ),
        x=range(run.layers),
        series=(
            Series(text.TEXT_TO_VISUAL, of_text, style.SEGMENTS["visual"]),
            Series(text.VISUAL_TO_VISUAL, of_image, style.CURVES[0], "dash", "square"),
            Series(text.EVEN, even, style.GREY, "dot", "diamond"),
        ),
        y_range=(0, 1.02), k_line=KLine("x", c.k, -0.5),
    )  # fmt: skip


def share_per_token(run: Run, choices: Choices) -> Heatmap:
    """Each text token's attention on the image, layer by layer."""
    c = choices.clamped(run)
    values = analysis.visual_share_per_token(inside_of(run).attention)
    layer, query = np.unravel_index(values.argmax(), values.shape)
    return Heatmap(
        name="attention_on_image_by_token",
        title=text.MIGRATION_TITLES["share_per_token"],
        x_label=text.TEXT_TOKEN,
        y_label=text.LAYER,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.PER_TOKEN_CAPTION,
        summary=text.PER_TOKEN_SUMMARY.format(
            piece=tokens.query_pieces(run)[query], layer=layer, most=values.max()
        ),
        values=values, low=0, high=float(values.max()),
        x_names=tokens.query_pieces(run),
        y_names=tuple(text.LAYER_NUMBER.format(layer=layer) for layer in range(run.layers)),
        y_ticks=tokens.number_ticks(run.layers),
        bands=tokens.query_bands(run), k_line=KLine("y", c.k, -0.5),
    )  # fmt: skip


def cosine(run: Run, choices: Choices) -> Heatmap:
    """How much the text tokens' states turn when the image is withdrawn at K."""
    c = choices.clamped(run)
    inside = inside_of(run)
    values, _ = analysis.similarity(inside, c.at)
    # The same scale at every K; at least a tenth wide, lest rounding look like an effect.
    low = min(float(np.floor(inside.cosine.astype(np.float64).min() * 10) / 10), 0.9)
    return _states(run, c, "cosine", values, low=low, high=1.0)


def norm_ratio(run: Run, choices: Choices) -> Heatmap:
    """How much longer or shorter they get."""
    c = choices.clamped(run)
    inside = inside_of(run)
    _, values = analysis.similarity(inside, c.at)
    away = max(float(np.abs(inside.norm_ratio.astype(np.float64) - 1).max()), 0.05)
    return _states(run, c, "norm_ratio", values, low=1 - away, high=1 + away)


def _states(
    run: Run, c: Choices, key: str, values: FloatArray, *, low: float, high: float
) -> Heatmap:
    of_norm = key == "norm_ratio"
    at = np.abs(values - 1).argmax()
    state, query = np.unravel_index(at, values.shape)
    caption, summary = (
        (text.NORM_CAPTION, text.NORM_SUMMARY) if of_norm
        else (text.COSINE_CAPTION, text.COSINE_SUMMARY)
    )  # fmt: skip
    if c.k == run.layers:
        summary = text.SIMILARITY_SAME
    extreme = float(values[state, query])
    return Heatmap(
        name=f"states_{key}",
        title=text.MIGRATION_TITLES[key].format(k=c.k),
        x_label=text.TEXT_TOKEN,
        y_label=text.STATE,
        unit=text.STATE_UNITS[key],
        caption=caption.format(k=c.k),
        summary=summary.format(
            piece=tokens.query_pieces(run)[query], state=state, least=extreme, most=extreme
        ),
        values=values, low=low, high=high, diverging=of_norm,
        x_names=tokens.query_pieces(run),
        y_names=tuple(text.STATE_NUMBER.format(state=x) for x in range(run.layers + 1)),
        y_ticks=tokens.number_ticks(run.layers + 1),
        bands=tokens.query_bands(run), k_line=KLine("y", c.k, 0.5),
    )  # fmt: skip


def lens_words(run: Run, choices: Choices) -> Heatmap:
    c = choices.clamped(run)
    return lens.words(run, c.token, c.at)


def lens_probability(run: Run, choices: Choices) -> Lines:
    c = choices.clamped(run)
    return lens.probability(run, c.token, c.at)


def lens_patches(run: Run, choices: Choices) -> Heatmap | None:
    c = choices.clamped(run)
    return lens.patches(run, c.state or 0, c.grid)


def charts(run: Run, choices: Choices) -> list[Chart]:
    """Every chart of this theme that the run has, in the order that tells the story."""
    made = [make(run, choices) for make in CHARTS.values()]
    return [chart for chart in made if chart is not None]


CHARTS: dict[str, Callable[[Run, Choices], Chart | None]] = {
    "joint": joint,
    "causal_kl": causal_kl,
    "causal_probability": causal_probability,
    "settings_table": settings_table,
    "shares": shares,
    "share_per_token": share_per_token,
    "lens": lens_words,
    "lens_probability": lens_probability,
    "lens_patches": lens_patches,
    "cosine": cosine,
    "norm_ratio": norm_ratio,
}
