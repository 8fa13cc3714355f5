"""How a number is printed, in a sentence and beside an axis: as the page's scripts print it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

FLOPS = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP")
BYTES = ("B", "kB", "MB", "GB", "TB")


def significant(value: float, digits: int = 2) -> str:
    """The value to so many significant digits, under 0.001 by a power of ten: 0.31, 4.1e-4."""
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    rounded = float(f"{value:.{digits}g}")
    if rounded == 0 or abs(rounded) >= 0.001:
        return f"{rounded:g}"
    return re.sub(r"\.?0*e-0*", "e-", f"{rounded:.{digits - 1}e}")


def three_digits(value: float) -> str:
    """A quantity followed by its unit: 4.25, 27.0, 144, 1230."""
    return f"{value:#.3g}".removesuffix(".") if abs(value) < 999.5 else f"{value:.0f}"


def decade(power: int) -> str:
    """A power of ten, as a logarithmic axis says it: 100, 0.01, 1e-5."""
    return f"{10.0**power:g}" if power >= -3 else f"1e{power}"


def percent(share: float) -> str:
    """A part of a whole to three digits: 8.58%, 0.01%, 100%."""
    return f"{significant(share * 100, 3)}%"


def mean_count(value: float) -> str:
    """A mean number of tokens: one decimal place, and none for a whole number."""
    return f"{math.floor(value * 10 + 0.5) / 10:.1f}".removesuffix(".0")  # as scripts round


def scaled(value: float, units: Sequence[str]) -> str:
    """Three digits and a unit."""
    place = unit_of(value, units)
    value /= 1000**place
    return f"{three_digits(value)} {units[place]}"


def unit_of(value: float, units: Sequence[str]) -> int:
    """The place of the unit in which a value has at most three digits before its point."""
    place = 0
    while abs(value) >= 999.5 and place < len(units) - 1:
        value, place = value / 1000, place + 1
    return place
