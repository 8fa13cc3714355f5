"""How much worse the model is on another program's drawings and on a person's wording.

Each foreign drawing is paired with one of our own scenes of as many things, and each of the two is
asked about in our own wording and in a person's: four answers that tell whether the picture or the
words are to blame.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from embedded_model.foreign import (
    MOST_THINGS,
    STYLES,
    Drawing,
    Seen,
    Style,
    ask_as_a_person,
    make_drawing,
)
from embedded_model.questions import KINDS, ask
from embedded_model.scenes import Background, Scene, Thing, draw, random_scene
from embedded_model.tables import Reading, Trial

PICTURE_SIDE = 224
Right = Callable[[Any, str, str], bool]
"""Whether the model's answer to a prompt about a picture is exactly the expected one."""


def as_scene(drawing: Drawing) -> Scene:
    """The truth about a foreign drawing in our own terms, to be asked about, not to be drawn."""
    things = tuple(
        Thing(f.shape, f.color, f.size, f.position, f.x, f.y, 0.0, f.rgb, (), None)
        for f in drawing.figures
    )
    return Scene(things, Background((255, 255, 255), (255, 255, 255), True, 0.0))


def _pair(style: Style, rng: random.Random) -> tuple[Drawing, Scene]:
    count = rng.randint(1, MOST_THINGS)
    return make_drawing(style, count, rng), random_scene(rng, count, count)


def trials(right: Right, seed: int, per_kind: int) -> Iterator[Trial]:
    """Four trials for each of ``per_kind`` pairs of each kind, the styles in turn."""
    rng = random.Random(seed)
    for kind in KINDS:
        done = 0
        while done < per_kind:
            style = STYLES[done % len(STYLES)]
            drawing, scene = _pair(style, rng)
            pictures = (draw(scene, rng, PICTURE_SIDE), drawing.image)
            asked = []
            for foreign, truth in ((False, scene), (True, as_scene(drawing))):
                ours = ask(truth, kind, rng)
                theirs = ask_as_a_person(truth.things, kind, rng)
                if ours is not None and theirs is not None:
                    asked.append((foreign, False, ours.text, ours.answer))
                    asked.append((foreign, True, theirs.prompt, theirs.answer))
            if len(asked) < 4:
                continue
            for foreign, worded, prompt, answer in asked:
                hit = right(pictures[foreign], prompt, answer)
                yield Trial(kind, style.name, foreign, worded, hit)
            done += 1


def _about(thing: Seen) -> tuple[tuple[str, str], ...]:
    place = f"in the {thing.position}" if thing.position == "center" else f"at the {thing.position}"
    return (
        ("color", f"what color is the object {place} ?"),
        ("shape", f"what shape is the object {place} ?"),
        ("size", f"is the object {place} small or large ?"),
    )


def readings(right: Right, seed: int, pairs: int) -> Iterator[Reading]:
    """Colour, shape and size of every thing in ``pairs`` pairs of drawings, asked by its place."""
    rng = random.Random(seed)
    for number in range(pairs):
        style = STYLES[number % len(STYLES)]
        drawing, scene = _pair(style, rng)
        sides = (
            (False, draw(scene, rng, PICTURE_SIDE), scene.things),
            (True, drawing.image, as_scene(drawing).things),
        )
        for foreign, picture, things in sides:
            for thing in things:
                for attribute, prompt in _about(thing):
                    answer = getattr(thing, attribute)
                    hit = right(picture, prompt, answer)
                    yield Reading(attribute, answer, style.name, foreign, hit)
