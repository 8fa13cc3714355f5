"""A calibration in words and rows: pure functions of a reading."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from vtw_core.results.calibration import Reading
from vtw_core.results.run import choose_k

from ..words import page as text
from ..words.digits import significant

DIRECTION_NAMES = {
    "withdrawn_full": "KL(P withdrawn ‖ P full)",
    "full_withdrawn": "KL(P full ‖ P withdrawn)",
}


def percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def summary(reading: Reading) -> str:
    """What this reading says, for those who read and for those who cannot see the figures."""
    k, layers = reading.k_star, reading.layers
    words = text.CALIBRATE_PICKS.format(
        eta=reading.eta, scope=text.SCOPES[reading.scope], rule=text.RULES[reading.rule], k=k,
        direction=DIRECTION_NAMES[reading.direction], samples=reading.samples, layers=layers,
    )  # fmt: skip
    if k == layers:
        words += text.CALIBRATE_NOTHING
    else:
        words += text.CALIBRATE_SAVES.format(
            saved=percent(1 - reading.flops_share[k]), agreement=percent(reading.agreement[k])
        )
    if reading.accuracy is not None:
        line = text.CALIBRATE_ACCURACY if k < layers else text.CALIBRATE_ACCURACY_BASELINE
        words += line.format(
            at_k=percent(reading.accuracy[k]), baseline=percent(reading.accuracy[-1]),
            answered=reading.answered,
        )  # fmt: skip
    if reading.kl_band is not None:
        low, high = (
            choose_k(end, reading.eta, reading.rule, reading.k_min) for end in reading.kl_band
        )
        words += text.CALIBRATE_BAND.format(low=low, high=high)
    if reading.samples > 1:
        words += text.CALIBRATE_SPREAD.format(
            least=reading.k_stars.min(), most=reading.k_stars.max(),
            median=float(np.median(reading.k_stars)),
        )  # fmt: skip
    return words


def _band(reading: Reading, k: int) -> str:
    if reading.kl_band is None:
        return "–"
    return " – ".join(significant(end, 3) for end in reading.kl_band[:, k])


def rows(reading: Reading) -> list[list[Any]]:
    """One row for each K, in the order of ``text.CALIBRATE_COLUMNS``."""
    return [
        [
            f"{k} = K*" if k == reading.k_star else str(k),
            significant(reading.kl_mean[k], 3),
            _band(reading, k),
            percent(reading.agreement[k]),
            "–" if reading.accuracy is None else percent(reading.accuracy[k]),
            percent(reading.flops_share[k]),
            int(reading.histogram[k]),
        ]
        for k in range(reading.layers + 1)
    ]


def status(message: str = "", fraction: float | None = None, *, is_error: bool = False) -> str:
    """The line under the run buttons, with a bar while something runs."""
    role = "alert" if is_error else "status"
    line = f'<p role="{role}">{escape(message)}</p>'
    if fraction is not None:
        line += f'<progress max="1" value="{fraction:.3f}" aria-label="{escape(message)}">'
        line += "</progress>"
    return f'<div class="calibrate-status">{line}</div>'
