"""The generated world: pictures and questions with one right answer."""

import itertools
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from transformers import PreTrainedTokenizerFast

from embedded_model import calibration_set
from embedded_model.architecture import PIXEL_MEAN, PIXEL_STD, build_processor
from embedded_model.questions import KINDS, SHORT_KINDS, ask, describe
from embedded_model.scenes import (
    _SHADES,
    BAR,
    COLORS,
    POSITIONS,
    SHAPES,
    SIZES,
    Background,
    Scene,
    draw,
    in_reading_order,
    make_thing,
    patch_owners,
    random_scene,
)
from vtw_core.loading.loading import EMBEDDED_FOLDER

WHITE = Background((255, 255, 255), (255, 255, 255), True, 0.0)


def scene_of(*things):
    rng = random.Random(0)
    made = [
        make_thing(shape, color, size, cell, (cell % 3 + 0.5) / 3, (cell // 3 + 0.5) / 3,
                   0.16 if size == "large" else 0.09, rng)
        for shape, color, size, cell in things
    ]  # fmt: skip
    return Scene(in_reading_order(made), WHITE)


def test_the_same_seed_draws_the_same_picture_and_another_seed_another():
    def picture(seed):
        rng = random.Random(seed)
        return np.asarray(draw(random_scene(rng), rng, 64))

    assert np.array_equal(picture(5), picture(5))
    assert not np.array_equal(picture(5), picture(6))


def test_scenes_use_every_word_of_the_world():
    rng = random.Random(1)
    things = [thing for _ in range(300) for thing in random_scene(rng).things]
    assert {t.color for t in things} == set(COLORS)
    assert {t.shape for t in things} == set(SHAPES)
    assert {t.size for t in things} == set(SIZES)
    assert {t.position for t in things} == set(POSITIONS)


def test_every_thing_stands_where_its_position_says():
    rng = random.Random(2)
    for _ in range(100):
        scene = random_scene(rng)
        left, top, right, bottom = scene.frame
        for thing in scene.things:
            column = int((thing.x - left) / (right - left) * 3)
            row = int((thing.y - top) / (bottom - top) * 3)
            assert POSITIONS[row * 3 + column] == thing.position


def test_things_that_meet_stand_out_from_one_another_and_hide_no_centre():
    rng = random.Random(7)
    scenes = [random_scene(rng) for _ in range(300)]
    for scene in scenes:
        for first, second in itertools.combinations(scene.things, 2):
            gap = math.hypot(first.x - second.x, first.y - second.y)
            if gap < first.radius + second.radius:
                assert math.dist(first.rgb, second.rgb) >= 80
                assert gap > max(first.radius, second.radius) * 0.72
    assert 20 < sum(scene.overlaps for scene in scenes) < 100


def test_of_things_that_overlap_most_of_each_is_seen():
    rng = random.Random(11)
    crowded = [s for s in (random_scene(rng) for _ in range(400)) if s.overlaps][:12]
    for scene in crowded:
        everything = np.asarray(draw(scene, random.Random(0), 96)).astype(int)
        for thing in scene.things:
            alone = replace(scene, things=(thing,))
            empty = replace(scene, things=())
            own, bare = (
                np.asarray(draw(one, random.Random(0), 96)).astype(int) for one in (alone, empty)
            )
            its = np.abs(own - bare).max(axis=-1) > 20
            seen = its & (np.abs(everything - own).max(axis=-1) < 20)
            assert seen.sum() > 0.6 * its.sum()


@pytest.mark.parametrize("pattern", ["stripes", "checks", "dots", "grid"])
def test_a_patterned_background_shows_both_its_colours_and_repeats(pattern):
    light, dark = (200, 210, 220), (150, 160, 170)
    background = Background(light, dark, False, 0.0, pattern, period=0.125)
    picture = np.asarray(draw(Scene((), background), random.Random(0), 96)).astype(int)
    for color in (light, dark):
        assert (np.abs(picture - color).max(axis=-1) < 12).mean() > 0.1
    assert np.abs(picture[12:] - picture[:-12]).max() < 12
    assert np.abs(picture[:, 12:] - picture[:, :-12]).max() < 12


def test_a_picture_that_is_not_square_is_drawn_as_the_processor_pads_it():
    rng = random.Random(8)
    barred = [scene for scene in (random_scene(rng) for _ in range(200)) if scene.frame[1] > 0.1]
    for scene in barred[:5]:
        picture = np.asarray(draw(scene, rng, 96)).astype(int)
        bar = int(scene.frame[1] * 96)
        inner = Image.fromarray(picture[bar + 1 : 96 - bar - 1].astype(np.uint8))
        padded = np.asarray(
            build_processor(
                PreTrainedTokenizerFast.from_pretrained(EMBEDDED_FOLDER)
            ).image_processor(inner, return_tensors="np")["pixel_values"]
        )[0]
        seen = (padded * PIXEL_STD + PIXEL_MEAN).transpose(1, 2, 0) * 255
        assert np.abs(seen[: bar - 2] - picture[: bar - 2]).max() < 2
        assert (picture[:bar] == BAR).all()
        assert (picture[96 - bar + 1 :] == BAR).all()
    assert len(barred) > 10


def test_shades_of_different_colours_keep_apart():
    for color, shades in _SHADES.items():
        for shade in shades:
            others = [
                math.dist(shade, rgb)
                for name, mains in _SHADES.items()
                for rgb in (COLORS[name], *mains)
                if name != color
            ]
            assert min(others) > 45, (color, shade)


def test_a_patch_belongs_to_the_thing_that_is_drawn_on_it():
    scene = scene_of(("square", "red", "large", 0), ("circle", "blue", "large", 8))
    owners = patch_owners(scene, 96, 8).reshape(12, 12)
    picture = np.asarray(draw(scene, random.Random(0), 96)).astype(int)
    for row in range(12):
        for column in range(12):
            r, _, b = picture[row * 8 + 4, column * 8 + 4]
            seen = 0 if r > b + 60 else 1 if b > r + 60 else -1
            corner_cases = owners[row, column] != -1 and seen == -1  # partly covered patches
            assert owners[row, column] == seen or corner_cases
    assert (owners == 0).sum() > 9
    assert (owners == 1).sum() > 9


def test_answers_of_a_known_scene_are_right():
    scene = scene_of(
        ("star", "red", "large", 0), ("circle", "blue", "small", 4), ("star", "blue", "large", 8)
    )
    expected = {
        "how many stars": "2", "where is the circle": "center", "what color is the circle": "blue",
        "is the circle to the left of the red": "no", "is there a red star": "yes",
        "is there no red star": "no", "are there more stars than circles": "yes",
        "how many blue": "2", "is the circle small or large": "small",
    }  # fmt: skip
    rng = random.Random(3)
    met = set()
    for _ in range(6000):
        question = ask(scene, rng.choice(SHORT_KINDS), rng)
        for start, answer in expected.items():
            if (
                question is not None
                and question.text.startswith(start)
                and "a)" not in question.text
            ):
                assert question.answer == answer, question
                met.add(start)
    assert met == set(expected)
    assert describe(scene) == (
        "a large red star at the top left, a small blue circle in the center, "
        "a large blue star at the bottom right"
    )


def test_the_right_letter_of_a_choice_is_the_answer_of_the_plain_question():
    rng = random.Random(4)
    for _ in range(300):
        scene = random_scene(rng)
        question = ask(scene, "choice", rng)
        if question is None:
            continue
        options = dict(
            part.split(") ")
            for part in question.text.split(" ? ")[1]
            .replace(" b)", "|b)")
            .replace(" c)", "|c)")
            .split("|")
        )
        assert set(options) == {"a", "b", "c"}
        words = {value for t in scene.things for value in (t.color, t.shape, t.position)}
        assert options[question.answer] in words


@pytest.mark.parametrize("kind", KINDS)
def test_no_question_names_a_thing_that_fits_twice(kind):
    rng = random.Random(5)
    for _ in range(200):
        scene = random_scene(rng)
        question = ask(scene, kind, rng)
        if question is None or " the " not in question.text or kind in ("describe", "count"):
            continue
        named = [
            s for s in SHAPES
            if f"the {s}" in question.text.replace("?", " ") and f"the {s}s" not in question.text
        ]  # fmt: skip
        for shape in named:
            assert sum(t.shape == shape for t in scene.things) == 1, question


def test_negation_turns_the_answer_round():
    scene = scene_of(("cross", "pink", "large", 3))
    rng = random.Random(6)
    asked = [ask(scene, "presence", rng) for _ in range(400)]
    assert {q.answer for q in asked if "no " in q.text} == {"yes", "no"}
    for question in asked:
        there = any(w in question.text for w in ("pink cross", "large cross")) or (
            "cross" in question.text
            and not any(c in question.text for c in COLORS if c != "pink")
            and "small cross" not in question.text
        )
        says_no = "no " in question.text
        assert (question.answer == "yes") == (there != says_no), question


def test_the_calibration_set_is_drawn_again_from_its_seed(tmp_path):
    bundled = calibration_set.FOLDER
    calibration_set.write(tmp_path)
    assert (tmp_path / "samples.jsonl").read_text() == (bundled / "samples.jsonl").read_text()
    for picture in tmp_path.glob("*.png"):
        drawn, kept = (np.asarray(Image.open(p)) for p in (picture, bundled / picture.name))
        assert np.array_equal(drawn, kept)
