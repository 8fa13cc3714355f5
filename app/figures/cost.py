"""What each K costs, in theory and as measured."""

from __future__ import annotations

import plotly.graph_objects as go

from app.figures import style
from vtw_core.results import Run


def cost_figure(run: Run) -> go.Figure:
    """Prefill FLOPs, KV cache and measured prefill time at every K, each as a share of the
    baseline's (K = L), in percent."""
    ks = list(range(run.layers + 1))
    prefill = run.seconds.prefill
    curves = (
        ("prefill FLOPs, theory", run.flops / run.flops[-1], style.BASELINE, "solid", "circle"),
        ("KV cache of the prompt", run.kv_bytes / run.kv_bytes[-1], style.VISUAL, "dash", "square"),
        (
            "prefill time, measured layer by layer",
            prefill / prefill[-1],
            style.VTW,
            "dot",
            "diamond",
        ),
    )
    figure = go.Figure(
        [
            go.Scatter(
                x=ks,
                y=[float(share) * 100 for share in shares],
                name=name,
                mode="lines+markers",
                line={"color": color, "dash": dash, "width": 2},
                marker={"symbol": marker, "size": 7},
                hovertemplate="%{y:.1f} %",
            )
            for name, shares, color, dash, marker in curves
        ]
    )
    figure.update_layout(
        style.layout(380, "K: first layer without visual tokens", "% of the baseline")
    )
    # On a phone the legend takes three lines above the axes.
    figure.update_layout(
        margin_t=84, legend={"y": 1.02, "yanchor": "bottom"}, xaxis_title_font_size=13
    )
    figure.update_yaxes(rangemode="tozero")
    return figure
