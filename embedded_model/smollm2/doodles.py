"""The hand-drawn style: line drawings as a person would draw them with a mouse.

A drawing (``drawings.py``) is a few strokes on a grid of 100 x 100. Here a hand that is not quite
steady draws them: a little turned and stretched, every line trembling, one pen and one colour.
The hand is seeded by the thing's name, so the same code gives the same pictures.
"""

from __future__ import annotations

import math
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from embedded_model.smollm2.drawings import DRAWINGS
from embedded_model.smollm2.strokes import Stroke

STYLE = "doodle"
SIZE = 72
VARIANTS = 3
_OVERSAMPLED = 4
_PENS = ((2.2, 3.0), (3.0, 4.0), (4.0, 5.0))  # px of the sprite's 72, from and to, per variant
_COLOURS = ((0, 0, 0), (30, 60, 170), (180, 30, 40), (20, 110, 50), (110, 60, 20), (90, 40, 130))

Floats = NDArray[np.float64]


def variants(name: str) -> list[NDArray[np.uint8]]:
    """The three drawings of a thing, uint8 [72, 72, 4] each; the last one as a mirror shows it.

    Raises: KeyError if there is no drawing of it.
    """
    return [_draw(name, variant) for variant in range(VARIANTS)]


def _draw(name: str, variant: int) -> NDArray[np.uint8]:
    hand = Random(f"{name} {variant}")  # of Python itself: the same numbers on every version
    designs = DRAWINGS[name]
    strokes = designs[variant % len(designs)]
    pen = hand.uniform(*_PENS[variant])
    colour = _COLOURS[0] if variant == 0 else hand.choice(_COLOURS)
    posture = _posture(hand, mirrored=variant == VARIANTS - 1)
    lines = [_unsteady(stroke, hand) @ posture for stroke in strokes]
    alpha = _ink(_fitted(lines, pen), [stroke.filled for stroke in strokes], pen)
    ink = (alpha[..., None] > 0) * np.array(colour, np.uint8)
    return np.dstack([ink, alpha])


def _posture(hand: Random, mirrored: bool) -> Floats:
    """[2, 2]: a turn of up to 9 degrees, a stretch of up to 12 percent, and the mirror."""
    angle = math.radians(hand.uniform(-9, 9))
    stretch = hand.uniform(0.89, 1.12) * (-1 if mirrored else 1)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(np.diag([stretch, 1.0]) @ turn)


def _unsteady(stroke: Stroke, hand: Random) -> Floats:
    """[points, 2]: the stroke at even steps, off its way by slow waves and a small shift."""
    points = _even_steps(stroke.points)
    way = np.arange(len(points)) * 1.5
    shift = np.array([hand.gauss(0, 0.5), hand.gauss(0, 0.5)])
    off = np.zeros_like(points)
    for axis in range(2):
        for wavelength, height in ((45, 0.9), (18, 0.5), (9, 0.12)):
            phase = hand.uniform(0, 2 * math.pi)
            off[:, axis] += hand.gauss(0, height) * np.sin(2 * math.pi * way / wavelength + phase)
    return points + shift + (off * 0.3 if stroke.filled else off)


def _even_steps(points: Floats, step: float = 1.5) -> Floats:
    lengths = np.hypot(*np.diff(points, axis=0).T)
    way = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0, way[-1], max(2, int(way[-1] / step) + 1))
    return np.stack([np.interp(at, way, points[:, axis]) for axis in range(2)], axis=1)


def _fitted(lines: list[Floats], pen: float) -> list[Floats]:
    """The lines in pixels of the sprite: as large as fits with half a pen around, centred."""
    everything = np.concatenate(lines)
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = (SIZE - pen - 1) / (high - low).max()
    return [(line - (low + high) / 2) * scale + SIZE / 2 for line in lines]


def _ink(lines: list[Floats], filled: list[bool], pen: float) -> NDArray[np.uint8]:
    """uint8 [72, 72]: how much ink is on every pixel."""
    side = SIZE * _OVERSAMPLED
    paper = Image.new("L", (side, side))
    draw = ImageDraw.Draw(paper)
    radius = pen * _OVERSAMPLED / 2
    for line, fill in zip(lines, filled, strict=True):
        points = [(float(x), float(y)) for x, y in line * _OVERSAMPLED]
        if fill:
            draw.polygon(points, fill=255)
        draw.line(points, fill=255, width=round(2 * radius))
        for x, y in points:  # round joints and ends
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(paper.reduce(_OVERSAMPLED))
