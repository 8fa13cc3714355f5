"""What is asked about a scene, in many phrasings, each with its one right answer.

A question is asked only where it has one right answer: "the circle" needs exactly one circle.
Answers are lower case and short, except for "describe".
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from embedded_model.scenes import COLORS, POSITIONS, SHAPES, SIZES, Scene, Thing

NUMBERS = ("0", "1", "2", "3", "4", "5")


@dataclass(frozen=True)
class Question:
    kind: str
    text: str
    answer: str


def article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def plural(shape: str) -> str:
    return shape + ("es" if shape == "cross" else "s")


def _place(position: str) -> str:
    """``top left`` -> ``at the top left``, ``center`` -> ``in the center``."""
    return f"in the {position}" if position == "center" else f"at the {position}"


def _picture(rng: random.Random) -> str:
    return rng.choice(("picture", "picture", "image", "drawing"))


def _unique(scene: Scene, test: Callable[[Thing], bool]) -> bool:
    return sum(map(test, scene.things)) == 1


def _referred(scene: Scene, thing: Thing, rng: random.Random, hide: str) -> str | None:
    """A noun phrase that fits ``thing`` alone and does not give away the attribute ``hide``."""
    word = rng.choice(("object", "thing", "shape", "figure"))
    phrases: list[tuple[str, Callable[[Thing], bool]]] = []
    if hide != "shape":
        phrases.append((thing.shape, lambda t: t.shape == thing.shape))
        phrases.append((thing.shape, lambda t: t.shape == thing.shape))
        if hide != "size":
            phrases.append(
                (f"{thing.size} {thing.shape}",
                 lambda t: (t.size, t.shape) == (thing.size, thing.shape))
            )  # fmt: skip
        if hide != "color":
            phrases.append(
                (f"{thing.color} {thing.shape}",
                 lambda t: (t.color, t.shape) == (thing.color, thing.shape))
            )  # fmt: skip
    if hide != "color":
        phrases.append((f"{thing.color} {word}", lambda t: t.color == thing.color))
    if hide != "position":
        phrases.append((f"{word} {_place(thing.position)}", lambda t: t.position == thing.position))
    fitting = [phrase for phrase, test in phrases if _unique(scene, test)]
    return rng.choice(fitting) if fitting else None


def _spell_color(rng: random.Random) -> str:
    return "colour" if rng.random() < 0.2 else "color"


def _ask_color(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    thing = rng.choice(scene.things)
    it = _referred(scene, thing, rng, "color")
    if it is None:
        return None
    color = _spell_color(rng)
    form = rng.choice(
        (f"what {color} is the {it}", f"what {color} is the {it}",
         f"what is the {color} of the {it}", f"which {color} is the {it}",
         f"tell me the {color} of the {it}", f"which {color} does the {it} have",
         f"what {color} does the {it} have")
    )  # fmt: skip
    return form, thing.color


def _ask_shape(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    thing = rng.choice(scene.things)
    it = _referred(scene, thing, rng, "shape")
    if it is None:
        return None
    forms = [f"what shape is the {it}", f"what shape is the {it}", f"which shape is the {it}",
             f"what is the shape of the {it}"]  # fmt: skip
    forms.append(f"what is {_place(thing.position)}")
    return rng.choice(forms), thing.shape


def _ask_position(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    thing = rng.choice(scene.things)
    it = _referred(scene, thing, rng, "position")
    if it is None:
        return None
    form = rng.choice(
        (f"where is the {it}", f"where is the {it}", f"where's the {it}",
         f"in which part of the {_picture(rng)} is the {it}", f"where can i see the {it}",
         f"where in the {_picture(rng)} is the {it}", f"what is the position of the {it}")
    )  # fmt: skip
    return form, thing.position


def _ask_size(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    thing = rng.choice(scene.things)
    it = _referred(scene, thing, rng, "size")
    if it is None:
        return None
    form = rng.choice(
        (f"is the {it} small or large", f"what size is the {it}", f"how big is the {it}",
         f"is the {it} large or small", f"is the {it} big or small")
    )  # fmt: skip
    return form, thing.size


def _ask_count(scene: Scene, rng: random.Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.4:
        what = rng.choice(("objects", "shapes", "things", "figures"))
        number = len(scene.things)
    elif kind < 0.7:
        shape = rng.choice(scene.things).shape if rng.random() < 0.7 else rng.choice(SHAPES)
        what, number = plural(shape), sum(t.shape == shape for t in scene.things)
    else:
        color = rng.choice(scene.things).color if rng.random() < 0.7 else rng.choice([*COLORS])
        what = f"{color} {rng.choice(('objects', 'shapes', 'things'))}"
        number = sum(t.color == color for t in scene.things)
    form = rng.choice(
        (f"how many {what} are there", f"how many {what} are there",
         f"how many {what} do you see", f"how many {what} are in the {_picture(rng)}",
         f"count the {what}", f"what is the number of {what}")
    )  # fmt: skip
    return form, str(number)


def _some_things(scene: Scene, rng: random.Random) -> tuple[str, bool]:
    """A description such as "red circle" and whether the scene has one; even odds."""
    if rng.random() < 0.5:
        thing = rng.choice(scene.things)
        return rng.choice((thing.name, thing.shape, f"{thing.size} {thing.shape}")), True
    kind = rng.random()
    shapes, colors = [t.shape for t in scene.things], [t.color for t in scene.things]
    if kind < 0.4:
        return rng.choice([s for s in SHAPES if s not in shapes]), False
    # A near miss: a colour and a shape that are both there, but not on the same thing.
    color = rng.choice(colors) if rng.random() < 0.6 else rng.choice([*COLORS])
    shape = rng.choice(shapes) if rng.random() < 0.6 else rng.choice(SHAPES)
    return f"{color} {shape}", any((t.color, t.shape) == (color, shape) for t in scene.things)


def _ask_presence(scene: Scene, rng: random.Random) -> tuple[str, str]:
    what, there = _some_things(scene, rng)
    if rng.random() < 0.25:
        form = rng.choice((f"is there no {what}", f"is it true that there is no {what}"))
        return form, "no" if there else "yes"
    form = rng.choice(
        (f"is there {article(what)}",
         f"is there {article(what)} in the {_picture(rng)}",
         f"does the {_picture(rng)} have {article(what)}",
         f"do you see {article(what)}", f"can you find {article(what)}")
    )  # fmt: skip
    return form, "yes" if there else "no"


# Above and below twice, so that both directions are asked alike.
_RELATIONS: tuple[tuple[str, Callable[[Thing, Thing], float]], ...] = (
    ("to the left of", lambda a, b: b.x - a.x),
    ("to the right of", lambda a, b: a.x - b.x),
    ("left of", lambda a, b: b.x - a.x),
    ("right of", lambda a, b: a.x - b.x),
    ("above", lambda a, b: b.y - a.y),
    ("below", lambda a, b: a.y - b.y),
    ("above", lambda a, b: b.y - a.y),
    ("below", lambda a, b: a.y - b.y),
)


def _ask_relation(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    if len(scene.things) < 2:
        return None
    first, second = rng.sample(scene.things, 2)
    relation, ahead = rng.choice(_RELATIONS)
    distance = ahead(first, second)
    one = _referred(scene, first, rng, "position")
    other = _referred(scene, second, rng, "position")
    if abs(distance) < 0.2 or one is None or other is None:
        return None
    return f"is the {one} {relation} the {other}", "yes" if distance > 0 else "no"


def _ask_comparison(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    first, second = rng.sample(SHAPES, 2)
    present = sorted({t.shape for t in scene.things})
    if len(present) > 1 and rng.random() < 0.7:
        first, second = rng.sample(present, 2)
    one, other = (sum(t.shape == s for t in scene.things) for s in (first, second))
    if one == 0 and other == 0:
        return None
    more = rng.random() < 0.5
    word = "more" if more else "fewer"
    holds = one > other if more else one < other
    return f"are there {word} {plural(first)} than {plural(second)}", "yes" if holds else "no"


def _ask_choice(scene: Scene, rng: random.Random) -> tuple[str, str] | None:
    asked, options = rng.choice(
        ((_ask_color, tuple(COLORS)), (_ask_shape, SHAPES), (_ask_position, POSITIONS))
    )
    question = asked(scene, rng)
    if question is None:
        return None
    text, right = question
    wrong = rng.sample([option for option in options if option != right], 2)
    choices = [right, *wrong]
    rng.shuffle(choices)
    listed = " ".join(f"{letter}) {choice}" for letter, choice in zip("abc", choices, strict=True))
    return f"{text} ? {listed}", "abc"[choices.index(right)]


def describe(scene: Scene) -> str:
    """All things in reading order: ``a large red circle at the top left, ...``."""
    return ", ".join(
        f"{article(f'{t.size} {t.color} {t.shape}')} {_place(t.position)}" for t in scene.things
    )


def _ask_description(scene: Scene, rng: random.Random) -> tuple[str, str]:
    form = rng.choice(
        ("describe the image", "describe the picture", f"what is in the {_picture(rng)}",
         "what do you see", "list all objects")
    )  # fmt: skip
    return form, describe(scene)


def _ask_mention(scene: Scene, rng: random.Random) -> tuple[str, str]:
    """Any one thing, its attributes in any order: each word must fit the words before it.

    For training only, since there are many right answers. It is the shortest way to learn to find
    a thing by its looks: the word that was just said is the query.
    """
    thing = rng.choice(scene.things)
    words = [thing.color, thing.shape, thing.position, thing.size]
    rng.shuffle(words)
    form = rng.choice(("name one object", "tell me about any object", "mention a thing you see"))
    return form, " ".join(words)


_ASK: dict[str, Callable[[Scene, random.Random], tuple[str, str] | None]] = {
    "color": _ask_color,
    "shape": _ask_shape,
    "position": _ask_position,
    "size": _ask_size,
    "count": _ask_count,
    "presence": _ask_presence,
    "relation": _ask_relation,
    "comparison": _ask_comparison,
    "choice": _ask_choice,
    "describe": _ask_description,
    "mention": _ask_mention,
}
KINDS = tuple(kind for kind in _ASK if kind != "mention")
SHORT_KINDS = tuple(kind for kind in KINDS if kind != "describe")
# "mention" has no one right answer and is for training only.
# A description has as many tokens as a dozen short answers and is learned early: ask it rarely.
# Kinds that need steps after finding a thing are asked most: they are learned last.
WEIGHTS = {"color": 2, "shape": 2, "position": 2, "size": 1, "count": 5, "presence": 3,
            "relation": 4, "comparison": 2, "choice": 4, "describe": 0.35,
            "mention": 0.5}  # fmt: skip


def _typed(text: str, rng: random.Random) -> str:
    """How people type: with or without the question mark, with or without a space before it."""
    return text + rng.choice((" ?", "?", "?", "")) if "?" not in text else text


def ask(scene: Scene, kind: str, rng: random.Random) -> Question | None:
    """A question of one kind, or ``None`` where this scene allows none (no unique reference)."""
    for _ in range(4):
        made = _ASK[kind](scene, rng)
        if made is not None:
            text, answer = made
            mark = rng.choice((".", " .", "")) if kind == "describe" else None
            return Question(kind, text + mark if mark is not None else _typed(text, rng), answer)
    return None


def ask_any(scene: Scene, rng: random.Random, weights: Mapping[str, float] = WEIGHTS) -> Question:
    """A question of a kind drawn with ``weights``."""
    while True:
        question = ask(scene, rng.choices(list(weights), list(weights.values()))[0], rng)
        if question is not None:
            return question


VOCABULARY = sorted({*COLORS, *SHAPES, *map(plural, SHAPES), *SIZES, *POSITIONS, *NUMBERS})
