"""Drawings from another program: right answers by construction, and nothing shared with our own."""

import ast
import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from embedded_model import foreign, gap
from embedded_model.foreign import (
    KINDS,
    STYLES,
    ask_as_a_person,
    foreign_drawings,
    foreign_samples,
    make_drawing,
)
from embedded_model.questions import KINDS as WORLD_KINDS
from embedded_model.questions import describe
from embedded_model.scenes import COLORS, POSITIONS, SHAPES


@pytest.fixture(scope="module")
def drawings():
    return list(foreign_drawings(seed=3, count=5 * len(STYLES)))


def colored(drawing, figure):
    """Which pixels near a figure are of its colour, with their x and y as fractions."""
    pixels = np.asarray(drawing.image).astype(float)
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    near = np.hypot(x - figure.x * width, y - figure.y * height) < 1.25 * figure.radius
    same = np.abs(pixels - figure.rgb).max(-1) < (45 if drawing.style.jpeg else 3)
    return near & same, x / width, y / height


def test_it_draws_and_words_without_our_generator():
    source = Path(foreign.__file__).read_text(encoding="utf-8")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not [name for name in imported if name.startswith("embedded_model")]
    assert not [name for name in imported if "ImageDraw" in name]


def test_its_words_are_those_of_the_world(drawings):
    assert set(SHAPES) == set(foreign.SHAPES)
    assert set(KINDS) == set(WORLD_KINDS)
    for style in STYLES:
        assert set(style.palette) <= set(COLORS)
    figures = [figure for drawing in drawings for figure in drawing.figures]
    assert {f.shape for f in figures} == set(SHAPES)
    assert {f.position for f in figures} == set(POSITIONS)


def test_the_picture_has_the_named_colour_at_the_named_place(drawings):
    for drawing in drawings:
        for figure in drawing.figures:
            mask, x, y = colored(drawing, figure)
            assert mask.sum() > 0.25 * figure.radius**2, (drawing.style.name, figure)
            row, column = int(y[mask].mean() * 3), int(x[mask].mean() * 3)
            assert POSITIONS[row * 3 + column] == figure.position
            assert figure.rgb == drawing.style.palette[figure.color]
            if figure.filled:
                width, height = drawing.image.size
                assert mask[int(figure.y * height), int(figure.x * width)], drawing.style.name


def test_nothing_is_drawn_that_the_truth_does_not_count(drawings):
    for drawing in drawings:
        if drawing.style.jpeg:
            continue
        pixels = np.asarray(drawing.image).astype(int)
        painted = (pixels != pixels[0, 0]).any(-1)
        height, width = painted.shape
        y, x = np.mgrid[:height, :width]
        for figure in drawing.figures:
            painted &= (
                np.hypot(x - figure.x * width, y - figure.y * height) > 1.4 * figure.radius + 3
            )
        assert not painted.any()


def test_large_and_small_are_clearly_apart(drawings):
    for drawing in drawings:
        unit = (drawing.image.width * drawing.image.height) ** 0.5
        for figure in drawing.figures:
            assert (figure.radius / unit > 0.115) == (figure.size == "large")


def test_the_same_seed_gives_the_same_samples_and_another_seed_others():
    def first(seed):
        return [
            (s.kind, s.prompt, s.answer, s.style, s.image.tobytes())
            for s in islice(foreign_samples(seed, 12), 12)
        ]

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_samples_go_through_all_kinds_and_styles():
    samples = list(foreign_samples(4, len(KINDS) * len(STYLES)))
    assert {(s.kind, s.style) for s in samples} == {(k, s.name) for k in KINDS for s in STYLES}
    words = {*COLORS, *SHAPES, *POSITIONS, "small", "large", "yes", "no", *"abc012345"}
    assert all(s.answer in words for s in samples if s.kind != "describe")
    assert any(s.prompt.startswith("What colour") for s in samples)


def test_answers_about_a_known_drawing_are_right():
    def figure(shape, color, size, position, x, y):
        return foreign.Figure(shape, color, size, position, x, y, 20.0, (0, 0, 0), True)

    figures = (
        figure("star", "red", "large", "top left", 0.15, 0.15),
        figure("circle", "blue", "small", "center", 0.5, 0.5),
        figure("star", "blue", "large", "bottom right", 0.85, 0.85),
    )
    expected = {
        "How many stars": "2", "How many blue shapes": "2", "Where is the circle?": "center",
        "What colour is the circle": "blue", "Is there a red star?": "yes",
        "Is there a red circle?": "no", "Are there more stars than circles": "yes",
        "Are there fewer stars than circles": "no", "Is the circle large or small": "small",
        "Is the circle above the red star": "no", "Is the circle left of the blue star": "yes",
        "What shape is the red object": "star",
    }  # fmt: skip
    rng = random.Random(0)
    met = set()
    for number in range(6000):
        asked = ask_as_a_person(figures, KINDS[number % len(KINDS)], rng)
        if asked is None:
            continue
        if asked.kind == "choice":
            options = asked.prompt.split("A) ")[1].replace("B) ", "|").replace("C) ", "|")
            right = options.split(" |")["abc".index(asked.answer)]
            assert right in {f.color for f in figures} | {f.position for f in figures}
        if asked.kind == "describe":
            assert asked.answer == (
                "a large red star at the top left, a small blue circle in the center, "
                "a large blue star at the bottom right"
            )
        for start, answer in expected.items():
            if asked.kind != "choice" and asked.prompt.startswith(start):
                assert asked.answer == answer, asked
                met.add(start)
    assert met == set(expected)


def test_a_drawing_is_told_in_our_own_words(drawings):
    rng = random.Random(0)
    for drawing in drawings[:8]:
        asked = ask_as_a_person(drawing.figures, "describe", rng)
        assert describe(gap.as_scene(drawing)) == asked.answer


def test_every_trial_has_its_partner():
    trials = list(gap.trials(lambda picture, prompt, answer: True, seed=1, per_kind=2))
    assert len(trials) == 2 * len(WORLD_KINDS) * 4
    for start in range(0, len(trials), 4):
        four = trials[start : start + 4]
        assert len({(t.kind, t.style) for t in four}) == 1
        assert {(t.foreign_drawing, t.foreign_wording) for t in four} == {
            (False, False), (False, True), (True, False), (True, True),
        }  # fmt: skip


def test_readings_ask_for_every_thing_of_both_pictures():
    readings = list(gap.readings(lambda picture, prompt, answer: True, seed=1, pairs=4))
    own = [r for r in readings if not r.foreign]
    assert len(own) == len(readings) / 2  # matched numbers of things
    assert {r.attribute for r in readings} == {"color", "shape", "size"}


def test_a_jpeg_style_is_compressed_and_a_hard_one_has_two_colours():
    by_name = {style.name: style for style in STYLES}
    hard = make_drawing(by_name["hard pixels"], 1, random.Random(0)).image
    assert len(hard.getcolors()) == 2
    squeezed = make_drawing(by_name["jpeg"], 1, random.Random(0)).image
    assert len(squeezed.getcolors(10**6)) > 20
