"""A calibration at one threshold: mean KL, what the answers and the cost do, K* of the samples."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vtw_core.measures.bootstrap import BAND_METHOD
from vtw_core.results.calibration import Reading

from ..presenters.calibration_view import DIRECTION_NAMES, percent
from ..words import page as text
from ..words.digits import significant
from ..words.library_words import worded
from . import style
from .chart import Bars, Chart, Lines, Mark, Series


def kl(reading: Reading) -> Lines:
    """The mean KL curve on a log axis with its band, η and K*; zeros leave a gap."""
    direction = DIRECTION_NAMES[reading.direction]
    band = text.CALIBRATE_NO_BAND if reading.kl_band is None else worded(BAND_METHOD)
    low, high = kl_range(reading)
    marks = [_k_star(reading)]
    if reading.eta > 0:
        marks.append(Mark("y", reading.eta, text.MARK_ETA.format(eta=reading.eta), style.CRITERION))
    return Lines(
        name="calibration_kl",
        title=text.CALIBRATE_KL,
        x_label=text.AXIS_K,
        y_label=text.AXIS_MEAN_KL.format(scope=text.SCOPES[reading.scope]),
        unit="nats",
        caption=text.CALIBRATE_KL_CAPTION.format(
            direction=direction, scope=text.SCOPES[reading.scope], samples=reading.samples,
            band=band, layers=reading.layers,
        ),
        summary=text.CALIBRATE_KL_SUMMARY.format(
            eta=reading.eta, k=reading.k_star, layers=reading.layers,
            kl=significant(float(reading.kl_mean[reading.k_star]), 3),
        ),
        x=range(reading.layers + 1),
        series=(
            Series(
                text.CURVE_MEAN, reading.kl_mean, style.VTW, band=reading.kl_band,
                band_name=text.CURVE_BAND,
            ),
        ),
        log_y=True,
        y_range=(10.0**low, 10.0**high),
        marks=tuple(marks),
    )  # fmt: skip


def outcome(reading: Reading) -> Lines:
    """Agreement with the baseline, accuracy where answers are known, and FLOPs, in percent."""
    k = reading.k_star
    curves = [Series(text.CURVE_SAME, reading.agreement * 100, style.VTW)]
    right = right_at_k = ""
    if reading.accuracy is not None:
        right = text.CALIBRATE_RIGHT_NOTE.format(answered=reading.answered)
        right_at_k = text.CALIBRATE_RIGHT_SUMMARY.format(
            at_k=percent(reading.accuracy[k]), baseline=percent(reading.accuracy[-1]),
            layers=reading.layers,
        )  # fmt: skip
        curves.append(
            Series(text.CURVE_RIGHT, reading.accuracy * 100, style.BASELINE, "dash", "square")
        )
    flops = text.CURVE_FLOPS.format(layers=reading.layers)
    curves.append(Series(flops, reading.flops_share * 100, style.COSTS[0], "dot", "diamond"))
    return Lines(
        name="calibration_answers_and_cost",
        title=text.CALIBRATE_OUTCOME,
        x_label=text.AXIS_K,
        y_label=text.AXIS_PERCENT.format(samples=reading.samples),
        unit="%",
        caption=text.CALIBRATE_OUTCOME_CAPTION.format(
            samples=reading.samples, right=right, layers=reading.layers,
            convention=worded(reading.setting.flops_convention),
        ),
        summary=text.CALIBRATE_OUTCOME_SUMMARY.format(
            k=k, agreement=percent(reading.agreement[k]), flops=percent(reading.flops_share[k]),
            right=right_at_k,
        ),
        x=range(reading.layers + 1),
        series=tuple(curves),
        y_range=(0, 104),
        marks=(_k_star(reading),),
    )  # fmt: skip


def histogram(reading: Reading) -> Bars:
    """How many samples have their own K* at each K."""
    stars = reading.k_stars
    return Bars(
        name="calibration_k_star",
        title=text.CALIBRATE_HISTOGRAM,
        x_label=text.AXIS_K,
        y_label=text.AXIS_COUNT.format(samples=reading.samples),
        unit=text.UNIT_SAMPLES,
        caption=text.CALIBRATE_HISTOGRAM_CAPTION.format(
            eta=reading.eta, scope=text.SCOPES[reading.scope],
            direction=DIRECTION_NAMES[reading.direction], rule=text.RULES[reading.rule],
        ),
        summary=text.CALIBRATE_HISTOGRAM_SUMMARY.format(
            least=stars.min(), most=stars.max(), median=float(np.median(stars)), k=reading.k_star
        ),
        x=range(reading.layers + 1),
        values=reading.histogram.astype(float),
        color=style.VTW,
        y_range=(0, float(reading.histogram.max()) * 1.15),
        marks=(_k_star(reading),),
    )  # fmt: skip


def kl_range(reading: Reading) -> tuple[int, int]:
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


def _k_star(reading: Reading) -> Mark:
    name = text.MARK_K_STAR.format(k=reading.k_star)
    return Mark("x", reading.k_star, name, style.CRITERION)


CHARTS: dict[str, Callable[[Reading], Chart]] = {
    "kl": kl, "outcome": outcome, "histogram": histogram
}  # fmt: skip
