"""Every colour and size of the figures; the hues are those of ``page.css``."""

from __future__ import annotations

from typing import Any

VISUAL = "#e69f00"
BASELINE = "#2f8fd0"
VTW = "#c25a9c"
# Dark enough for white letters on it.
VTW_STRONG = "#a2327a"
CRITERION = "#1f9d74"
WARN = "#d2601a"
# Readable on the light and on the dark page, since a figure does not know which one it is on.
GREY = "#808793"
# KL at the first token, its mean and its maximum over the answer, as on the first tab; there the
# page's own: --vtw-ink, --vtw-baseline and --vtw-warn.
SCOPES = (GREY, BASELINE, WARN)
# What is paid: FLOPs, KV cache, time.
COSTS = (GREY, BASELINE, WARN)
GRID = "rgba(128, 135, 147, 0.25)"
TICK = "rgba(128, 135, 147, 0.7)"

# Okabe-Ito colours, apart for colour-blind eyes; a segment has the same one in every figure. The
# two that make the attention sink are both blue.
SEGMENTS = {
    "bos": "#56b4e9",
    "system": "#0072b2",
    "visual": VISUAL,
    "question": "#009e73",
    "answer": "#cc79a7",
}
CURVES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
# Pictures in the causal test; neither of them is VTW's or the image's own colour.
OTHER_IMAGES = (*CURVES[:3], CURVES[4])
# Of the Okabe-Ito hues too; a method has the same one, dash and marker everywhere. The page's own
# are --vtw-baseline, --vtw-vtw, --vtw-mustdrop, --vtw-fastv and --vtw-random.
METHODS = {
    "none": BASELINE, "vtw": VTW, "mustdrop": "#1f9d74", "fastv": "#d9701a", "random": GREY,
}  # fmt: skip
# Viridis, eleven steps: perceptually uniform, readable without colour.
SEQUENTIAL = (
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70",
    "#7ad151", "#bddf26", "#fde725",
)  # fmt: skip
# Blue to orange over a light grey, the same distance from it on both sides.
DIVERGING = ("#0072b2", "#6aaed4", "#d9d9d9", "#eab26b", "#c66a00")
# What holds no value: withdrawn, or not there yet.
EMPTY = "rgba(128, 135, 147, 0.10)"


# The page's own fonts: a chart reads as a part of it.
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
TITLE_SIZE = 13
TICK_SIZE = 12


def soft(color: str) -> str:
    """A CSS hex colour as a surface through which the grid is seen."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.22)"


def layout(height: int, x_title: str, y_title: str) -> dict[str, Any]:
    """Common layout: transparent, mid-grey text, no title inside the figure."""
    axis = {
        "gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "tickfont": {"size": TICK_SIZE}
    }  # fmt: skip
    font = {"size": TITLE_SIZE}
    return {
        "height": height,
        "margin": {"l": 60, "r": 20, "t": 30, "b": 50},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 13, "family": FONT},
        "xaxis": {"title": {"text": x_title, "font": font}, **axis},
        "yaxis": {"title": {"text": y_title, "font": font}, **axis},
        "legend": {"orientation": "h", "y": 1.12, "x": 0},
        "hovermode": "x unified",
        # Else a finger on the drawing selects a part of it, and neither scrolls nor zooms the page.
        "dragmode": False,
    }
