"""Strokes of the pen on a grid of 100 x 100, of which ``drawings.py`` makes its drawings.

x goes right and y down; angles are degrees, clockwise from the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen: ``points`` [n, 2]; ``filled`` where the inside is inked too."""

    points: Floats
    filled: bool = False


def line(*xy: float) -> Stroke:
    """Straight from point to point."""
    return Stroke(np.array(xy, float).reshape(-1, 2))


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    angles = np.radians(np.linspace(start, end, 40))
    return Stroke(np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1))


def oval(x: float, y: float, rx: float, ry: float) -> Stroke:
    return arc(x, y, rx, ry, -100, 265)


def circle(x: float, y: float, r: float) -> Stroke:
    return oval(x, y, r, r)


def dot(x: float, y: float, r: float = 2.5) -> Stroke:
    return Stroke(circle(x, y, r).points, filled=True)


def curve(*xy: float) -> Stroke:
    """Smoothly through the points (Catmull-Rom)."""
    p = np.array(xy, float).reshape(-1, 2)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
               + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]  # fmt: skip
    return Stroke(np.concatenate([*pieces, p[-2:-1]]))


def loop(*xy: float) -> Stroke:
    """Smoothly through the points and back to the first."""
    return curve(*xy, xy[0], xy[1])


def along(*strokes: Stroke) -> Stroke:
    """Several strokes without lifting the pen."""
    return Stroke(np.concatenate([stroke.points for stroke in strokes]))


def box(left: float, top: float, right: float, bottom: float) -> Stroke:
    return line(left, top, right, top, right, bottom, left, bottom, left, top)


def rays(x: float, y: float, inner: float, outer: float, count: int) -> list[Stroke]:
    angles = 2 * np.pi * np.arange(count) / count
    return [
        line(x + inner * c, y + inner * s, x + outer * c, y + outer * s)
        for c, s in zip(np.cos(angles), np.sin(angles), strict=True)
    ]


def petals(x: float, y: float, inner: float, outer: float, count: int) -> Stroke:
    """A closed line that goes in and out around a point."""
    angles = 2 * np.pi * np.arange(2 * count) / (2 * count)
    radii = np.where(np.arange(2 * count) % 2, outer, inner)
    return loop(*np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], 1).ravel())


def scallops(x: float, y: float, r: float, count: int) -> Stroke:
    """A closed line of round bumps around a point, as of wool or of leaves."""
    angles = np.radians(np.linspace(-100, 265, 160))
    radii = r * (0.8 + 0.2 * np.sqrt(np.abs(np.sin(angles * count / 2))))
    return Stroke(np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1))


def spiral(x: float, y: float, radius: float, turns: float) -> Stroke:
    t = np.linspace(0.08, 1, 90)
    angles = 2 * np.pi * turns * t
    r = radius * t
    return Stroke(np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], axis=1))
