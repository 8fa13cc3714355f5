"""Questions about a scene, worded as people word them, with the one right answer.

Two sets of wordings: ``TAUGHT`` for training and the held-out scenes, ``UNTAUGHT`` for measuring
what the model makes of a wording that it never saw. Slots in braces are filled per question.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from embedded_model.smollm2.scenes import Scene, Thing
from embedded_model.smollm2.things import (
    COLOR_NAMES,
    FACTS,
    GROUP_OF,
    NAMES,
    NEVER_TAUGHT,
    NUMBERS,
    SHAPES,
    plural,
    with_article,
)


@dataclass(frozen=True)
class Question:
    text: str
    answer: str
    kind: str
    first_read: str | None = None
    """Of two-step questions: the name that must be read off the picture before the answer."""


Wordings = dict[str, tuple[str, ...]]

TAUGHT: Wordings = {
    "what": (
        "What is {at}?", "What do you see {at}?", "Which thing is {at} of the {picture}?",
        "Name the thing {at}.", "What is the thing {at}?", "What can be seen {at}?",
        "What is shown {at} of the {picture}?", "Which object is {at}?", "{At}, what is there?",
        "Tell me what is {at}.", "What is located {at}?", "What does the {picture} show {at}?",
    ),
    "where": (
        "Where is the {name}?", "In which part of the {picture} is the {name}?",
        "Tell me the position of the {name}.", "Where can I find the {name}?",
        "Where in the {picture} is the {name}?", "What is the position of the {name}?",
        "Where is the {name} located?", "In which corner or side is the {name}?",
        "Where do you see the {name}?", "Find the {name}.",
    ),
    "count": (
        "How many things are in the {picture}?", "How many things do you see?", "Count the things.",
        "How many objects are there?", "What is the number of things in the {picture}?",
        "How many things does the {picture} show?", "How many objects can you see?",
    ),
    "count of": (
        "How many {names} are there?", "How many {names} do you see?",
        "How many {names} are in the {picture}?", "Count the {names}.",
        "What is the number of {names}?", "How many {names} does the {picture} show?",
        "How many {names} can be seen?",
    ),
    "presence": (
        "Is there {a_name} in the {picture}?", "Do you see {a_name}?",
        "Does the {picture} show {a_name}?", "Is there {a_name}?", "Can you see {a_name}?",
        "Does the {picture} contain {a_name}?", "Is {a_name} in the {picture}?",
        "Does the {picture} have {a_name}?", "Is {a_name} visible?", "Is {a_name} shown?",
    ),
    "absence": (
        "Is there no {name} in the {picture}?", "Is there no {name}?",
        "Is there not {a_name} in the {picture}?", "Does the {picture} show no {name}?",
        "Does the {picture} not show {a_name}?", "Is {a_name} missing?",
        "Is it true that there is no {name}?", "Does the {picture} have no {name}?",
        "Is {a_name} absent from the {picture}?",
    ),
    "color": (
        "What color is the {name}?", "Which color does the {name} have?",
        "What is the color of the {name}?", "Tell me the color of the {name}.",
        "Which color is the {name}?", "What colour is the {name}?", "The {name} is which color?",
    ),
    "color at": (
        "What color is the shape {at}?", "Which color does the thing {at} have?",
        "What is the color of the shape {at}?", "What colour is the thing {at}?",
    ),
    "shape": (
        "What shape is the {color} thing?", "Which shape is {color}?", "Name the {color} shape.",
        "Which shape does the {color} thing have?", "What is the shape of the {color} thing?",
        "What is the {color} shape?", "What {color} shape is there?",
    ),
    "size": (
        "Is the {name} large or small?", "How big is the {name}?", "What size is the {name}?",
        "Is the {name} small or large?", "How large is the {name}?",
        "Tell me the size of the {name}.",
    ),
    "side": (
        "Is the {name} left or right of the {other}?",
        "Is the {name} to the left or to the right of the {other}?",
        "On which side of the {other} is the {name}, left or right?",
    ),
    "height": (
        "Is the {name} above or below the {other}?", "Is the {name} over or below the {other}?",
        "Is the {name} higher or lower than the {other}, above or below?",
    ),
    "relation": (
        "Is the {name} {relation} the {other}?", "Do you see the {name} {relation} the {other}?",
        "Is there {a_name} {relation} the {other}?",
        "Can the {name} be seen {relation} the {other}?",
    ),
    "which": (
        "Which {group} is in the {picture}?", "Which {group} do you see?", "What {group} is shown?",
        "Name the {group} in the {picture}.", "What kind of {group} is in the {picture}?",
    ),
    "letter": (
        "What is {at}? a) {first} b) {second} c) {third}. Answer with a letter.",
        "Which thing is {at}? a) {first} b) {second} c) {third}",
        "What do you see {at}?\na) {first}\nb) {second}\nc) {third}\nAnswer with a letter.",
    ),
    "describe": (
        "Describe the {picture}.", "What does the {picture} show?",
        "Tell me everything that you see.",
        "What is in the {picture}?", "What do you see?", "Describe what you see.",
        "What can you see in the {picture}?", "Give a description of the {picture}.",
    ),
    "group": (
        "Is the thing {at} an animal, a fruit or a vehicle?",
        "What kind of thing is {at}: an animal, a fruit or a vehicle?",
        "Animal, fruit or vehicle: what is the thing {at}?",
    ),
    "eat": (
        "Can you eat the thing {at}?", "Is the thing {at} something to eat?",
        "Is the thing {at} food?", "Can people eat what is {at}?",
    ),
    "fly": (
        "Can the thing {at} fly?", "Is the thing {at} able to fly?", "Does the thing {at} fly?",
    ),
    "live": (
        "Where does the animal {at} live?", "Where do you find the animal {at} in nature?",
        "Where is the animal {at} at home?",
    ),
    "legs": (
        "How many legs does the animal {at} have?", "How many legs has the animal {at}?",
        "What is the number of legs of the animal {at}?",
    ),
    "sound": (
        "What sound does the animal {at} make?", "What does the animal {at} say?",
        "Which sound does the animal {at} make?",
    ),
    "usual color": (
        "What color is usually the thing {at}?", "What color does the thing {at} usually have?",
        "What is the usual color of the thing {at}?",
    ),
}  # fmt: skip

UNTAUGHT: Wordings = {
    "what": ("what's {at}?", "which item is {at}?", "can you tell me what that is {at}?"),
    "where": ("where's the {name}?", "whereabouts is the {name}?", "the {name} is where?"),
    "count": ("how many items are in this {picture}?", "count everything in the {picture}"),
    "count of": ("how many {names} in this {picture}?", "number of {names}?"),
    "presence": (
        "is there any {name}?", "any {name} here?", "does this {picture} include {a_name}?",
        "is {a_name} present?",
    ),
    "absence": (
        "is there not {a_name}?", "does the {picture} not contain {a_name}?",
        "does the {picture} lack {a_name}?",
    ),
    "color": ("what's the {name}'s color?", "the {name} has what color?"),
    "color at": ("what's the color of the thing {at}?", "and the color of the shape {at}?"),
    "shape": ("what shape is {color}?", "name the shape that is {color}"),
    "size": ("is the {name} big or small?", "what's the size of the {name}?"),
    "side": ("left or right: where is the {name}, seen from the {other}?",
             "is the {name} on the left or the right of the {other}?"),
    "height": ("above or below: where is the {name}, seen from the {other}?",
               "would you say the {name} is above or below the {other}?"),
    "relation": ("is {a_name} {relation} {a_other}?",
                 "does the {name} lie {relation} the {other}?"),
    "which": ("what {group} can you see?", "tell me which {group} this is"),
    "letter": ("pick the letter: {at} there is a) {first} b) {second} c) {third}",),
    "describe": ("please describe this {picture}", "what's in this {picture}?"),
    "group": ("{at}: is it an animal, a fruit or a vehicle?",),
    "eat": ("is the thing {at} edible?", "could i eat the thing {at}?"),
    "fly": ("is the thing {at} something that flies?", "could the thing {at} fly?"),
    "live": ("what is the home of the animal {at}?",),
    "legs": ("the animal {at} has how many legs?", "number of legs of the animal {at}?"),
    "sound": ("what noise does the animal {at} make?", "how does the animal {at} sound?"),
    "usual color": ("what color would the thing {at} normally be?",),
}  # fmt: skip

_PICTURE = ("picture", "picture", "image", "image", "photo", "drawing")
_AT: dict[str, tuple[str, ...]] = {
    "center": ("in the center", "at the center", "in the middle"),
    **{
        side: (f"at the {side}", f"at the {side}", f"on the {side}", f"on the {side} side")
        for side in ("left", "right")
    },
    **{
        edge: (f"at the {edge}", f"at the {edge}", f"on the {edge} side", f"at the very {edge}")
        for edge in ("top", "bottom")
    },
    **{
        f"{edge} {side}": (
            f"at the {edge} {side}", f"at the {edge} {side}", f"in the {edge} {side} corner",
            f"in the {other} {side}", f"in the {edge} {side}",
        )
        for edge, other in (("top", "upper"), ("bottom", "lower"))
        for side in ("left", "right")
    },
}  # fmt: skip

Slots = dict[str, str]


def _said(kind: str, rng: random.Random, wordings: Wordings, slots: Slots) -> str:
    """One wording with its slots filled, as carefully or carelessly as people type."""
    slots = {"picture": rng.choice(_PICTURE), **slots}
    text = rng.choice(wordings[kind]).format(**slots)
    if rng.random() < 0.25:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.15:
        text = text.rstrip("?.")
    elif text[-1] in "?." and rng.random() < 0.06:
        text = text[:-1] + " " + text[-1]
    return text


def _at(thing: Thing, rng: random.Random) -> Slots:
    where = rng.choice(_AT[thing.position])
    return {"at": where, "At": where[0].upper() + where[1:]}


def _called(thing: Thing, scene: Scene, rng: random.Random) -> str | None:
    """A name that only this thing has: with its colour where that is needed, or at times."""
    if len(scene.named(thing.name)) == 1:
        return thing.title if thing.color and rng.random() < 0.3 else thing.name
    same = [other for other in scene.things if other.title == thing.title]
    return thing.title if len(same) == 1 else None


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _ask_what(scene: Scene, rng: random.Random, words: Wordings) -> Question:
    thing = rng.choice(scene.things)
    return Question(_said("what", rng, words, _at(thing, rng)), thing.title, "what")


def _ask_where(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    thing = rng.choice(scene.things)
    name = _called(thing, scene, rng)
    if name is None:
        return None
    return Question(_said("where", rng, words, {"name": name}), thing.position, "where")


def _ask_count(scene: Scene, rng: random.Random, words: Wordings) -> Question:
    return Question(_said("count", rng, words, {}), NUMBERS[len(scene.things)], "count")


def _ask_count_of(scene: Scene, rng: random.Random, words: Wordings) -> Question:
    thing = rng.choice(scene.things)
    what, group = rng.random(), GROUP_OF.get(thing.name)
    if what < 0.15 and group in ("animal", "fruit", "vehicle"):
        names, count = f"{group}s", sum(GROUP_OF.get(t.name) == group for t in scene.things)
    elif what < 0.4 and any(t.color for t in scene.things):
        color = rng.choice([t.color for t in scene.things if t.color])
        names, count = f"{color} shapes", sum(t.color == color for t in scene.things)
    elif what < 0.45:
        names, count = "shapes", sum(t.color is not None for t in scene.things)
    else:
        name = thing.name if rng.random() < 0.8 else rng.choice(NAMES)
        names, count = plural(name), len(scene.named(name))
    return Question(_said("count of", rng, words, {"names": names}), NUMBERS[count], "count of")


def _subject(scene: Scene, rng: random.Random) -> tuple[str, bool]:
    """Something that may be asked for, and whether it is there (about every other time)."""
    kind = rng.random()
    shapes = [thing for thing in scene.things if thing.color]
    if kind < 0.12:
        group = rng.choice(("animal", "fruit", "vehicle"))
        return group, any(GROUP_OF.get(thing.name) == group for thing in scene.things)
    if kind < 0.3:  # a colour, with no shape said
        there = bool(shapes) and rng.random() < 0.5
        color = rng.choice(shapes).color if there else rng.choice(COLOR_NAMES)
        return f"{color} shape", any(thing.color == color for thing in shapes)
    if kind < 0.5:  # a colour and a shape, of which one may be right
        color, shape = rng.choice(COLOR_NAMES), rng.choice(SHAPES)
        if shapes and rng.random() < 0.75:
            thing = rng.choice(shapes)
            color = thing.color if rng.random() < 0.8 else color
            shape = thing.name if rng.random() < 0.8 else shape
        title = f"{color} {shape}"
        return title, any(thing.title == title for thing in shapes)
    name = rng.choice(scene.things).name if rng.random() < 0.5 else rng.choice(NAMES)
    return name, bool(scene.named(name))


def _ask_presence(scene: Scene, rng: random.Random, words: Wordings) -> Question:
    name, there = _subject(scene, rng)
    kind, fact = ("absence", not there) if rng.random() < 0.3 else ("presence", there)
    slots = {"name": name, "a_name": with_article(name)}
    return Question(_said(kind, rng, words, slots), _yes(fact), "presence")


def _ask_color(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    shapes = [thing for thing in scene.things if thing.color]
    if not shapes:
        return None
    thing = rng.choice(shapes)
    if len(scene.named(thing.name)) == 1 and rng.random() < 0.65:
        text = _said("color", rng, words, {"name": thing.name})
    else:
        text = _said("color at", rng, words, _at(thing, rng))
    return Question(text, thing.color or "", "color")


def _ask_shape(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    colors = [thing.color for thing in scene.things if thing.color]
    once = [thing for thing in scene.things if thing.color and colors.count(thing.color) == 1]
    if not once:
        return None
    thing = rng.choice(once)
    return Question(_said("shape", rng, words, {"color": thing.color or ""}), thing.name, "shape")


def _ask_size(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    thing = rng.choice(scene.things)
    name = _called(thing, scene, rng)
    if name is None:
        return None
    text = _said("size", rng, words, {"name": name})
    return Question(text, "large" if thing.is_large else "small", "size")


def _ask_relation(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    unique = scene.unique
    if len(unique) < 2:
        return None
    one, other = rng.sample(unique, 2)
    across, down = one.cell % 3 - other.cell % 3, one.cell // 3 - other.cell // 3
    slots = {
        "name": one.name, "a_name": with_article(one.name),
        "other": other.name, "a_other": with_article(other.name),
    }  # fmt: skip
    horizontal = across != 0 and (down == 0 or rng.random() < 0.5)
    true = ("left" if across < 0 else "right") if horizontal else "above" if down < 0 else "below"
    if rng.random() < 0.5:
        return Question(_said("side" if horizontal else "height", rng, words, slots), true,
                        "relation")  # fmt: skip
    asked = rng.choice(("left", "right") if horizontal else ("above", "below"))
    phrase = rng.choice((f"to the {asked} of", f"{asked} of")) if horizontal else asked
    text = _said("relation", rng, words, {**slots, "relation": phrase})
    return Question(text, _yes(asked == true), "relation")


def _ask_which(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    group = rng.choice(("animal", "fruit", "vehicle"))
    members = [thing for thing in scene.things if GROUP_OF.get(thing.name) == group]
    if len(members) != 1:
        return None
    return Question(_said("which", rng, words, {"group": group}), members[0].name, "which")


def _ask_letter(scene: Scene, rng: random.Random, words: Wordings) -> Question:
    thing = rng.choice(scene.things)
    options = [*rng.sample([name for name in NAMES if name != thing.name], 2), thing.name]
    rng.shuffle(options)
    slots = dict(zip(("first", "second", "third"), options, strict=True))
    text = _said("letter", rng, words, {**_at(thing, rng), **slots})
    return Question(text, "abc"[options.index(thing.name)], "letter")


def _ask_two_step(
    scene: Scene, rng: random.Random, words: Wordings, *, taught: bool
) -> Question | None:
    thing = rng.choice(scene.things)
    known = [
        fact for fact, answers in FACTS.items()
        if thing.name in answers and ((fact, thing.name) not in NEVER_TAUGHT) == taught
    ]  # fmt: skip
    if not known:
        return None
    fact = rng.choice(known)
    kind = "two-step" if taught else "two-step, never taught"
    text = _said(fact, rng, words, _at(thing, rng))
    return Question(text, FACTS[fact][thing.name], kind, first_read=thing.name)


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _ask_describe(scene: Scene, rng: random.Random, words: Wordings) -> Question:
    described = _joined([f"{with_article(t.title)} at the {t.position}" for t in scene.things])
    return Question(
        _said("describe", rng, words, {}), described[0].upper() + described[1:] + ".", "describe"
    )


def _ask_taught_fact(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    return _ask_two_step(scene, rng, words, taught=True)


def _ask_untaught_fact(scene: Scene, rng: random.Random, words: Wordings) -> Question | None:
    return _ask_two_step(scene, rng, words, taught=False)


Asker = Callable[[Scene, random.Random, Wordings], Question | None]
SHORT_KINDS: dict[str, Asker] = {
    "what": _ask_what,
    "where": _ask_where,
    "count": _ask_count,
    "count of": _ask_count_of,
    "presence": _ask_presence,
    "color": _ask_color,
    "shape": _ask_shape,
    "size": _ask_size,
    "relation": _ask_relation,
    "which": _ask_which,
    "letter": _ask_letter,
}
KINDS: dict[str, Asker] = {
    **SHORT_KINDS, "two-step": _ask_taught_fact, "describe": _ask_describe,
}  # fmt: skip
ALL_KINDS: dict[str, Asker] = {**KINDS, "two-step, never taught": _ask_untaught_fact}

_WEIGHTS = {
    "what": 3, "where": 3, "count": 1, "count of": 1.5, "presence": 2.5, "color": 1.5, "shape": 1,
    "size": 1, "relation": 1.5, "which": 1, "letter": 1, "two-step": 4, "describe": 0.5,
}  # fmt: skip


def ask(
    scene: Scene, kind: str, rng: random.Random, wordings: Wordings = TAUGHT
) -> Question | None:
    """A question of that kind, or None where the scene allows none."""
    return ALL_KINDS[kind](scene, rng, wordings)


def ask_many(scene: Scene, rng: random.Random, count: int) -> list[Question]:
    """Different training questions of mixed kinds, at most one description among them."""
    kinds = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=4 * count)
    asked: dict[str, Question] = {}
    described = False
    for kind in kinds:
        if kind == "describe" and described:
            continue
        question = ask(scene, kind, rng)
        if question is not None:
            described |= kind == "describe"
            asked.setdefault(question.text, question)
        if len(asked) == count:
            break
    return list(asked.values())
