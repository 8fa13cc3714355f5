"""The same three figures as one drawing for a paper or a talk (Matplotlib, SVG)."""

from __future__ import annotations

import io

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vtw_core.results.calibration import Reading

from ..presenters.calibration_view import DIRECTION_NAMES
from ..words import page as text
from . import style
from .calibration import kl_range
from .fonts import families


def calibration_svg(reading: Reading) -> bytes:
    """SVG, 8 x 10 inches, white; the same reading gives the same bytes."""
    with rc_context({"svg.hashsalt": "vtw", "font.family": families()}):
        return _drawn(reading)


def _drawn(reading: Reading) -> bytes:
    figure = Figure(figsize=(8, 10), layout="constrained")
    above, middle, below = figure.subplots(3, 1, sharex=True)
    _draw_kl(above, reading)
    _draw_outcome(middle, reading)
    below.bar(range(reading.layers + 1), reading.histogram, color=style.VTW)
    below.set_ylabel(text.AXIS_COUNT.format(samples=reading.samples))
    below.set_xlabel(text.AXIS_K)
    below.yaxis.set_major_locator(MaxNLocator(integer=True))
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (above, middle, below):
        axes.axvline(reading.k_star, color=style.CRITERION)
        axes.grid(visible=True, alpha=0.3)
    figure.suptitle(
        text.CALIBRATION_DRAWN.format(
            model=reading.setting.model,
            type=reading.setting.model_type,
            k=reading.k_star,
            layers=reading.layers,
            eta=reading.eta,
            rule=text.RULES[reading.rule],
        ),
        fontsize=11,
    )
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _draw_kl(axes: Axes, reading: Reading) -> None:
    ks = [k for k in range(reading.layers + 1) if reading.kl_mean[k] > 0]
    low, high = kl_range(reading)
    axes.set_yscale("log")
    axes.set_ylim(10.0**low, 10.0**high)
    axes.plot(ks, reading.kl_mean[ks], "o-", color=style.VTW, label=text.CURVE_MEAN)
    if reading.kl_band is not None:
        lower, upper = reading.kl_band[:, ks].clip(min=10.0**low)
        axes.fill_between(
            ks, lower, upper, color=style.VTW, alpha=0.2, linewidth=0, label=text.CURVE_BAND
        )
    if reading.eta > 0:
        label = text.MARK_ETA.format(eta=reading.eta)
        axes.axhline(reading.eta, color=style.CRITERION, linestyle="--", label=label)
    title = text.AXIS_KL.format(
        direction=DIRECTION_NAMES[reading.direction], scope=text.SCOPES[reading.scope],
        samples=reading.samples,
    )  # fmt: skip
    axes.set_ylabel(title.replace("<br>", "\n"))
    axes.legend()


def _draw_outcome(axes: Axes, reading: Reading) -> None:
    ks = range(reading.layers + 1)
    axes.plot(ks, reading.agreement * 100, "o-", color=style.VTW, label=text.CURVE_SAME)
    if reading.accuracy is not None:
        axes.plot(ks, reading.accuracy * 100, "s--", color=style.VISUAL, label=text.CURVE_RIGHT)
    flops = text.CURVE_FLOPS.format(layers=reading.layers)
    axes.plot(ks, reading.flops_share * 100, "D:", color=style.BASELINE, label=flops)
    axes.set_ylim(0, 104)
    axes.set_ylabel(text.AXIS_SHARE.format(samples=reading.samples))
    axes.legend()
