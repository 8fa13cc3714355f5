"""Charts as Plotly figures: transparent, mid-grey text, no title inside, no template."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import singledispatch
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from vtw_core.errors import InputError

from ..words.digits import decade, percent, significant
from ..words.language import language
from . import style
from .chart import (
    Band,
    Bars,
    Chart,
    Coloured,
    Heatmap,
    Joint,
    Lines,
    Points,
    Series,
    Sheet,
    Stack,
)
from .plotly_axes import decades, name_axis, number_axis, titled_axis

# The page moves the shape and the annotation of this name when a visitor moves K.
K_NAME = "K"
_EMPTY_TEMPLATE: dict[str, Any] = {"data": {}, "layout": {}}
_STRIP = 12  # pixels; the coloured strip of the bands above a heatmap
_BESIDE_K = 1.06  # of the width; where a colour bar leaves room for it, until the page knows better
_ABOVE_K = 1.09  # of the height of the axes; where a legend leaves room for the name of K


@singledispatch
def figure(chart: Chart) -> go.Figure:
    """The chart as a Plotly figure.

    Raises:
        InputError: a kind of chart that is not drawn, such as a table.
    """
    raise InputError("A {kind} is not drawn; save it as CSV.", kind=type(chart).__name__)


def export_html(chart: Chart) -> str:
    """One file that opens anywhere, without a network: figure, title, caption and summary."""
    body = embedded_html(chart, with_plotly=True)
    title, caption, summary = (escape(part) for part in (chart.title, chart.caption, chart.summary))
    return (
        f'<!doctype html><html lang="{language().tag}"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;"
        "padding:0 1em;color:#222}figcaption{color:#555;font-size:14px}</style></head>"
        f"<body><h1>{title}</h1><p>{summary}</p><figure>{body}"
        f"<figcaption>{caption}</figcaption></figure></body></html>"
    )


def embedded_html(chart: Chart, *, with_plotly: bool = False) -> str:
    """The figure as part of a white HTML page, which must hold plotly.js unless it comes along."""
    drawn = figure(chart)
    for trace in drawn.data:
        if trace.type == "heatmap" and trace.meta:
            _name_cells(trace)
    drawn.update_layout(paper_bgcolor="white", plot_bgcolor="white", font_color="#333")
    body: str = drawn.to_html(
        full_html=False, include_plotlyjs=with_plotly, div_id=f"chart-{chart.name}",
        config={"displaylogo": False, "responsive": True},
    )  # fmt: skip
    return body


@figure.register
def _lines(chart: Lines) -> go.Figure:
    drawn = go.Figure()
    _add_lines(drawn, chart, "y")
    drawn.update_layout(_layout(chart, 380))
    drawn.update_layout(
        hovermode="x unified", legend={"y": _ABOVE_K, "yanchor": "bottom"}, margin={"t": 70}
    )
    _style_y(drawn, chart, "yaxis")
    number_axis(drawn, chart.x)
    _draw_k(drawn, chart)
    return drawn


@figure.register
def _joint(chart: Joint) -> go.Figure:
    drawn = go.Figure()
    count = len(chart.panels)
    gap = 0.09
    height = (1 - gap * (count - 1)) / count
    drawn.update_layout(_layout(chart, 200 * count + 84))
    for index, panel in enumerate(chart.panels):
        axis = "y" if index == 0 else f"y{index + 1}"
        key = "yaxis" if index == 0 else f"yaxis{index + 1}"
        top = 1 - index * (height + gap)
        _add_lines(drawn, panel, axis)
        drawn.update_layout(
            {key: {**titled_axis(panel.y_label), "domain": [max(top - height, 0), top]}}
        )
        _style_y(drawn, panel, key)
        drawn.add_annotation(
            text=f"<b>{escape(panel.title)}</b>", x=0, xref="paper", xanchor="left", y=top,
            yref="paper", yanchor="bottom", showarrow=False,
        )  # fmt: skip
    drawn.update_layout(
        hovermode="x unified", margin={"t": 54}, showlegend=False, hoversubplots="axis",
    )  # fmt: skip
    number_axis(drawn, chart.panels[-1].x)
    drawn.update_xaxes(anchor="y" if count == 1 else f"y{count}")
    _draw_k(drawn, chart)
    # Above the titles of the panels.
    drawn.update_annotations(selector={"name": K_NAME}, yshift=18)
    return drawn


def _add_lines(drawn: go.Figure, chart: Lines, axis: str) -> None:
    x = np.asarray(chart.x, dtype=float)
    for series in chart.series:
        _add_band(drawn, chart, series, axis)
        shown = series.values
        if chart.log_y:
            shown = np.where(shown > 0, shown, np.nan)
        drawn.add_scatter(
            x=x, y=shown, name=escape(series.name), yaxis=axis, mode="lines+markers",
            line={"color": series.color, "dash": series.dash, "width": 2.25},
            marker={"symbol": series.marker, "size": 6 if len(x) < 30 else 4},
            customdata=[_told(chart)(value) for value in np.nan_to_num(series.values)],
            hovertemplate="%{customdata} " + escape(chart.unit),
        )  # fmt: skip
    _add_marks(drawn, chart, axis)


def _add_band(drawn: go.Figure, chart: Lines, series: Series, axis: str) -> None:
    band = chart.drawn_band(series)
    if band is not None:
        x, low, high = band
        drawn.add_scatter(
            x=[*x, *x[::-1]], y=[*high, *low[::-1]], yaxis=axis, fill="toself", mode="lines",
            fillcolor=style.soft(series.color), line={"width": 0}, hoverinfo="skip",
            name=escape(series.band_name),
        )  # fmt: skip


def _add_marks(drawn: go.Figure, chart: Lines | Bars, axis: str) -> None:
    for mark in chart.marks:
        ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": mark.at, "y1": mark.at, "yref": axis}
        place: dict[str, Any] = {"x": 1, "xref": "paper", "xanchor": "right", "y": mark.at,
                                 "yref": axis, "yanchor": "bottom"}  # fmt: skip
        if mark.axis == "x":
            ends = {"x0": mark.at, "x1": mark.at, "y0": 0, "y1": 1, "yref": f"{axis} domain"}
            # In the margin, where it covers no data, unless K's own name stands there.
            y, side = (1, "center") if chart.k_line is None else (0, "left")
            place = {"x": mark.at, "y": y, "yref": f"{axis} domain", "xanchor": side,
                     "yanchor": "bottom"}  # fmt: skip
        elif chart.log_y:
            # A shape stands at its value on a log axis, an annotation at the value's logarithm.
            place["y"] = math.log10(mark.at)
        line = {"color": mark.color, "dash": "dash", "width": 1.5}
        drawn.add_shape(type="line", line=line, layer="below", **ends)
        drawn.add_annotation(text=escape(mark.name), showarrow=False, **place)


@figure.register
def _bars(chart: Bars) -> go.Figure:
    drawn = go.Figure(
        go.Bar(
            x=np.asarray(chart.x, dtype=float), y=chart.values, marker={"color": chart.color},
            customdata=[_told(chart)(value) for value in chart.values],
            hovertemplate="%{x}: %{customdata} " + escape(chart.unit) + "<extra></extra>",
        )
    )  # fmt: skip
    drawn.update_layout(_layout(chart, 380))
    _style_y(drawn, chart, "yaxis")
    number_axis(drawn, chart.x)
    _add_marks(drawn, chart, "y")
    _draw_k(drawn, chart)
    return drawn


def _style_y(drawn: go.Figure, chart: Lines | Bars | Points, key: str) -> None:
    axis: dict[str, Any] = {"rangemode": "tozero"}
    if chart.log_y:
        axis = {"type": "log", **decades()}
    elif chart.is_share:
        axis["tickformat"] = ".0%"
    if chart.y_limits is not None:
        low, high = chart.y_limits
        axis["range"] = [math.log10(low), math.log10(high)] if chart.log_y else [low, high]
    drawn.update_layout({key: axis})


@figure.register
def _points(chart: Points) -> go.Figure:
    drawn = go.Figure()
    for series in chart.series:
        y, reach = chart.drawn(series)
        drawn.add_scatter(
            x=series.x, y=y, name=escape(series.name),
            mode="lines+markers+text" if series.labels else "lines+markers",
            text=[escape(label) for label in series.labels] or None, textposition="bottom right",
            textfont={"size": 11},
            line={"color": series.color, "dash": series.dash, "width": 2},
            marker={"symbol": series.marker + ("" if series.filled else "-open"), "size": 9},
            error_y={"type": "data", "symmetric": False, "array": reach[1],
                     "arrayminus": reach[0], "thickness": 1.2, "width": 3},
            customdata=[[escape(name), *(significant(value, 3) for value in values)]
                        for name, *values in zip(series.names, series.x, series.y, series.low,
                                                 series.high, strict=True)],
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[2]} " + escape(chart.unit)
            + " (%{customdata[3]} – %{customdata[4]})<br>%{customdata[1]} "
            + escape(chart.x_unit) + "<extra></extra>",
        )  # fmt: skip
    drawn.update_layout(_layout(chart, 520))
    drawn.update_layout(legend={"y": 1.02, "yanchor": "bottom"}, margin={"t": 70})
    _style_y(drawn, chart, "yaxis")
    return drawn


@figure.register
def _stack(chart: Stack) -> go.Figure:
    drawn = go.Figure(
        [
            go.Bar(
                x=np.asarray(chart.x, dtype=float), y=series.values * 100,
                name=escape(series.name), marker={"color": series.color, "line": {"width": 0}},
                hovertemplate="%{y:.1f}%",
            )
            for series in chart.series
        ]
    )  # fmt: skip
    drawn.update_layout(_layout(chart, 380))
    drawn.update_layout(
        barmode="stack", bargap=0.06, hovermode="x unified", margin={"t": 70},
        legend={"y": _ABOVE_K, "yanchor": "bottom", "traceorder": "normal"},
    )  # fmt: skip
    drawn.update_yaxes(range=[0, 100.001], ticksuffix="%", dtick=25)
    number_axis(drawn, chart.x)
    _draw_k(drawn, chart)
    return drawn


@figure.register
def _heatmap(chart: Heatmap) -> go.Figure:
    rows, columns = chart.values.shape
    cell = 22 if chart.words else 15
    body = min(max(rows * cell, 150), 620)
    above = 64 if (chart.bands or chart.y_bands) else 24
    drawn = go.Figure(_cells(chart))
    drawn.update_layout(_layout(chart, body + above + 62))
    drawn.update_layout(
        margin={"t": above, "r": 10}, legend={"y": 1 + 18 / body, "yanchor": "bottom"},
        plot_bgcolor=style.EMPTY, coloraxis=_color_axis(chart),
    )  # fmt: skip
    drawn.update_xaxes(showgrid=False, zeroline=False, range=[-0.5, columns - 0.5])
    ends = [-0.5, rows - 0.5]
    drawn.update_yaxes(showgrid=False, zeroline=False, range=ends[::-1] if chart.flipped else ends)
    name_axis(drawn, "x", chart.x_names, chart.x_ticks)
    name_axis(drawn, "y", chart.y_names, chart.y_ticks)
    for bands, axis in ((chart.bands, "x"), (chart.y_bands, "y")):
        _draw_bands(drawn, bands, axis, body)
    for name, color in {band.name: band.color for band in (*chart.bands, *chart.y_bands)}.items():
        drawn.add_scatter(
            x=[None], y=[None], mode="markers", name=escape(name), showlegend=True,
            marker={"symbol": "square", "size": 11, "color": color},
        )  # fmt: skip
    _draw_k(drawn, chart)
    return drawn


def _cells(chart: Heatmap) -> go.Heatmap:
    cells = go.Heatmap(
        z=np.asarray(chart.scaled, dtype=np.float32), hoverongaps=False,
        coloraxis="coloraxis", hovertemplate="%{hovertext}<extra></extra>",
        # The page, or `_name_cells`, makes a hover text of each cell out of these.
        meta={"x": list(chart.x_names), "y": list(chart.y_names), "unit": chart.unit,
              "log": chart.log, "share": chart.is_share},
    )  # fmt: skip
    if chart.words:
        cells.text = [[escape(word) for word in row] for row in chart.words]
        cells.texttemplate = "%{text}"
        cells.textfont = {"size": 11}
    return cells


def _name_cells(cells: Any) -> None:
    """What the page does in the browser: a hover text for each cell."""
    meta = cells.meta
    values = 10.0**cells.z if meta["log"] else cells.z
    told = percent if meta["share"] else _three
    cells.hovertext = [
        [f"{escape(y)}<br>{escape(x)}<br>{told(value)} {escape(meta['unit'])}"
         for x, value in zip(meta["x"], row, strict=True)]
        for y, row in zip(meta["y"], values, strict=True)
    ]  # fmt: skip


def _three(value: float) -> str:
    return significant(value, 3)


def _told(chart: Chart) -> Callable[[float], str]:
    return percent if chart.is_share else _three


def _power(chart: Chart, power: int) -> str:
    return percent(10.0**power) if chart.is_share else decade(power)


def _color_axis(chart: Coloured) -> dict[str, Any]:
    """One scale with its bar, in the chart's own unit."""
    low, high = chart.scaled_range
    bar: dict[str, Any] = {
        "thickness": 11, "outlinewidth": 0, "len": 1, "xpad": 8, "ypad": 0,
        "title": {"text": escape(chart.unit), "side": "right"}, "tickfont": {"size": 11},
    }  # fmt: skip
    if chart.log:
        powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
        bar |= {
            "tickvals": list(powers),
            "ticktext": [_power(chart, power) for power in powers],
        }
    elif chart.is_share:
        bar["tickformat"] = "~%"
    diverging = isinstance(chart, Heatmap) and chart.diverging
    colours = list(style.DIVERGING if diverging else style.SEQUENTIAL)
    return {"cmin": low, "cmax": high, "colorscale": colours, "colorbar": bar}


@figure.register
def _sheet(chart: Sheet) -> go.Figure:
    count, rows, columns = chart.values.shape
    across = max(1, min(6, count))
    down = math.ceil(count / across)
    drawn = go.Figure()
    drawn.update_layout(_layout(chart, 150 * down + 50))
    drawn.update_layout(
        margin={"l": 8, "r": 10, "t": 22, "b": 12}, showlegend=False, plot_bgcolor=style.EMPTY,
        coloraxis=_color_axis(chart),
    )  # fmt: skip
    gap_x, gap_y = 0.012, 22 / (150 * down)
    width = (1 - gap_x * (across - 1)) / across
    height = (1 - gap_y * (down - 1)) / down
    for index in range(count):
        row, column = divmod(index, across)
        number = "" if index == 0 else str(index + 1)
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        drawn.add_heatmap(
            z=np.asarray(chart.scaled[index], dtype=np.float32), coloraxis="coloraxis",
            xaxis=f"x{number}", yaxis=f"y{number}", hoverinfo="skip",
        )  # fmt: skip
        chosen = index == chart.highlight
        side: dict[str, Any] = {"showgrid": False, "zeroline": False, "showticklabels": False,
                                "ticks": "", "showline": True, "mirror": True, "linewidth": 1,
                                "linecolor": style.GRID}  # fmt: skip
        if chosen:
            side |= {"linewidth": 2.5, "linecolor": style.VTW}
        ends = [-0.5, rows - 0.5]
        drawn.update_layout(
            {
                f"xaxis{number}": {**side, "domain": [left, min(left + width, 1)],
                                   "anchor": f"y{number}", "range": [-0.5, columns - 0.5],
                                   "title": {"text": ""}, "constrain": "domain",
                                   "constraintoward": "left", "scaleanchor": f"y{number}"},
                f"yaxis{number}": {**side, "domain": [max(top - height, 0), top],
                                   "anchor": f"x{number}", "title": {"text": ""},
                                   "range": ends[::-1] if chart.flipped else ends,
                                   "constrain": "domain", "constraintoward": "top"},
            }
        )  # fmt: skip
        drawn.add_annotation(
            text=escape(chart.titles[index]), x=left, xref="paper", xanchor="left", y=top,
            yref="paper", yanchor="bottom", showarrow=False, font={"size": 11},
        )  # fmt: skip
    return drawn


def _layout(chart: Chart, height: int) -> dict[str, Any]:
    return {
        **style.layout(height, escape(chart.x_label), escape(chart.y_label)),
        "template": _EMPTY_TEMPLATE, "hovermode": "closest",
    }  # fmt: skip


def _draw_bands(drawn: go.Figure, bands: tuple[Band, ...], axis: str, body: int) -> None:
    """A coloured strip beside the map: above it for its columns, on its left for its rows."""
    for band in bands:
        ends = (band.start - 0.5, band.stop - 0.5)
        if axis == "x":
            place = {"x0": ends[0], "x1": ends[1], "y0": 1 + 3 / body, "y1": 1 + _STRIP / body,
                     "yref": "paper"}  # fmt: skip
        else:
            place = {"y0": ends[0], "y1": ends[1], "x0": -0.011, "x1": -0.003, "xref": "paper"}
            drawn.update_yaxes(ticklabelstandoff=12)
        drawn.add_shape(type="rect", fillcolor=band.color, line={"width": 0}, **place)


def _draw_k(drawn: go.Figure, chart: Chart) -> None:
    """The line of K and its name, hidden until there is a K."""
    line = chart.k_line
    if line is None:
        return
    across = line.axis == "x"
    place, other = ("x", "y") if across else ("y", "x")
    drawn.add_shape(
        type="line", name=K_NAME, visible=line.k is not None,
        line={"color": style.VTW_STRONG, "width": 2},
        **{f"{place}0": line.at, f"{place}1": line.at, f"{other}0": 0, f"{other}1": 1,
           f"{other}ref": "paper"},
    )  # fmt: skip
    # In the margin, where it covers no data.
    drawn.add_annotation(
        name=K_NAME, text=f"<b>K = {line.k}</b>", showarrow=False, visible=line.k is not None,
        font={"color": "#ffffff", "size": 12}, bgcolor=style.VTW_STRONG, borderpad=2,
        **{place: line.at, other: 1, f"{other}ref": "paper",
           "xanchor": "center" if across else "left", "yanchor": "bottom" if across else "middle"},
    )  # fmt: skip
    if not across:
        drawn.update_layout(coloraxis={"colorbar": {"x": _BESIDE_K}})
    drawn.update_layout(meta={"k": {"axis": line.axis, "offset": line.offset}})
