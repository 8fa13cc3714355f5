"""Drawings from another program, to see whether the model knows shapes or only our generator.

Nothing here is shared with ``embedded_model.scenes`` and ``embedded_model.questions``: shapes are
signed distances evaluated on the pixels, not polygons of Pillow; canvases have other sizes and
aspect ratios; colours come from the palettes of other programs; things are placed freely instead of
in cells; and the questions are worded as a person might, with capitals. Only the words that an
answer may use are the same. Everything random comes from a seed. For evaluation only: nothing here
is ever trained on.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = tuple[int, int, int]
Floats = NDArray[np.float64]

# Each palette names only what the person who picks the colour would call by that one word: no teal,
# no magenta, no CSS "brown" (which looks dark red).
_CSS: dict[str, Rgb] = {
    "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0),
    "orange": (255, 165, 0), "purple": (128, 0, 128), "pink": (255, 192, 203),
    "brown": (139, 69, 19), "black": (0, 0, 0), "white": (255, 255, 255),
    "gray": (128, 128, 128), "cyan": (0, 255, 255),
}  # fmt: skip
_TABLEAU: dict[str, Rgb] = {
    "red": (214, 39, 40), "green": (44, 160, 44), "blue": (31, 119, 180),
    "orange": (255, 127, 14), "purple": (148, 103, 189), "pink": (227, 119, 194),
    "brown": (140, 86, 75), "gray": (127, 127, 127), "cyan": (23, 190, 207),
}  # fmt: skip
_PRIMARY: dict[str, Rgb] = {
    "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0),
    "orange": (255, 128, 0), "purple": (128, 0, 255), "pink": (255, 128, 192),
    "brown": (128, 64, 0), "black": (0, 0, 0), "white": (255, 255, 255),
    "gray": (128, 128, 128), "cyan": (0, 255, 255),
}  # fmt: skip
_MATERIAL: dict[str, Rgb] = {
    "red": (244, 67, 54), "green": (76, 175, 80), "blue": (33, 150, 243),
    "yellow": (255, 235, 59), "orange": (255, 152, 0), "purple": (156, 39, 176),
    "pink": (240, 98, 146), "brown": (121, 85, 72), "black": (0, 0, 0),
    "white": (255, 255, 255), "gray": (158, 158, 158), "cyan": (0, 188, 212),
}  # fmt: skip
_PAINT: dict[str, Rgb] = {
    "red": (237, 28, 36), "green": (34, 177, 76), "blue": (63, 72, 204), "yellow": (255, 242, 0),
    "orange": (255, 127, 39), "purple": (163, 73, 164), "pink": (255, 174, 201),
    "brown": (185, 122, 87), "black": (0, 0, 0), "gray": (127, 127, 127),
}  # fmt: skip
_WHITE: Rgb = (255, 255, 255)
_LIGHT: tuple[Rgb, ...] = (_WHITE, (245, 245, 245), (255, 250, 240), (240, 248, 255))
_LEAST_CONTRAST = 70.0  # distance in RGB between a thing and the background


@dataclass(frozen=True)
class Style:
    """How one other program draws. ``tilt`` in degrees; ``jpeg`` a range of qualities."""

    name: str
    palette: dict[str, Rgb]
    canvases: tuple[tuple[int, int], ...]
    paper: tuple[Rgb, ...] = (_WHITE,)
    tilt: float = 0.0
    render: str = "fill"
    smooth: bool = True
    jpeg: tuple[int, int] | None = None


STYLES = (
    Style("flat", _CSS, ((512, 512), (300, 200)), _LIGHT),
    Style("chart", _TABLEAU, ((640, 400), (480, 360)), render="edged"),
    Style("hard pixels", _PRIMARY, ((256, 256), (320, 240)), smooth=False),
    Style("tilted", _MATERIAL, ((500, 500), (400, 500)), (*_LIGHT, (38, 50, 56)), tilt=25.0),
    Style("outline", _CSS, ((512, 512), (300, 200)), _LIGHT, tilt=5.0, render="line"),
    Style("black contour", _PRIMARY, ((600, 600), (640, 400)), _LIGHT, render="contour"),
    Style("sketch", _PAINT, ((320, 320), (400, 300)), render="brush", tilt=8.0),
    Style("jpeg", _MATERIAL, ((350, 350), (480, 320)), _LIGHT, tilt=8.0, jpeg=(25, 60)),
)

SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "rectangle")
_ROWS, _COLUMNS = ("top", "", "bottom"), ("left", "", "right")
MOST_THINGS = 5
# Radii as a fraction of the square root of the canvas's area, and how far, as a fraction of width
# and height, a centre stays from the lines between the nine places.
_RADII = {"small": (0.055, 0.095), "large": (0.135, 0.18)}
_CLEAR_OF_LINES = 0.035


class Seen(Protocol):
    """What a question needs to know of a thing: our own scenes' things fit as well."""

    @property
    def shape(self) -> str: ...
    @property
    def color(self) -> str: ...
    @property
    def size(self) -> str: ...
    @property
    def position(self) -> str: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...


@dataclass(frozen=True)
class Figure:
    """One drawn thing; ``x`` and ``y`` are fractions of width and height, ``radius`` in pixels."""

    shape: str
    color: str
    size: str
    position: str
    x: float
    y: float
    radius: float
    rgb: Rgb
    filled: bool
    """Whether the pixel at the centre has the thing's colour."""


@dataclass(frozen=True)
class Drawing:
    style: Style
    figures: tuple[Figure, ...]
    """In reading order: by row, then by column."""
    image: Image.Image


class Sample(NamedTuple):
    kind: str
    image: Image.Image
    prompt: str
    answer: str
    style: str


@dataclass(frozen=True)
class Asked:
    kind: str
    wording: str
    """The prompt with the things it names left out."""
    prompt: str
    answer: str


# --- shapes as signed distances, negative inside, in pixels ---------------------------------------


def _to_segments(x: Floats, y: Floats, points: Floats, closed: bool) -> Floats:
    """Distance of each pixel to the nearest segment of a path [corner, 2]."""
    ends = np.roll(points, -1, axis=0) if closed else points[1:]
    nearest = np.full(x.shape, np.inf)
    for (ax, ay), (bx, by) in zip(points if closed else points[:-1], ends, strict=True):
        dx, dy = bx - ax, by - ay
        along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-12)
        along = np.clip(along, 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - ax - along * dx, y - ay - along * dy))
    return nearest


def _signed_distance(x: Floats, y: Floats, points: Floats) -> Floats:
    """Distance to a closed path, negative inside (even-odd rule)."""
    inside = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if ay != by:
            crosses = (ay > y) != (by > y)
            inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    away = _to_segments(x, y, points, True)
    return np.where(inside, -away, away)


def _corners(shape: str, rng: random.Random) -> list[tuple[float, float]]:
    """Corners within a circle of radius about 1, the middle at the origin."""
    if shape == "circle":
        return [(math.cos(i * math.tau / 60), math.sin(i * math.tau / 60)) for i in range(60)]
    if shape in ("square", "rectangle"):
        ratio = 1.0 if shape == "square" else rng.uniform(1.7, 2.6)
        wide, high = (ratio, 1.0) if rng.random() < 0.5 else (1.0, ratio)
        scale = 1.15 / math.hypot(wide, high)
        return [(wide * scale * sx, high * scale * sy)
                for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]  # fmt: skip
    if shape == "diamond":
        narrow = rng.uniform(0.6, 1.0)
        return [(0, -1), (narrow, 0), (0, 1), (-narrow, 0)]
    if shape == "triangle":
        slender = rng.uniform(0.75, 1.0)
        return [(0, -1), (0.87 * slender, 0.5), (-0.87 * slender, 0.5)]
    if shape == "star":
        inner = rng.choice((0.382, 0.45, 0.5))
        spokes = [(1.0 if i % 2 == 0 else inner, i * math.pi / 5) for i in range(10)]
        return [(r * math.sin(a), -r * math.cos(a)) for r, a in spokes]
    arm = rng.uniform(0.2, 0.4)
    quarter = [(arm, -1.0), (arm, -arm), (1.0, -arm)]
    turned = [(x, y) for x, y in quarter]
    whole: list[tuple[float, float]] = []
    for _ in range(4):
        whole += turned
        turned = [(-y, x) for x, y in turned]
    return whole


def _by_hand(points: Floats, radius: float, rng: random.Random) -> Floats:
    """The path as a hand follows it: slow waves, and an end that misses its start a little."""
    path = []
    for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
        pieces = max(1, round(math.hypot(bx - ax, by - ay) / (0.18 * radius)))
        path += [(ax + (bx - ax) * i / pieces, ay + (by - ay) * i / pieces) for i in range(pieces)]
    turns = np.linspace(0, 1, len(path) + 1)
    moved = np.array([*path, path[0]])
    for axis in range(2):
        for waves in (0.7, 1.9, 4.3):
            size = rng.uniform(0, 0.09 if waves < 4 else 0.03) * radius
            moved[:, axis] += size * np.sin(math.tau * (waves * turns + rng.random()))
    return moved


# --- one drawing ----------------------------------------------------------------------------------


class _Canvas:
    """Float pixels that distances are painted on."""

    def __init__(self, size: tuple[int, int], paper: Rgb, smooth: bool) -> None:
        self.pixels = np.ones((size[1], size[0], 3)) * np.array(paper, dtype=np.float64)
        self.smooth = smooth

    def around(self, points: Floats, margin: float) -> tuple[tuple[slice, slice], Floats, Floats]:
        """The part of the canvas near a path, and its pixels' centres."""
        height, width = self.pixels.shape[:2]
        left, top = np.maximum(np.floor(points.min(0) - margin), 0).astype(int)
        right, bottom = np.ceil(points.max(0) + margin).astype(int)
        window = (slice(top, min(bottom, height)), slice(left, min(right, width)))
        y, x = np.mgrid[window]
        return window, x + 0.5, y + 0.5

    def paint(self, window: tuple[slice, slice], distance: Floats, rgb: Rgb) -> None:
        """Colour where ``distance`` is negative; the edge pixel by how much of it is covered."""
        cover = np.clip(0.5 - distance, 0, 1) if self.smooth else (distance < 0) * 1.0
        part = self.pixels[window]
        self.pixels[window] = part + cover[..., None] * (np.array(rgb) - part)

    def picture(self) -> Image.Image:
        return Image.fromarray(self.pixels.round().astype(np.uint8))


def _paint(canvas: _Canvas, figure: Figure, style: Style, rng: random.Random) -> None:
    height, width = canvas.pixels.shape[:2]
    # A square or diamond that is turned far could be called the other.
    most = min(style.tilt, 15.0) if figure.shape in ("square", "diamond") else style.tilt
    tilt = math.radians(rng.uniform(-most, most))
    corners = np.array(_corners(figure.shape, rng)) * figure.radius
    turn = np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    points = corners @ turn.T + np.array([figure.x * width, figure.y * height])
    if style.render == "brush":
        brush = rng.uniform(0.12, 0.2) * figure.radius + 4
        path = _by_hand(points, figure.radius, rng)
        window, x, y = canvas.around(path, brush)
        distance = _to_segments(x, y, path, False)
        if figure.filled:
            distance = np.minimum(distance, _signed_distance(x, y, path))
        canvas.paint(window, distance - brush / 2, figure.rgb)
        return
    pen = rng.uniform(0.1, 0.22) * figure.radius + 1
    window, x, y = canvas.around(points, pen + 2)
    distance = _signed_distance(x, y, points)
    if style.render == "line":
        canvas.paint(window, np.abs(distance) - pen / 2, figure.rgb)
        return
    canvas.paint(window, distance, figure.rgb)
    if style.render == "contour":
        canvas.paint(window, np.abs(distance) - rng.uniform(1.0, 2.0), (0, 0, 0))
    elif style.render == "edged":
        darker = (figure.rgb[0] // 2, figure.rgb[1] // 2, figure.rgb[2] // 2)
        canvas.paint(window, np.abs(distance) - 0.75, darker)


def _place(x: float, y: float) -> str | None:
    """The name of one of the nine places, ``None`` too near to a line between two of them."""
    if any(abs(v - line) < _CLEAR_OF_LINES for v in (x, y) for line in (1 / 3, 2 / 3)):
        return None
    words = [word for word in (_ROWS[int(y * 3)], _COLUMNS[int(x * 3)]) if word]
    return " ".join(words) or "center"


def _figures(
    style: Style, size: tuple[int, int], paper: Rgb, count: int, rng: random.Random
) -> list[Figure] | None:
    """``count`` things that do not touch; ``None`` where the dice left no room."""
    width, height = size
    unit = math.sqrt(width * height)
    colors = [n for n, rgb in style.palette.items() if math.dist(rgb, paper) > _LEAST_CONTRAST]
    made: list[Figure] = []
    for _ in range(count):
        repeats = made and rng.random() < 0.3
        shape = rng.choice(made).shape if repeats else rng.choice(SHAPES)
        color = rng.choice(made).color if made and rng.random() < 0.25 else rng.choice(colors)
        big = rng.choice(tuple(_RADII))
        radius = rng.uniform(*_RADII[big]) * unit
        filled = style.render != "line" and (
            style.render != "brush" or big == "small" or rng.random() < 0.5
        )
        for _ in range(60):
            x, y = rng.random(), rng.random()
            inside = min(x, 1 - x) * width > 1.2 * radius and min(y, 1 - y) * height > 1.2 * radius
            apart = all(
                math.hypot((x - f.x) * width, (y - f.y) * height) > 1.25 * (radius + f.radius)
                for f in made
            )
            place = _place(x, y)
            if inside and apart and place and all(f.position != place for f in made):
                rgb = style.palette[color]
                made.append(Figure(shape, color, big, place, x, y, radius, rgb, filled))
                break
        else:
            return None
    return made


def _reading_order(figure: Seen) -> tuple[int, int]:
    row = "top bottom".find(figure.position.split()[0])
    column = "left right".find(figure.position.split()[-1])
    return (0 if row == 0 else 2 if row > 0 else 1, 0 if column == 0 else 2 if column > 0 else 1)


def make_drawing(style: Style, count: int, rng: random.Random) -> Drawing:
    """One drawing of ``count`` things in a style."""
    size, paper = rng.choice(style.canvases), rng.choice(style.paper)
    figures = None
    while figures is None:
        figures = _figures(style, size, paper, count, rng)
    canvas = _Canvas(size, paper, style.smooth)
    for figure in figures:
        _paint(canvas, figure, style, rng)
    picture = canvas.picture()
    if style.jpeg:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=rng.randint(*style.jpeg))
        picture = Image.open(file).convert("RGB")
    return Drawing(style, tuple(sorted(figures, key=_reading_order)), picture)


def foreign_drawings(seed: int, count: int) -> Iterator[Drawing]:
    """``count`` drawings, the styles in turn, one to five things each."""
    rng = random.Random(seed)
    for number in range(count):
        yield make_drawing(STYLES[number % len(STYLES)], rng.randint(1, MOST_THINGS), rng)


# --- questions as a person words them -------------------------------------------------------------

_NOUNS = ("shape", "object", "figure")
_WORDINGS: dict[str, tuple[str, ...]] = {
    "color": ("What colour is the {}?", "What color is the {}?", "What color does the {} have?",
              "What's the colour of the {}?", "Which colour is the {}?"),
    "shape": ("What shape is the {}?", "Which shape is the {}?", "What kind of shape is the {}?",
              "What is the shape of the {}?"),
    "position": ("Where is the {}?", "Where's the {}?", "Where in the image is the {}?",
                 "Where can I find the {}?", "What is the position of the {}?"),
    "size": ("Is the {} large or small?", "Is the {} big or small?", "What size is the {}?",
             "What is the size of the {}?"),
    "count": ("How many {} are there?", "How many {} are in the image?", "How many {} can you see?",
              "Count the {}.", "How many {} are in this drawing?"),
    "presence": ("Is there a {}?", "Is there a {} in the image?", "Can you see a {}?",
                 "Does the picture have a {}?", "Do you see a {} in this drawing?"),
    "relation": ("Is the {} {} the {}?", "Is the {} located {} the {}?"),
    "comparison": ("Are there {} {} than {}?", "Do you see {} {} than {}?"),
    "choice": ("What color is the {}? A) {} B) {} C) {}", "Where is the {}? A) {} B) {} C) {}"),
    "describe": ("Describe the image.", "Describe the picture.", "Describe this drawing.",
                 "What do you see?", "What is in this image?", "Please describe the picture"),
}  # fmt: skip


def _a(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _many(shape: str) -> str:
    return f"{shape}es" if shape.endswith("s") else f"{shape}s"


def _at(place: str) -> str:
    return "in the center" if place == "center" else f"at the {place}"


def _name(things: Sequence[Seen], one: Seen, hidden: str, rng: random.Random) -> str | None:
    """Words that only ``one`` fits and that do not tell what is asked for."""
    noun = rng.choice(_NOUNS)
    ways: list[tuple[tuple[str, ...], str]] = [
        (("shape",), one.shape),
        (("color", "shape"), f"{one.color} {one.shape}"),
        (("size", "shape"), f"{one.size} {one.shape}"),
        (("color",), f"{one.color} {noun}"),
        (("position",), f"{noun} {_at(one.position)}"),
    ]
    fitting = [
        words
        for needed, words in ways
        if hidden not in needed
        and sum(all(getattr(t, a) == getattr(one, a) for a in needed) for t in things) == 1
    ]
    return rng.choice(fitting) if fitting else None


def _attribute(attribute: str) -> Callable[[Sequence[Seen], random.Random], Any]:
    def ask(things: Sequence[Seen], rng: random.Random) -> tuple[list[str], str] | None:
        one = rng.choice(things)
        name = _name(things, one, attribute, rng)
        return ([name], getattr(one, attribute)) if name else None

    return ask


def _count(things: Sequence[Seen], rng: random.Random) -> tuple[list[str], str]:
    way, one = rng.randrange(3), rng.choice(things)
    if way == 0:
        return [rng.choice(("shapes", "objects", "figures"))], str(len(things))
    if way == 1:
        shape = one.shape if rng.random() < 0.7 else rng.choice(SHAPES)
        return [_many(shape)], str(sum(t.shape == shape for t in things))
    color = one.color if rng.random() < 0.7 else rng.choice(tuple(_CSS))
    return [f"{color} shapes"], str(sum(t.color == color for t in things))


def _presence(things: Sequence[Seen], rng: random.Random) -> tuple[list[str], str]:
    one, other = rng.choice(things), rng.choice(things)
    if rng.random() < 0.5:
        return [rng.choice((one.shape, f"{one.color} {one.shape}"))], "yes"
    shape = rng.choice((other.shape, rng.choice(SHAPES)))
    there = any((t.color, t.shape) == (one.color, shape) for t in things)
    return [f"{one.color} {shape}"], "yes" if there else "no"


def _relation(things: Sequence[Seen], rng: random.Random) -> tuple[list[str], str] | None:
    if len(things) < 2:
        return None
    one, other = rng.sample(list(things), 2)
    names = [_name(things, t, "position", rng) for t in (one, other)]
    words, ahead = rng.choice((
        ("left of", other.x - one.x), ("to the left of", other.x - one.x),
        ("right of", one.x - other.x), ("to the right of", one.x - other.x),
        ("above", other.y - one.y), ("below", one.y - other.y),
    ))  # fmt: skip
    if abs(ahead) < 0.2 or names[0] is None or names[1] is None:
        return None
    return [names[0], words, names[1]], "yes" if ahead > 0 else "no"


def _comparison(things: Sequence[Seen], rng: random.Random) -> tuple[list[str], str]:
    first = rng.choice(things).shape
    second = rng.choice([shape for shape in SHAPES if shape != first])
    if rng.random() < 0.5:
        first, second = second, first
    more = rng.random() < 0.5
    one, other = (sum(t.shape == shape for t in things) for shape in (first, second))
    right = one > other if more else one < other
    return ["more" if more else "fewer", _many(first), _many(second)], "yes" if right else "no"


def _choice(
    things: Sequence[Seen], rng: random.Random, attribute: str
) -> tuple[list[str], str] | None:
    one = rng.choice(things)
    name = _name(things, one, attribute, rng)
    places = [p for y in (0.1, 0.5, 0.9) for x in (0.1, 0.5, 0.9) if (p := _place(x, y))]
    options = list(_CSS) if attribute == "color" else places
    right = getattr(one, attribute)
    offered = [right, *rng.sample([option for option in options if option != right], 2)]
    rng.shuffle(offered)
    return ([name, *offered], "abc"[offered.index(right)]) if name else None


def _told(things: Sequence[Seen]) -> str:
    ordered = sorted(things, key=_reading_order)
    return ", ".join(f"{_a(f'{t.size} {t.color} {t.shape}')} {_at(t.position)}" for t in ordered)


_ASK: dict[str, Callable[[Sequence[Seen], random.Random], Any]] = {
    "color": _attribute("color"),
    "shape": _attribute("shape"),
    "position": _attribute("position"),
    "size": _attribute("size"),
    "count": _count,
    "presence": _presence,
    "relation": _relation,
    "comparison": _comparison,
    "describe": lambda things, rng: ([], _told(things)),
}
KINDS = tuple(_WORDINGS)


def ask_as_a_person(things: Sequence[Seen], kind: str, rng: random.Random) -> Asked | None:
    """A question of one kind, ``None`` where these things allow none."""
    wording = rng.choice(_WORDINGS[kind])
    for _ in range(4):
        if kind == "choice":
            made = _choice(things, rng, "color" if "color" in wording else "position")
        else:
            made = _ASK[kind](things, rng)
        if made is not None:
            words, answer = made
            prompt = wording.format(*words).replace(" a orange", " an orange")
            return Asked(kind, wording, prompt, answer)
    return None


def foreign_samples(seed: int, count: int) -> Iterator[Sample]:
    """``count`` questions, kinds and styles in turn, each about a drawing of its own."""
    rng = random.Random(seed)
    for number in range(count):
        kind, style = KINDS[number % len(KINDS)], STYLES[number // len(KINDS) % len(STYLES)]
        asked = None
        while asked is None:
            drawing = make_drawing(style, rng.randint(1, MOST_THINGS), rng)
            asked = ask_as_a_person(drawing.figures, kind, rng)
        yield Sample(kind, drawing.image, asked.prompt, asked.answer, style.name)
