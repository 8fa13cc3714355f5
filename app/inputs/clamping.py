"""Numbers that a browser sends, brought into the range that they may have."""

from __future__ import annotations

import math


def clamped(value: object, least: int, most: int, default: int) -> int:
    """A whole number that a visitor sent, within its range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        value = default
    return int(max(least, min(value, most)))


def clamped_number(value: object, most: float, default: float) -> float:
    """A number from 0 to ``most`` that a visitor sent."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    # Asked of a float alone: no float holds every whole number.
    if isinstance(value, float) and not math.isfinite(value):
        return default
    return float(max(0, min(value, most)))
