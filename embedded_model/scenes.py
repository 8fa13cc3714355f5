"""The world: pictures of a few coloured shapes, drawn at random, with the truth about them.

A scene is drawn at twice the final size and reduced, so edges are soft as in a real drawing.
Everything random comes from the ``random.Random`` that the caller hands in.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (45, 160, 60),
    "blue": (45, 80, 220),
    "yellow": (240, 215, 40),
    "orange": (245, 140, 30),
    "purple": (140, 50, 180),
    "pink": (250, 140, 195),
    "brown": (130, 80, 40),
    "black": (25, 25, 25),
    "white": (250, 250, 250),
    "gray": (130, 130, 130),
    "cyan": (60, 205, 225),
}
# Other colours that go by the same name, in drawings by other hands. A thing's colour is drawn
# between one of these and the one above; what could be called two names is left out.
_SHADES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((255, 0, 0), (180, 20, 30), (245, 70, 55)),
    "green": ((0, 255, 0), (0, 110, 20), (90, 185, 90)),
    "blue": ((0, 0, 255), (25, 45, 130), (40, 140, 240)),
    "yellow": ((255, 255, 0), (255, 235, 90), (235, 210, 20)),
    "orange": ((255, 165, 0), (235, 110, 20), (255, 150, 60)),
    "purple": ((128, 0, 128), (125, 0, 255), (160, 110, 200)),
    "pink": ((255, 190, 205), (240, 95, 150), (225, 120, 190)),
    "brown": ((95, 55, 25), (145, 85, 70), (185, 125, 85)),
    "black": ((0, 0, 0), (40, 40, 40)),
    "white": ((255, 255, 255),),
    "gray": ((90, 90, 90), (175, 175, 175)),
    "cyan": ((0, 255, 255), (0, 180, 200), (110, 225, 235)),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "rectangle")
SIZES = ("small", "large")
POSITIONS = (
    "top left", "top", "top right",
    "left", "center", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
MAX_OBJECTS = 5

# Radii as a fraction of the square root of the picture's area (of a square's side). The gap between
# the two sizes is on purpose: a shape in between would have no right answer.
_SMALL_RADIUS = (0.07, 0.10)
_LARGE_RADIUS = (0.135, 0.175)
_ALONE_RADIUS = (0.135, 0.38)
_LEAST_CONTRAST = 80.0  # Euclidean distance in RGB between a shape and every background colour
# A picture that is not square comes to the model between two bars of this grey, as the processor
# pads it. Without such scenes in training, half of the answers about such pictures were wrong.
BAR = (127, 127, 127)
_BARRED = 0.35
_RATIO = (1.1, 1.8)
# How far a centre is from the middle of its cell, as a fraction of the picture: tidy or loose.
_SPREADS = (0.06, 0.13)
_LEAST_DISTANCE = 1.15  # of two centres, in sums of their radii
# In some pictures things may lie over one another, up to this distance. What covers another stands
# out from it, and nothing is covered so far that its shape cannot be recognized.
_CROWDED, _CROWDED_DISTANCE, _CROWDED_SPREAD = 0.25, 0.72, 0.16
_TEXTURED = 0.25
_PATTERNS = ("stripes", "checks", "dots", "grid")
_TRIES = 8


@dataclass(frozen=True)
class Thing:
    """One shape. ``x``, ``y``, ``radius`` are fractions of the square that the model sees."""

    shape: str
    color: str
    size: str
    position: str
    x: float
    y: float
    radius: float
    rgb: tuple[int, int, int]
    outline: tuple[tuple[float, float], ...]
    line_width: float | None
    """Fraction of the side for a shape drawn as an outline, ``None`` for a filled one."""

    @property
    def name(self) -> str:
        return f"{self.color} {self.shape}"


@dataclass(frozen=True)
class Background:
    start: tuple[int, int, int]
    end: tuple[int, int, int]
    vertical: bool
    noise: float
    """Standard deviation of the pixel noise, in grey levels."""
    pattern: str | None = None
    """How the two colours alternate: one of ``_PATTERNS``, or ``None`` for a plain or a ramp."""
    period: float = 0.1
    """Width of the pattern's repeat, as a fraction of the side."""


@dataclass(frozen=True)
class Scene:
    things: tuple[Thing, ...]
    """In reading order: by row, then by column."""
    background: Background
    frame: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, right, bottom of the picture in the square; outside of it are grey bars."""

    @property
    def overlaps(self) -> bool:
        """Whether the circles around two things meet: these touch or lie over one another."""
        return any(
            math.hypot(one.x - other.x, one.y - other.y) < one.radius + other.radius
            for one, other in itertools.combinations(self.things, 2)
        )


def _polygon(shape: str, rng: random.Random) -> list[tuple[float, float]]:
    """Corner points of a shape in a circle of radius 1 around the origin."""
    if shape == "circle":
        return [(math.cos(a * math.tau / 40), math.sin(a * math.tau / 40)) for a in range(40)]
    if shape == "square":
        return [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]
    if shape == "rectangle":
        short = rng.uniform(0.38, 0.62)
        corners = [(-1.1, -short), (1.1, -short), (1.1, short), (-1.1, short)]
        return corners if rng.random() < 0.65 else [(y, x) for x, y in corners]
    if shape == "diamond":
        wide = rng.uniform(0.6, 0.95)
        return [(0, -1.1), (wide, 0), (0, 1.1), (-wide, 0)]
    if shape == "triangle":
        wide = rng.uniform(0.75, 1.05)
        return [(0, -1.05), (wide, 0.8), (-wide, 0.8)]
    if shape == "star":
        inner = rng.uniform(0.38, 0.5)
        return [
            (r * math.sin(i * math.pi / 5), -r * math.cos(i * math.pi / 5))
            for i, r in enumerate([1.12, 1.12 * inner] * 5)
        ]
    if shape == "cross":
        a = rng.uniform(0.2, 0.4)
        return [
            (-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a),
            (a, 1), (-a, 1), (-a, a), (-1, a), (-1, -a), (-a, -a),
        ]  # fmt: skip
    raise ValueError(f"unknown shape {shape!r}")


def _hand_drawn(
    points: list[tuple[float, float]], rng: random.Random, amount: float
) -> list[tuple[float, float]]:
    """Break each edge into short pieces and move the joints a little, as a hand does."""
    wobbly: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        pieces = max(1, round(math.hypot(x1 - x0, y1 - y0) / 0.45))
        for i in range(pieces):
            t = i / pieces
            wobbly.append(
                (
                    x0 + (x1 - x0) * t + rng.gauss(0, amount),
                    y0 + (y1 - y0) * t + rng.gauss(0, amount),
                )
            )
    return wobbly


def _jitter(rgb: tuple[int, int, int], rng: random.Random, amount: int) -> tuple[int, int, int]:
    r, g, b = (max(0, min(255, c + rng.randint(-amount, amount))) for c in rgb)
    return r, g, b


def _random_background(rng: random.Random) -> Background:
    kind = rng.random()
    if kind < 0.35:
        start = (255, 255, 255)
    elif kind < 0.75:
        start = _jitter((232, 232, 232), rng, 23)
    elif kind < 0.88:
        start = _jitter((35, 35, 40), rng, 25)
    else:
        start = _jitter((160, 160, 160), rng, 60)
    if rng.random() < _TEXTURED:
        end = _jitter(start, rng, 40)
        pattern, period = rng.choice(_PATTERNS), rng.uniform(0.04, 0.2)
        return Background(start, end, rng.random() < 0.5, rng.choice((0.0, 3.0)), pattern, period)
    end = _jitter(start, rng, 30) if rng.random() < 0.3 else start
    return Background(start, end, rng.random() < 0.5, rng.choice((0.0, 0.0, 3.0, 8.0)))


def _contrasts(rgb: tuple[int, int, int], background: Background) -> bool:
    return all(
        math.dist(rgb, other) > _LEAST_CONTRAST for other in (background.start, background.end)
    )


def make_thing(
    shape: str,
    color: str,
    size: str,
    cell: int,
    x: float,
    y: float,
    radius: float,
    rng: random.Random,
    *,
    rgb: tuple[int, int, int] | None = None,
    wobble: float = 0.0,
    tilt: float = 0.0,
    line_width: float | None = None,
) -> Thing:
    """A thing with its outline: ``tilt`` in radians, ``wobble`` as a share of the radius."""
    points = _polygon(shape, rng)
    if wobble:
        points = _hand_drawn(points, rng, wobble)
    sin, cos = math.sin(tilt), math.cos(tilt)
    outline = tuple(
        (x + radius * (px * cos - py * sin), y + radius * (px * sin + py * cos))
        for px, py in points
    )
    return Thing(shape, color, size, POSITIONS[cell], x, y, radius, rgb or COLORS[color], outline,
                 line_width)  # fmt: skip


def in_reading_order(things: list[Thing]) -> tuple[Thing, ...]:
    return tuple(sorted(things, key=lambda thing: POSITIONS.index(thing.position)))


def _random_frame(rng: random.Random) -> tuple[float, float, float, float]:
    """The whole square, or a wide or high picture in the middle of it."""
    if rng.random() >= _BARRED:
        return 0.0, 0.0, 1.0, 1.0
    bar = (1 - 1 / rng.uniform(*_RATIO)) / 2
    return (0.0, bar, 1.0, 1 - bar) if rng.random() < 0.65 else (bar, 0.0, 1 - bar, 1.0)


def _shade(color: str, background: Background, rng: random.Random) -> tuple[int, int, int]:
    """A colour of that name that stands out from the background."""
    usual = COLORS[color]
    if rng.random() < 0.5:
        other, share = rng.choice(_SHADES[color]), rng.random()
        r, g, b = (round(u + (o - u) * share) for u, o in zip(usual, other, strict=True))
        shade = _jitter((r, g, b), rng, 8)
    else:
        shade = _jitter(usual, rng, 16)
    return shade if _contrasts(shade, background) else usual


def _tilt(shape: str, rng: random.Random) -> float:
    """Radians. A square or diamond that is turned much further could be called the other."""
    if rng.random() < 0.7:
        return math.radians(max(-15.0, min(15.0, rng.gauss(0, 7))))
    most = 15 if shape in ("square", "diamond") else 30
    return math.radians(rng.uniform(-most, most))


def _spot(
    cell: int,
    size: str,
    alone: bool,
    frame: tuple[float, float, float, float],
    spread: float,
    distance: float,
    things: list[Thing],
    rng: random.Random,
    close: bool = False,
) -> tuple[float, float, float] | None:
    """Centre and radius of a thing that keeps its ``distance``, in sums of radii, from all others,
    if ``close`` as near to another as the tries find; ``None`` if the cell has no room."""
    left, top, right, bottom = frame
    wide, high = right - left, bottom - top
    unit = math.sqrt(wide * high)
    if size == "small":
        least, most = _SMALL_RADIUS
    else:
        least, most = _ALONE_RADIUS if alone and cell == 4 else _LARGE_RADIUS
    best: tuple[float, float, float] | None = None
    nearest = math.inf
    for _ in range(_TRIES):
        radius = rng.uniform(least, most) * unit
        x = left + wide * ((cell % 3 + 0.5) / 3 + rng.uniform(-spread, spread))
        y = top + high * ((cell // 3 + 0.5) / 3 + rng.uniform(-spread, spread))
        if min(x - left, right - x, y - top, bottom - y) < 0.9 * radius:
            continue
        gaps = [math.hypot(x - t.x, y - t.y) / (radius + t.radius) for t in things]
        if any(gap <= distance for gap in gaps):
            continue
        if not close:
            return x, y, radius
        if best is None or min(gaps, default=0.0) < nearest:
            best, nearest = (x, y, radius), min(gaps, default=0.0)
    return best


def random_scene(rng: random.Random, max_objects: int = MAX_OBJECTS, min_objects: int = 1) -> Scene:
    """Draw ``min_objects`` to ``max_objects`` shapes into different cells of a 3 x 3 grid.

    A few attributes repeat on purpose (``reuse``), so that questions need the whole description
    ("the small red circle") and counts differ from one.
    """
    background = _random_background(rng)
    colors = [name for name, rgb in COLORS.items() if _contrasts(rgb, background)]
    if len(colors) < 4:
        background = Background((255, 255, 255), (255, 255, 255), True, 0.0)
        colors = [name for name, rgb in COLORS.items() if _contrasts(rgb, background)]
    count = rng.randint(min_objects, max_objects)
    reuse = rng.choice((0.0, 0.25, 0.5))
    frame, spread, style = _random_frame(rng), rng.choice(_SPREADS), rng.random()
    crowded = rng.random() < _CROWDED
    distance = _CROWDED_DISTANCE if crowded else _LEAST_DISTANCE
    spread = _CROWDED_SPREAD if crowded else spread
    things: list[Thing] = []
    for cell in rng.sample(range(9), 9):
        if len(things) == count:
            break
        shape = rng.choice(things).shape if things and rng.random() < reuse else rng.choice(SHAPES)
        color = rng.choice(things).color if things and rng.random() < reuse else rng.choice(colors)
        size = "large" if crowded and rng.random() < 0.6 else rng.choice(SIZES)
        spot = _spot(cell, size, count == 1, frame, spread, distance, things, rng, crowded)
        if spot is None:
            continue
        x, y, radius = spot
        rgb = _shade(color, background, rng)
        touched = [t for t in things if math.hypot(x - t.x, y - t.y) < 1.25 * (radius + t.radius)]
        if any(math.dist(rgb, other.rgb) < _LEAST_CONTRAST for other in touched):
            continue
        wobble = rng.uniform(0.01, 0.05) if style > 0.7 else 0.0
        line_width = None
        if rng.random() < (0.2 if style < 0.7 else 0.35):
            line_width = rng.uniform(0.15, 0.26) * min(radius, 0.15)
        things.append(
            make_thing(shape, color, size, cell, x, y, radius, rng,
                       rgb=rgb, wobble=wobble,
                       tilt=_tilt(shape, rng), line_width=line_width)
        )  # fmt: skip
    if len(things) < count:  # no room left: rare
        return random_scene(rng, max_objects, min_objects)
    return Scene(in_reading_order(things), background, frame)


def _with_bars(picture: Image.Image, frame: tuple[float, float, float, float]) -> Image.Image:
    """Grey outside the frame."""
    if frame == (0.0, 0.0, 1.0, 1.0):
        return picture
    box = [round(edge * picture.width) for edge in frame]
    barred = Image.new("RGB", picture.size, BAR)
    barred.paste(picture.crop((box[0], box[1], box[2], box[3])), (box[0], box[1]))
    return barred


def _patterned(background: Background, side: int) -> Image.Image:
    """Two colours that alternate."""
    canvas = Image.new("RGB", (side, side), background.start)
    pen = ImageDraw.Draw(canvas)
    step = max(4, round(background.period * side))
    half = step // 2
    for a in range(0, side, step):
        if background.pattern == "stripes":
            box = (0, a, side, a + half) if background.vertical else (a, 0, a + half, side)
            pen.rectangle(box, fill=background.end)
        elif background.pattern == "grid":
            thin = max(2, step // 8)
            pen.rectangle((0, a, side, a + thin), fill=background.end)
            pen.rectangle((a, 0, a + thin, side), fill=background.end)
        else:
            for b in range(0, side, step):
                if background.pattern == "dots":
                    pen.ellipse((a, b, a + half, b + half), fill=background.end)
                else:
                    pen.rectangle((a, b, a + half - 1, b + half - 1), fill=background.end)
                    pen.rectangle(
                        (a + half, b + half, a + step - 1, b + step - 1), fill=background.end
                    )
    return canvas


def draw(scene: Scene, rng: random.Random, side: int) -> Image.Image:
    """The picture of a scene, ``side`` x ``side`` pixels, RGB."""
    big = side * 2
    start, end = scene.background.start, scene.background.end
    if start == end:
        canvas = Image.new("RGB", (big, big), start)
    elif scene.background.pattern is not None:
        canvas = _patterned(scene.background, big)
    else:
        ramp = np.linspace(0, 1, big, dtype=np.float32)[:, None]
        colors = np.array(start) * (1 - ramp) + np.array(end) * ramp
        plane = np.repeat(colors[:, None, :], big, axis=1)
        if not scene.background.vertical:
            plane = plane.transpose(1, 0, 2)
        canvas = Image.fromarray(plane.astype(np.uint8))
    pen = ImageDraw.Draw(canvas)
    for thing in scene.things:
        points = [(x * big, y * big) for x, y in thing.outline]
        if thing.line_width is None:
            pen.polygon(points, fill=thing.rgb)
        else:
            width = max(2, round(thing.line_width * big))
            pen.line([*points, points[0], points[1]], fill=thing.rgb, width=width, joint="curve")
    picture = canvas.resize((side, side), Image.Resampling.BOX)
    if scene.background.noise:
        clean = np.asarray(picture, dtype=np.float64)
        generator = np.random.default_rng(rng.getrandbits(32))
        noisy = clean + generator.normal(0, scene.background.noise, clean.shape)
        picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    elif rng.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.8)))
    return _with_bars(picture, scene.frame)


def patch_owners(scene: Scene, side: int, patch: int) -> np.ndarray:
    """Which thing each patch belongs to.

    Returns int64 [rows * columns]: the index of the thing that covers most of the patch (at least
    a fifth of it; the inside of an outlined shape counts as the shape), or -1 for background.
    """
    ids = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(ids)
    for index, thing in enumerate(scene.things):
        pen.polygon([(x * side, y * side) for x, y in thing.outline], fill=index + 1)
    cells = side // patch
    split = np.asarray(ids).reshape(cells, patch, cells, patch).transpose(0, 2, 1, 3)
    blocks = split.reshape(cells * cells, patch * patch)
    kinds = np.arange(1, len(scene.things) + 1)
    covered = (blocks[:, :, None] == kinds).mean(axis=1)
    best = covered.argmax(axis=1)
    return np.where(covered.max(axis=1) >= 0.2, best, -1)
