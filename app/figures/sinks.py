"""Attention sinks: a run and a visitor's choices in, charts out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vtw_core.analysis import sinks as analysis
from vtw_core.analysis.rows import deeper_half, inside_of
from vtw_core.results.inside import SEGMENTS
from vtw_core.results.run import Run

from ..inputs.clamping import clamped
from ..words import inside as text
from . import style, tokens
from .chart import Chart, Heatmap, KLine, Series, Sheet, Stack, Table
from .tokens import Rows

FLOOR = 1e-4
"""Lowest value of a logarithmic scale of attention."""
COUNT = 10
"""Rows of the tables of sink tokens."""
SHEET_CELLS = 40_000
"""A sheet of more cells than this is drawn coarser."""


@dataclass(frozen=True)
class Choices:
    """What a visitor chose; `clamped` makes it fit a run.

    Attributes:
        rows: whose attention.
        head: one head, or the mean when None.
        layer: of the map of one layer; None for the last.
        k: where K stands; None for nowhere.
        withdrawn: whether the masses are those with the image withdrawn at `k`.
        log: a logarithmic scale for what positions receive.
    """

    rows: Rows = "last_prompt"
    head: int | None = None
    layer: int | None = None
    k: int | None = None
    withdrawn: bool = False
    log: bool = True

    def clamped(self, run: Run) -> Choices:
        """The same for this run; whatever it does not have becomes what it has."""
        last, heads = run.layers - 1, inside_of(run).attention.mass.shape[1]
        k = None if self.k is None else clamped(self.k, 0, run.layers, run.layers)
        return replace(
            self, rows=tokens.clamped_rows(run, self.rows), k=k,
            head=None if self.head is None else clamped(self.head, 0, heads - 1, 0),
            layer=clamped(self.layer, 0, last, last),
            withdrawn=bool(self.withdrawn) and k is not None, log=bool(self.log),
        )  # fmt: skip


def mass(run: Run, choices: Choices) -> Stack:
    """Attention by segment, layer by layer. At a K, the mean over heads: no other was recorded."""
    c = choices.clamped(run)
    inside, k = inside_of(run), c.k if c.withdrawn else None
    head = None if k is not None else c.head
    shares = analysis.segment_mass(inside.attention, tokens.rows_of(run, c.rows), head, k)
    visual = shares[:, SEGMENTS.index("visual")]
    of_heads = text.HEADS_MEAN if head is None else text.ONE_HEAD
    withdrawn = text.NOTHING_WITHDRAWN if k is None else text.WITHDRAWN_AT.format(k=k)
    return Stack(
        name="attention_by_segment",
        title=text.SINKS_TITLES["mass"],
        x_label=text.LAYER,
        y_label=text.SHARE_UNIT,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.MASS_CAPTION.format(
            rows=tokens.rows_in_words(run, c.rows), withdrawn=withdrawn,
            heads=of_heads.format(head=head, heads=inside.attention.mass.shape[1]),
        ),
        summary=text.MASS_SUMMARY.format(
            first=shares[-1, :2].sum(), visual=visual[-1], most=visual.max(),
            layer=int(visual.argmax()),
        ),
        x=range(run.layers),
        series=tuple(
            Series(text.SEGMENTS[name], shares[:, index], style.SEGMENTS[name])
            for index, name in enumerate(SEGMENTS)
        ),
        k_line=KLine("x", c.k, -0.5),
    )  # fmt: skip


def received(run: Run, choices: Choices) -> Heatmap:
    """What each position receives in each layer."""
    c = choices.clamped(run)
    values = inside_of(run).attention.received.astype(np.float64)
    top = analysis.sink_tokens(run, 1)[0]
    low, high = _scale(values, log=c.log)
    return Heatmap(
        name="attention_received",
        title=text.SINKS_TITLES["received"],
        x_label=text.POSITION,
        y_label=text.LAYER,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.RECEIVED_CAPTION,
        summary=text.RECEIVED_SUMMARY.format(
            piece=top.piece.strip() or tokens.SPACE, segment=text.SEGMENTS[top.segment],
            position=top.position, received=top.received, times=top.times_uniform,
        ),
        values=values, low=low, high=high, log=c.log,
        x_names=tokens.position_names(run), y_names=_layer_names(run),
        x_ticks=tokens.number_ticks(values.shape[1]), y_ticks=tokens.number_ticks(run.layers),
        bands=tokens.segment_bands(run),
        k_line=KLine("y", c.k, -0.5),
    )  # fmt: skip


def heads_sink(run: Run, choices: Choices) -> Heatmap:
    """Attention on BOS and system prompt, by layer and head."""
    return _heads(run, choices, ("bos", "system"), "heads_sink", text.SINK_SEGMENTS)


def heads_visual(run: Run, choices: Choices) -> Heatmap:
    """Attention on the image, by layer and head."""
    return _heads(run, choices, ("visual",), "heads_visual", text.VISUAL_SEGMENT)


def _heads(run: Run, choices: Choices, segments: tuple[str, ...], key: str, words: str) -> Heatmap:
    c = choices.clamped(run)
    values = analysis.head_mass(inside_of(run).attention, tokens.rows_of(run, c.rows), segments)
    layer, head = np.unravel_index(values.argmax(), values.shape)
    return Heatmap(
        name=f"attention_{key}",
        title=text.SINKS_TITLES[key],
        x_label=text.HEAD,
        y_label=text.LAYER,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.HEADS_CAPTION.format(segments=words, rows=tokens.rows_in_words(run, c.rows)),
        summary=text.HEADS_SUMMARY.format(
            segments=words, most=values.max(), layer=layer, head=head, mean=values.mean()
        ),
        values=values, low=0, high=1,
        x_names=tuple(f"{text.HEAD} {head}" for head in range(values.shape[1])),
        y_names=_layer_names(run),
        x_ticks=tokens.number_ticks(values.shape[1]), y_ticks=tokens.number_ticks(run.layers),
        k_line=KLine("y", c.k, -0.5),
    )  # fmt: skip


def looks(run: Run, choices: Choices) -> Sheet:
    """What the chosen rows give to each patch of the first grid, layer by layer."""
    c = choices.clamped(run)
    inside, rows = inside_of(run), tokens.rows_of(run, c.rows)
    weights = np.mean([analysis.where_it_looks(inside, int(row)) for row in rows], axis=0)
    k = c.k if c.withdrawn else None
    shares, layer = weights.sum(axis=1), int(weights.sum(axis=1).argmax())
    if k is not None:
        weights[k:] = np.nan
    return Sheet(
        name="where_it_looks",
        title=text.SINKS_TITLES["looks"],
        x_label=text.PATCH_COLUMN,
        y_label=text.PATCH_ROW,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.LOOKS_CAPTION.format(
            rows=tokens.rows_in_words(run, c.rows), heads=inside.attention.mass.shape[1],
            withdrawn=text.NOTHING_WITHDRAWN if k is None else text.WITHDRAWN_AT.format(k=k),
        ),
        summary=text.LOOKS_SUMMARY.format(layer=layer, share=shares[layer], last=shares[-1]),
        titles=tuple(
            text.LOOKS_LAYER.format(layer=index, share=share) for index, share in enumerate(shares)
        ),
        values=analysis.on_grid(weights, inside),
        low=0, high=float(np.nanmax(weights)) if np.isfinite(weights).any() else 1.0,
        flipped=True, highlight=layer,
    )  # fmt: skip


def layer_map(run: Run, choices: Choices) -> Heatmap:
    """Queries by keys of one layer, in bins of positions; the future is empty."""
    c = choices.clamped(run)
    attention, layer = inside_of(run).attention, c.layer or 0
    edges = attention.edges
    values = causal(attention.image[layer].astype(np.float64))
    names = tuple(
        text.TOKEN_AT.format(position=start, piece=tokens.pieces(run)[start])
        if stop - start == 1 else f"{start}–{stop - 1}"
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    )  # fmt: skip
    width = float(np.diff(edges).mean())
    bins = text.BINS_ONE if width == 1 else text.BINS_MANY.format(width=width)
    column = np.nan_to_num(values).mean(axis=0)
    ticks = tuple((place, str(edges[int(place)])) for place, _ in tokens.number_ticks(len(names)))
    bands = tuple(
        replace(band, start=_bin(edges, band.start), stop=_bin(edges, band.stop))
        for band in tokens.segment_bands(run)
    )
    return Heatmap(
        name=f"attention_layer_{layer}",
        title=text.SINKS_TITLES["layer_map"].format(layer=layer),
        x_label=text.KEY,
        y_label=text.QUERY,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.MAP_CAPTION.format(bins=bins),
        summary=text.MAP_SUMMARY.format(
            layer=layer, piece=names[int(column.argmax())], share=column.max()
        ),
        values=values, low=FLOOR, high=1, log=True, x_names=names, y_names=names,
        x_ticks=ticks, y_ticks=ticks, bands=bands, y_bands=bands, flipped=True,
    )  # fmt: skip


def layer_sheet(run: Run, choices: Choices) -> Sheet:
    """The same for every layer, small."""
    c = choices.clamped(run)
    image = inside_of(run).attention.image.astype(np.float64)
    coarser = int(np.ceil(np.sqrt(image.size / SHEET_CELLS)))
    shown = pooled(image, inside_of(run).attention.edges, coarser)
    brightest = shown.mean(axis=1).argmax(axis=1)
    return Sheet(
        name="attention_all_layers",
        title=text.SINKS_TITLES["layer_sheet"],
        x_label=text.KEY,
        y_label=text.QUERY,
        unit=text.SHARE_UNIT, is_share=True,
        caption=text.SHEET_CAPTION,
        summary=text.SHEET_SUMMARY.format(
            layers=run.layers, same=int(np.bincount(brightest).max())
        ),
        titles=_layer_names(run),
        values=np.stack([causal(one) for one in shown]),
        low=FLOOR, high=1, log=True, flipped=True, highlight=c.layer,
    )  # fmt: skip


def sink_table(run: Run, choices: Choices) -> Table:
    """Which tokens are sinks."""
    found = analysis.sink_tokens(run, COUNT)
    top = found[0]
    return _sink_table(
        run, found, "sink_table",
        text.SINK_TABLE_SUMMARY.format(
            piece=top.piece.strip() or tokens.SPACE, segment=text.SEGMENTS[top.segment],
            times=top.times_uniform,
        ),
    )  # fmt: skip


def visual_table(run: Run, choices: Choices) -> Table:
    """Which visual tokens are."""
    found = analysis.visual_sinks(run, COUNT)
    summary = text.VISUAL_TABLE_SUMMARY.format(
        count=len(found), border=sum(one.on_border for one in found)
    )
    return _sink_table(run, found, "visual_table", summary)


def _sink_table(run: Run, found: tuple[analysis.SinkToken, ...], key: str, summary: str) -> Table:
    grids = inside_of(run).grids

    def where(one: analysis.SinkToken) -> str:
        if one.patch is None:
            return "–"
        grid, row, col = one.patch
        words = text.PATCH if len(grids) == 1 else text.PATCH_IN_GRID
        border = text.ON_BORDER if one.on_border else ""
        return words.format(grid=grid, row=row, col=col, border=border)

    return Table(
        name=key,
        title=text.SINKS_TITLES[key],
        x_label="", y_label="", unit="",
        caption=text.SINK_TABLE_CAPTION.format(start=deeper_half(run.layers)[0]),
        summary=summary,
        columns=text.SINK_COLUMNS,
        rows=tuple(
            (
                rank, one.piece.strip() or tokens.SPACE, text.SEGMENTS[one.segment], one.position,
                where(one), f"{one.received:.2%}", f"{one.times_uniform:.2f}",
                f"{one.value_norm_ratio:.2f}", f"{one.outlier:.1f}", one.seen_by,
            )
            for rank, one in enumerate(found, start=1)
        ),
    )  # fmt: skip


def massive_table(run: Run, choices: Choices) -> Table:
    """Massive activations, or the sentence that there are none."""
    inside = inside_of(run)
    found, words = analysis.massive_activations(inside), tokens.pieces(run)
    state, position = np.unravel_index(inside.outliers.argmax(), inside.outliers.shape)
    summary = text.MASSIVE_SUMMARY.format(count=len(found))
    if not found:
        summary = text.MASSIVE_NONE.format(
            score=inside.outliers.max(), piece=words[position], state=state
        )
    return Table(
        name="massive_activations",
        title=text.SINKS_TITLES["massive_table"],
        x_label="", y_label="", unit="",
        caption=text.MASSIVE_CAPTION.format(threshold=analysis.MASSIVE_RATIO),
        summary=summary,
        columns=text.MASSIVE_COLUMNS,
        rows=tuple(
            (words[one.position], one.position, one.state_first, one.state_strongest,
             f"{one.score:.0f}")
            for one in found[:COUNT]
        ),
    )  # fmt: skip


def charts(run: Run, choices: Choices) -> list[Chart]:
    """Every chart of this theme, in the order that tells the story."""
    return [make(run, choices) for make in CHARTS.values()]


CHARTS: dict[str, Callable[[Run, Choices], Chart]] = {
    "mass": mass,
    "received": received,
    "heads_sink": heads_sink,
    "heads_visual": heads_visual,
    "looks": looks,
    "layer_map": layer_map,
    "layer_sheet": layer_sheet,
    "sink_table": sink_table,
    "visual_table": visual_table,
    "massive_table": massive_table,
}


def causal(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """[query, key] with NaN for the future."""
    return np.where(np.tril(np.ones(weights.shape, dtype=bool)), weights, np.nan)


def pooled(
    image: NDArray[np.float64], edges: NDArray[np.int64], factor: int
) -> NDArray[np.float64]:
    """[l, b, b] attention between bins, `factor` neighbouring bins made one.

    Mean over queries, weighted by how many positions a bin holds; sum over keys: rows still sum
    to 1.
    """
    starts = np.arange(0, image.shape[1], factor)
    widths = np.diff(edges).astype(np.float64)
    summed = np.add.reduceat(image * widths[:, None], starts, axis=1)
    by_query = summed / np.add.reduceat(widths, starts)[:, None]
    return np.asarray(np.add.reduceat(by_query, starts, axis=2))


def _scale(values: NDArray[np.float64], *, log: bool) -> tuple[float, float]:
    """Ends of a scale of attention: fixed on a logarithmic one, from 0 on a linear one."""
    return (FLOOR, 1.0) if log else (0.0, float(values.max()))


def _layer_names(run: Run) -> tuple[str, ...]:
    return tuple(text.LAYER_NUMBER.format(layer=layer) for layer in range(run.layers))


def _bin(edges: NDArray[np.int64], position: int) -> int:
    """The bin that a position begins in, or ends before."""
    return int(np.searchsorted(edges, position))
