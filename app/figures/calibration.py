"""A calibration at one threshold: mean KL, what the answers and the cost do, K* of the samples."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from vtw_core.results.calibration import Reading

from ..presenters.calibration_view import DIRECTION_NAMES
from ..words import page as text
from ..words.digits import significant
from . import style
from .plotly_charts import decades, number_axis


def kl_range(reading: Reading) -> tuple[float, float]:
    """Whole decades around everything that can be drawn on a log axis, as powers of ten.

    The band's lower end may come near 0: it is followed to a tenth of the mean.
    """
    values = [reading.eta, *reading.kl_mean.tolist()]
    if reading.kl_band is not None:
        lower, upper = reading.kl_band
        values += [*np.maximum(lower, reading.kl_mean / 10).tolist(), *upper.tolist()]
    drawn = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(drawn))), math.ceil(math.log10(max(drawn)))
    return low, max(high, low + 1)


def kl_figure(reading: Reading) -> go.Figure:
    """The mean KL curve on a log axis with its band, η and K*; zeros leave a gap."""
    shown = [k for k in range(reading.layers + 1) if reading.kl_mean[k] > 0]
    figure = go.Figure()
    low, high = kl_range(reading)
    if reading.kl_band is not None:
        ends = [[max(float(end[k]), 10.0**low) for k in shown] for end in reading.kl_band]
        figure.add_scatter(
            x=[*shown, *reversed(shown)], y=[*ends[1], *reversed(ends[0])], fill="toself",
            fillcolor=style.VTW_SOFT, line={"width": 0}, mode="lines", hoverinfo="skip",
            name=text.CURVE_BAND,
        )  # fmt: skip
    figure.add_scatter(
        x=shown, y=[float(reading.kl_mean[k]) for k in shown], mode="lines+markers",
        line={"color": style.VTW, "width": 2}, marker={"size": 7}, name=text.CURVE_MEAN,
        customdata=[significant(float(reading.kl_mean[k]), 3) for k in shown],
        hovertemplate=text.HOVER_KL,
    )  # fmt: skip
    y_title = text.AXIS_KL.format(
        direction=DIRECTION_NAMES[reading.direction], scope=text.SCOPES[reading.scope],
        samples=reading.samples,
    )  # fmt: skip
    figure.update_layout(style.layout(380, text.AXIS_K, y_title), margin={"l": 85, "t": 60})
    figure.update_yaxes(type="log", range=[low - 0.05, high + 0.05], **decades())
    if reading.eta > 0:
        figure.add_hline(
            y=reading.eta, line={"color": style.CRITERION, "dash": "dash", "width": 1.5}
        )
        # A shape stands at its value on a log axis, an annotation at the value's logarithm.
        figure.add_annotation(
            text=text.MARK_ETA.format(eta=reading.eta), y=math.log10(reading.eta),
            x=0, xref="paper", xanchor="left", yanchor="bottom", showarrow=False,
        )  # fmt: skip
    _mark_k_star(figure, reading)
    number_axis(figure, range(reading.layers + 1))
    return figure


def outcome_figure(reading: Reading) -> go.Figure:
    """Agreement with the baseline, accuracy where answers are known, and FLOPs, in percent."""
    curves = [(text.CURVE_SAME, reading.agreement, style.VTW, "solid", "circle")]
    if reading.accuracy is not None:
        curves.append((text.CURVE_RIGHT, reading.accuracy, style.BASELINE, "dash", "square"))
    flops = text.CURVE_FLOPS.format(layers=reading.layers)
    curves.append((flops, reading.flops_share, style.COSTS[0], "dot", "diamond"))
    figure = go.Figure(
        [
            go.Scatter(
                x=list(range(reading.layers + 1)), y=[float(share) * 100 for share in shares],
                name=name, mode="lines+markers", line={"color": color, "dash": dash, "width": 2},
                marker={"symbol": marker, "size": 7}, hovertemplate="%{y:.0f}%",
            )
            for name, shares, color, dash, marker in curves
        ]
    )  # fmt: skip
    title = text.AXIS_SHARE.format(samples=reading.samples)
    figure.update_layout(style.layout(380, text.AXIS_K, title), margin={"t": 100})
    figure.update_yaxes(range=[0, 104])
    _mark_k_star(figure, reading)
    number_axis(figure, range(reading.layers + 1))
    return figure


def histogram_figure(reading: Reading) -> go.Figure:
    """How many samples have their own K* at each K."""
    figure = go.Figure(
        go.Bar(
            x=list(range(reading.layers + 1)), y=reading.histogram.tolist(),
            marker={"color": style.VTW}, hovertemplate=f"{text.HOVER_COUNT}<extra></extra>",
        )
    )  # fmt: skip
    title = text.AXIS_COUNT.format(samples=reading.samples)
    figure.update_layout(
        style.layout(380, text.AXIS_K, title), hovermode="closest", margin={"t": 60}
    )
    figure.update_yaxes(
        range=[0, int(reading.histogram.max()) * 1.15], dtick=max(1, reading.histogram.max() // 5)
    )
    _mark_k_star(figure, reading)
    number_axis(figure, range(reading.layers + 1))
    return figure


def _mark_k_star(figure: go.Figure, reading: Reading) -> None:
    """A line at K*, with its name above the axes, and the legend above that."""
    figure.add_vline(x=reading.k_star, line={"color": style.CRITERION, "width": 2}, layer="below")
    figure.add_annotation(
        text=text.MARK_K_STAR.format(k=reading.k_star), x=reading.k_star, y=1, yref="paper",
        yanchor="bottom", showarrow=False,
    )  # fmt: skip
    figure.update_layout(legend={"y": 1.09, "yanchor": "bottom"})
