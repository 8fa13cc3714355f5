"""Charts as PNG and SVG for a paper or a talk: white, with title and caption; no pyplot.

The same chart gives the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from vtw_core.errors import InputError

from ..words.digits import percent, significant
from . import style
from .chart import Bars, Chart, Coloured, Heatmap, Joint, Lines, Points, Sheet, Stack
from .fonts import drawable, families
from .wrapping import wrapped

_WIDTH = 8.0  # inches
_PLAIN = FuncFormatter(lambda value, _: significant(value, 3))
_PERCENT = FuncFormatter(lambda value, _: percent(value))
_DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
_MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "star": "*"}
# A dollar sign in a model's word is no formula.
_RULES: Any = {
    "svg.hashsalt": "vtw", "text.parse_math": False, "font.size": 9, "axes.titlesize": 10,
}  # fmt: skip


def export(chart: Chart, kind: Literal["png", "svg"]) -> bytes:
    """The chart as a file; 8 inches wide, PNG at 160 dots per inch.

    Raises:
        InputError: a kind of chart that is not drawn, such as a table.
    """
    with rc_context({**_RULES, "font.family": families()}):
        figure = Figure(figsize=(_WIDTH, _height(chart)), layout="constrained")
        chart = drawable(chart)
        _draw(chart, figure)
        figure.suptitle(wrapped(chart.title, 88) or " ", fontsize=12)
        caption = wrapped(chart.caption, 125) or " "
        figure.supxlabel(caption, fontsize=7, color="#555555", x=0.01, ha="left")
        out = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=160, metadata=metadata)
    return out.getvalue()


def _height(chart: Chart) -> float:
    if isinstance(chart, Heatmap):
        return min(max(2.6 + 0.16 * chart.values.shape[0], 3.4), 9.0)
    if isinstance(chart, Sheet):
        return 1.4 + 1.45 * math.ceil(len(chart.titles) / 6)
    if isinstance(chart, Points):
        return 5.4
    return 1.2 + 2.3 * len(chart.panels) if isinstance(chart, Joint) else 4.6


@singledispatch
def _draw(chart: Chart, figure: Figure) -> None:
    raise InputError("A {kind} is not drawn; save it as CSV.", kind=type(chart).__name__)


@_draw.register
def _draw_lines(chart: Lines, figure: Figure) -> None:
    axes = figure.subplots()
    _lines_on(axes, chart)
    axes.set_xlabel(chart.x_label)
    _number_axis(axes)
    _k_on([axes], chart)


@_draw.register
def _draw_joint(chart: Joint, figure: Figure) -> None:
    every = np.atleast_1d(figure.subplots(len(chart.panels), 1, sharex=True))
    for axes, panel in zip(every, chart.panels, strict=True):
        _lines_on(axes, panel)
        axes.set_title(panel.title, loc="left")
    every[-1].set_xlabel(chart.x_label)
    _number_axis(every[-1])
    _k_on(list(every), chart)


def _lines_on(axes: Axes, chart: Lines) -> None:
    for series in chart.series:
        shown = np.where(series.values > 0, series.values, np.nan) if chart.log_y else series.values
        axes.plot(
            np.asarray(chart.x), shown, _DASHES[series.dash], color=series.color,
            marker=_MARKERS[series.marker], markersize=3.5, label=series.name,
        )  # fmt: skip
        band = chart.drawn_band(series)
        if band is not None:
            axes.fill_between(
                *band, color=series.color, alpha=0.2, linewidth=0, label=series.band_name
            )
    _marks_on(axes, chart)
    if chart.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PLAIN)
    elif chart.is_share:
        axes.yaxis.set_major_formatter(_PERCENT)
    if chart.y_limits is not None:
        axes.set_ylim(*chart.y_limits)
    axes.set_ylabel(chart.y_label)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)


def _marks_on(axes: Axes, chart: Lines | Bars) -> None:
    for mark in chart.marks:
        line = axes.axhline if mark.axis == "y" else axes.axvline
        line(mark.at, color=mark.color, linestyle="--", linewidth=1, label=mark.name)


@_draw.register
def _draw_bars(chart: Bars, figure: Figure) -> None:
    axes = figure.subplots()
    axes.bar(np.asarray(chart.x), chart.values, color=chart.color)
    _marks_on(axes, chart)
    if chart.y_limits is not None:
        axes.set_ylim(*chart.y_limits)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.grid(visible=True, axis="y", alpha=0.3)
    if chart.marks:
        axes.legend(fontsize=7)
    _number_axis(axes)
    _k_on([axes], chart)


@_draw.register
def _draw_stack(chart: Stack, figure: Figure) -> None:
    axes = figure.subplots()
    below = np.zeros(len(chart.x))
    for series in chart.series:
        axes.bar(np.asarray(chart.x), series.values * 100, bottom=below, width=0.94,
                 color=series.color, label=series.name)  # fmt: skip
        below = below + series.values * 100
    axes.set_ylim(0, 100)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}%"))
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.legend(ncols=len(chart.series), fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.05))
    _number_axis(axes)
    _k_on([axes], chart)


@_draw.register
def _draw_points(chart: Points, figure: Figure) -> None:
    axes = figure.subplots()
    for series in chart.series:
        y, reach = chart.drawn(series)
        axes.errorbar(
            series.x, y, reach, linestyle=_DASHES[series.dash], color=series.color, linewidth=1.2,
            elinewidth=0.8, capsize=2, marker=_MARKERS[series.marker], markersize=5,
            markerfacecolor=series.color if series.filled else "white", label=series.name,
        )  # fmt: skip
        for x, at, label in zip(series.x, y, series.labels, strict=False):
            axes.annotate(label, (x, at), (4, 4), textcoords="offset points", fontsize=7,
                          color=series.color)  # fmt: skip
    if chart.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PLAIN)
    if chart.y_limits is not None:
        axes.set_ylim(*chart.y_limits)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)
    _k_on([axes], chart)


@_draw.register
def _draw_heatmap(chart: Heatmap, figure: Figure) -> None:
    axes = figure.subplots()
    drawn = axes.imshow(
        chart.values, norm=_norm(chart), cmap=_colours(diverging=chart.diverging), aspect="auto",
        interpolation="nearest", origin="upper" if chart.flipped else "lower",
    )  # fmt: skip
    _name_axis(axes, "x", chart.x_names, chart.x_ticks)
    _name_axis(axes, "y", chart.y_names, chart.y_ticks)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    top = 1.01
    for band in chart.bands:
        axes.axvspan(band.start - 0.5, band.stop - 0.5, ymin=top, ymax=top + 0.025,
                     color=band.color, clip_on=False, linewidth=0)  # fmt: skip
    for band in chart.y_bands:
        axes.axhspan(band.start - 0.5, band.stop - 0.5, xmin=-0.015, xmax=-0.004,
                     color=band.color, clip_on=False, linewidth=0)  # fmt: skip
    names = {band.name: band.color for band in (*chart.bands, *chart.y_bands)}
    if names:
        handles = [axes.plot([], [], "s", color=color)[0] for color in names.values()]
        axes.legend(handles, list(names), ncols=len(names), fontsize=7, loc="lower left",
                    bbox_to_anchor=(0, 1.03))  # fmt: skip
    low, high = chart.scaled_range
    for y, row in enumerate(chart.words or ()):
        for x, word in enumerate(row):
            is_bright = (chart.scaled[y, x] - low) / (high - low) > 0.55
            axes.text(x, y, word, ha="center", va="center", fontsize=5,
                      color="black" if is_bright else "white")  # fmt: skip
    _colour_bar(figure, drawn, axes, chart)
    _k_on([axes], chart)


@_draw.register
def _draw_sheet(chart: Sheet, figure: Figure) -> None:
    across = max(1, min(6, len(chart.titles)))
    down = math.ceil(len(chart.titles) / across)
    every = np.atleast_1d(figure.subplots(down, across)).ravel()
    for axes in every:
        axes.set_axis_off()
    for axes, title, values in zip(every, chart.titles, chart.values, strict=False):
        drawn = axes.imshow(
            values, norm=_norm(chart), cmap=_colours(), interpolation="nearest",
            origin="upper" if chart.flipped else "lower",
        )  # fmt: skip
        axes.set_title(title, fontsize=7)
    _colour_bar(figure, drawn, list(every), chart)


def _colour_bar(figure: Figure, drawn: Any, beside: Any, chart: Coloured) -> None:
    bar = figure.colorbar(drawn, ax=beside, label=chart.unit, pad=0.01)
    if chart.log or chart.is_share:
        bar.ax.yaxis.set_major_formatter(_PERCENT if chart.is_share else _PLAIN)


def _norm(chart: Coloured) -> Normalize:
    high = max(chart.high, chart.low + 1e-9)
    return LogNorm(chart.low, high, clip=True) if chart.log else Normalize(chart.low, high)


def _colours(*, diverging: bool = False) -> Colormap:
    steps = style.DIVERGING if diverging else style.SEQUENTIAL
    colours = LinearSegmentedColormap.from_list("vtw", list(steps))
    return colours.with_extremes(bad="#f0f0f0")


def _name_axis(axes: Axes, axis: Literal["x", "y"], names: Sequence[str], ticks: Any) -> None:
    step = max(1, math.ceil(len(names) / 32))
    shown = ticks or [(place, names[place]) for place in range(0, len(names), step)]
    places, words = [place for place, _ in shown], [word for _, word in shown]
    if axis == "x":
        long = max((len(word) for word in words), default=0) > 3
        axes.set_xticks(places, words, fontsize=7, rotation=90 if long else 0)
    else:
        axes.set_yticks(places, words, fontsize=7)


def _number_axis(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=16, integer=True))


def _k_on(every: list[Axes], chart: Chart) -> None:
    line = chart.k_line
    if line is None or line.k is None:
        return
    across = line.axis == "x"
    for axes in every:
        draw = axes.axvline if across else axes.axhline
        draw(line.at, color=style.VTW_STRONG, linewidth=1.5)
    first = every[0]
    first.text(
        line.at if across else 1.005, 1 if across else line.at, f"K = {line.k}", color="white",
        fontsize=7, ha="center" if across else "left", va="bottom" if across else "center",
        transform=first.get_xaxis_transform() if across else first.get_yaxis_transform(),
        bbox={"facecolor": style.VTW_STRONG, "linewidth": 0, "pad": 1.5},
    )  # fmt: skip
