"""Coloured shapes in several manners: filled, outlined, by an unsteady hand, with a dark rim."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from embedded_model.smollm2.things import COLORS

SHAPE_MANNERS = 8
"""Seeds below this are one full round of manners."""
_SCALE = 3
_RIMS = ((30, 30, 30), (90, 90, 90), (50, 50, 80))
Point = tuple[float, float]


def _ring(count: int, start: float, radius: float = 1.0) -> list[Point]:
    return [
        (radius * math.cos(start + 2 * math.pi * i / count),
         radius * math.sin(start + 2 * math.pi * i / count))
        for i in range(count)
    ]  # fmt: skip


def _heart() -> list[Point]:
    points = []
    for i in range(40):
        t = 2 * math.pi * i / 40
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x / 17, -y / 17))
    return points


def _star() -> list[Point]:
    outer, inner = _ring(5, -math.pi / 2), _ring(5, -math.pi / 2 + math.pi / 5, 0.42)
    return [point for pair in zip(outer, inner, strict=True) for point in pair]


def _cross(arm: float = 0.3) -> list[Point]:
    a = arm
    return [(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1), (-a, 1), (-a, a), (-1, a),
            (-1, -a), (-a, -a)]  # fmt: skip


_OUTLINES: dict[str, list[Point]] = {
    "circle": _ring(40, 0.0),
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0, -0.95), (0.95, 0.8), (-0.95, 0.8)],
    "cross": _cross(),
    "diamond": [(0, -1), (0.75, 0), (0, 1), (-0.75, 0)],
    "heart": _heart(),
    "star": _star(),
}


def _unsteady(points: Sequence[Point], rng: random.Random, amount: float) -> list[Point]:
    """The same outline by hand: points between the corners, all a little off."""
    drawn = []
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        pieces = max(1, round(math.hypot(x1 - x0, y1 - y0) / 0.35))
        for i in range(pieces):
            t = i / pieces
            drawn.append((x0 + t * (x1 - x0) + rng.gauss(0, amount),
                          y0 + t * (y1 - y0) + rng.gauss(0, amount)))  # fmt: skip
    return drawn


def draw_shape(shape: str, color: str, seed: int, side: int) -> NDArray[np.uint8]:
    """uint8 [side, side, RGBA]; the seed's remainder by `SHAPE_MANNERS` is the manner."""
    rng = random.Random(f"{shape} {color} {seed}")
    manner = seed % SHAPE_MANNERS
    if color == "white":  # on white paper only a rim shows it
        manner = 4 if manner < SHAPE_MANNERS // 2 else 3
    points = _OUTLINES[shape]
    if manner in (2, 3, 6):
        points = _unsteady(points, rng, 0.035)
    stretch = rng.uniform(0.85, 1.0) if manner in (1, 3) and shape != "square" else 1.0
    size = side * _SCALE
    radius = size / 2 * 0.93
    outline = [(size / 2 + radius * x * stretch, size / 2 + radius * y) for x, y in points]
    red, green, blue = COLORS[color]
    spread = 0 if seed == 0 else 16
    ink = tuple(
        min(255, max(0, value + rng.randint(-spread, spread))) for value in (red, green, blue)
    )
    picture = Image.new("RGBA", (size, size), (*ink, 0))
    pen = ImageDraw.Draw(picture)
    if manner in (5, 6):  # only the line
        pen.line([*outline, outline[0], outline[1]], fill=(*ink, 255),
                 width=round(size * rng.uniform(0.06, 0.12)), joint="curve")  # fmt: skip
    else:
        pen.polygon(outline, fill=(*ink, 255))
        if manner in (3, 4):  # a dark rim
            pen.line([*outline, outline[0], outline[1]], fill=(*rng.choice(_RIMS), 255),
                     width=round(size * rng.uniform(0.02, 0.045)), joint="curve")  # fmt: skip
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))
