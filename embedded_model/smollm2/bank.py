"""All pictures of single things that a scene may be made of, in one array.

Training scenes take stickers of the training styles, redrawn in simpler styles (outlines,
silhouettes, few colours), and shapes drawn in eight manners. Held-out scenes take them from the
styles that training never saw.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from embedded_model.smollm2.shapes import SHAPE_MANNERS, draw_shape
from embedded_model.smollm2.things import COLOR_NAMES, SHAPES

STICKER_SIDE = 72
STICKER_FILE = Path(__file__).resolve().parents[2] / "assets" / "stickers" / "stickers.npz"
_SHAPE_SHARE = 0.3
_LINE_STYLES = ("fluent line", "emojione line", "phosphor", "phosphor two-tone", "tabler",
                "game icons", "icon park")  # fmt: skip
"""Drawn in black lines already."""
PALETTE_STYLES = ("noto", "fluent 3d", "fluent color", "fluent flat")
_AS_IS = 3
"""How many times as often as in each other manner a sticker is taken as it is."""
Kind = tuple[str, str | None]


class Bank:
    """``sprites``: uint8 [row, STICKER_SIDE, STICKER_SIDE, RGBA]; ``kinds``: name and, for shapes,
    colour of each row."""

    def __init__(self, sprites: NDArray[np.uint8], kinds: Sequence[Kind]) -> None:
        self.sprites, self.kinds = sprites, tuple(kinds)
        self._rows: dict[Kind, list[int]] = defaultdict(list)
        for row, kind in enumerate(self.kinds):
            self._rows[kind].append(row)
        self._stickers = sorted(name for name, color in self._rows if color is None)
        self._shapes = sorted((kind for kind in self._rows if kind[1] is not None), key=str)

    def random_kind(self, rng: random.Random) -> Kind:
        """A name with its colour (shapes) or without (stickers)."""
        if self._shapes and (not self._stickers or rng.random() < _SHAPE_SHARE):
            return rng.choice(self._shapes)
        return rng.choice(self._stickers), None

    def random_row(self, rng: random.Random, name: str, color: str | None) -> int:
        return rng.choice(self._rows[name, color])


def training_bank(file: Path) -> Bank:
    names, sprites, things, styles, held_out = _read(file)
    sprites, things, styles = sprites[~held_out], things[~held_out], styles[~held_out]
    kinds = [names[thing] for thing in things]
    painted = ~np.isin(styles, _LINE_STYLES)
    painted_kinds = [kind for kind, is_painted in zip(kinds, painted, strict=True) if is_painted]
    redrawn = [_redrawn(sprites[painted], manner) for manner in _MANNERS]
    return _join(
        [(sprites, kinds)] * _AS_IS + [(block, painted_kinds) for block in redrawn],
        shape_seeds=range(SHAPE_MANNERS),
    )


def palette_bank(file: Path = STICKER_FILE) -> Bank:
    """What visitors see and place: stickers of the palette's styles as they are, filled shapes."""
    names, sprites, things, styles, held_out = _read(file)
    mine = ~held_out & np.isin(styles, PALETTE_STYLES)
    return _join(
        [(sprites[mine], [names[thing] for thing in things[mine]])],
        shape_seeds=range(SHAPE_MANNERS // 2),
    )


def held_out_bank(style: str, file: Path = STICKER_FILE) -> Bank:
    """Stickers of one style that training never saw; shapes of the seeds that it never drew."""
    names, sprites, things, styles, held_out = _read(file)
    mine = held_out & (styles == style)
    if not mine.any():
        known = ", ".join(sorted(set(styles[held_out])))
        raise ValueError(f"no held-out style {style!r}: choose one of {known}")
    return _join(
        [(sprites[mine], [names[thing] for thing in things[mine]])],
        shape_seeds=range(SHAPE_MANNERS, 2 * SHAPE_MANNERS),
    )


def _read(file: Path) -> tuple[list[str], NDArray, NDArray, NDArray, NDArray]:
    with np.load(file) as stored:
        names = [str(name) for name in stored["names"]]
        return (
            names, stored["sprites"], stored["thing"].astype(int), stored["style"],
            stored["held_out"],
        )  # fmt: skip


def _join(stickers: list[tuple[NDArray, list[str]]], shape_seeds: range) -> Bank:
    sprites = [block for block, _ in stickers]
    kinds: list[Kind] = [(name, None) for _, names in stickers for name in names]
    for shape in SHAPES:
        for color in COLOR_NAMES:
            for seed in shape_seeds:
                sprites.append(draw_shape(shape, color, seed, STICKER_SIDE)[None])
                kinds.append((shape, color))
    return Bank(np.concatenate(sprites), tuple(kinds))


def _outline(sprite: Image.Image) -> Image.Image:
    """A black line drawing: where brightness or cover changes."""
    flat = Image.new("RGB", sprite.size, "white")
    flat.paste(sprite, mask=sprite.getchannel("A"))
    smooth = flat.filter(ImageFilter.GaussianBlur(1.2)).convert("L")
    values = np.asarray(smooth, np.float32)
    steepness = np.hypot(*np.gradient(values))
    ink = Image.fromarray(np.where(steepness > 14, 255, 0).astype(np.uint8))
    ink = ink.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.GaussianBlur(0.7))
    drawn = Image.new("RGBA", sprite.size, (20, 20, 20, 0))
    drawn.putalpha(ink)
    return drawn


def _filled_outline(sprite: Image.Image) -> Image.Image:
    """Few flat colours under a black line, as in a colouring book."""
    flat = sprite.convert("RGB").filter(ImageFilter.MedianFilter(5)).quantize(5).convert("RGB")
    flat.putalpha(sprite.getchannel("A").point(lambda a: 255 if a > 100 else 0))
    flat.alpha_composite(_outline(sprite))
    return flat


def _grey(sprite: Image.Image) -> Image.Image:
    grey = sprite.convert("L").convert("RGB")
    grey.putalpha(sprite.getchannel("A"))
    return grey


_MANNERS: tuple[Callable[[Image.Image], Image.Image], ...] = (
    _outline,
    _filled_outline,
    _grey,
)


def _redrawn(
    sprites: NDArray[np.uint8], manner: Callable[[Image.Image], Image.Image]
) -> NDArray[np.uint8]:
    return np.stack([np.asarray(manner(Image.fromarray(sprite))) for sprite in sprites])
