"""Scenes: which things lie where, and how large. The pictures themselves are in `render`."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedded_model.smollm2.bank import Bank
from embedded_model.smollm2.things import POSITIONS

IMAGE_SIDE = 168
CELL = IMAGE_SIDE / 3
MOST_THINGS = 5
_PLAIN, _GRADIENT, _CHECKS, _NOISE, _STRIPES, _DOTS = range(6)
BACKGROUNDS = 6
_DARKEST = 85
"""Of backgrounds: black lines must be seen on all of them."""


@dataclass(frozen=True)
class Thing:
    """One sticker or shape on its cell of the 3 x 3 grid; lengths in pixels of the picture."""

    name: str
    color: str | None
    """Of shapes only: stickers have the colours they have."""
    cell: int
    is_large: bool
    sticker: int
    """Row of the bank."""
    x: float
    y: float
    side: float
    turn: float
    """Radians."""
    is_mirrored: bool

    @property
    def title(self) -> str:
        return self.name if self.color is None else f"{self.color} {self.name}"

    @property
    def position(self) -> str:
        return POSITIONS[self.cell]


@dataclass(frozen=True)
class Scene:
    things: tuple[Thing, ...]
    """In reading order."""
    background: tuple[float, ...]
    """Two colours (6 numbers, 0 to 255), the kind, and a number in [0, 1) that shapes it."""

    def named(self, name: str) -> list[Thing]:
        return [thing for thing in self.things if thing.name == name]

    @property
    def unique(self) -> list[Thing]:
        """Things whose name no other thing has."""
        return [thing for thing in self.things if len(self.named(thing.name)) == 1]


def _background(rng: random.Random) -> tuple[float, ...]:
    colors = [rng.uniform(_DARKEST, 255) for _ in range(6)]
    light = rng.random()
    if light < 0.3:
        colors = [rng.uniform(238, 255)] * 3 + [rng.uniform(215, 255) for _ in range(3)]
    elif light < 0.75:
        colors = [rng.uniform(200, 255) for _ in range(6)]
    kind = _PLAIN if light < 0.2 else rng.randrange(BACKGROUNDS)
    return (*colors, float(kind), rng.random())


def random_scene(rng: random.Random, bank: Bank, *, most: int = MOST_THINGS) -> Scene:
    """One to ``most`` things; now and then a single one that fills the picture."""
    if rng.random() < 0.04:
        return Scene((_thing(rng, bank, 4, None, rng.uniform(75, 150)),), _background(rng))
    count = rng.choice([n for n in (1, 2, 2, 3, 3, 4, 4, 5) if n <= most])
    things: list[Thing] = []
    for cell in rng.sample(range(9), count):
        model = rng.choice(things) if things and rng.random() < 0.12 else None
        things.append(_thing(rng, bank, cell, model, None))
    return Scene(tuple(sorted(things, key=lambda thing: thing.cell)), _background(rng))


def _thing(
    rng: random.Random, bank: Bank, cell: int, model: Thing | None, side: float | None
) -> Thing:
    if model is not None:
        name, color = model.name, model.color
    else:
        name, color = bank.random_kind(rng)
    is_large = side is not None or rng.random() < 0.6
    if side is None:
        side = rng.uniform(45, 60) if is_large else rng.uniform(25, 33)
    loose = 5.0 if is_large else 10.0
    return Thing(
        name=name,
        color=color,
        cell=cell,
        is_large=is_large,
        sticker=bank.random_row(rng, name, color),
        x=CELL * (cell % 3 + 0.5) + rng.uniform(-loose, loose),
        y=CELL * (cell // 3 + 0.5) + rng.uniform(-loose, loose),
        side=side,
        turn=rng.uniform(-0.25, 0.25) if rng.random() < 0.5 else 0.0,
        is_mirrored=rng.random() < 0.3,
    )


PLACEMENT = 6
"""Numbers per thing in `placements`: bank row, x, y, side, turn, mirrored (-1) or not (1)."""


def placements(scene: Scene) -> NDArray[np.float32]:
    """[MOST_THINGS, PLACEMENT]; rows of things that are not there have side 0."""
    rows = np.zeros((MOST_THINGS, PLACEMENT), np.float32)
    for row, thing in zip(rows, scene.things, strict=False):
        mirror = -1.0 if thing.is_mirrored else 1.0
        row[:] = (thing.sticker, thing.x, thing.y, thing.side, thing.turn, mirror)
    return rows
