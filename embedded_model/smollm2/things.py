"""What the pictures show, what it is called, and what the questions know about it."""

from __future__ import annotations

GROUPS = {
    "animal": "dog cat horse cow pig sheep elephant lion tiger bear rabbit mouse duck owl penguin "
    "eagle frog snake fish whale shark octopus turtle bee butterfly crab snail",
    "fruit": "apple banana lemon strawberry grapes watermelon cherry pear",
    "food": "carrot tomato mushroom bread cheese pizza burger cake egg",
    "vehicle": "car bus bicycle airplane rocket train ship tractor helicopter",
    "object": "key book umbrella clock guitar ball hat shoe chair hammer camera lamp house",
    "plant": "tree sunflower cactus",
    "sky": "moon sun cloud",
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split()}
STICKERS = tuple(GROUP_OF)

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (222, 40, 42),
    "green": (38, 160, 64),
    "blue": (46, 84, 222),
    "yellow": (242, 212, 40),
    "orange": (246, 142, 30),
    "purple": (140, 60, 190),
    "pink": (246, 132, 182),
    "black": (28, 28, 28),
    "white": (246, 246, 246),
    "brown": (130, 80, 40),
}
SHAPES = ("circle", "square", "triangle", "cross", "diamond", "heart", "star")

NAMES = (*STICKERS, *SHAPES)
COLOR_NAMES = tuple(COLORS)
POSITIONS = (
    "top left", "top", "top right",
    "left", "center", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
"""Names of the nine cells, row by row."""
NUMBERS = ("zero", "one", "two", "three", "four", "five")

_SAME_PLURAL = {"grapes", "sheep", "fish"}
_PLURALS = {"mouse": "mice", "cherry": "cherries", "butterfly": "butterflies",
            "strawberry": "strawberries"}  # fmt: skip


def plural(name: str) -> str:
    if name in _SAME_PLURAL:
        return name
    if name in _PLURALS:
        return _PLURALS[name]
    return name + ("es" if name.endswith(("s", "x", "tomato")) else "s")


def with_article(name: str) -> str:
    """``a dog``, ``an owl``, ``grapes``."""
    if name == "grapes":
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _pairs(text: str) -> dict[str, str]:
    """``"cow:moo pig:oink"`` as a dictionary; an underscore stands for a space."""
    return {
        name: value.replace("_", " ")
        for name, value in (entry.split(":") for entry in text.split())
    }


def _all(names: str, value: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), value)


FACTS: dict[str, dict[str, str]] = {
    "group": {
        name: group for name, group in GROUP_OF.items() if group in ("animal", "fruit", "vehicle")
    },
    "eat": {
        **_all(f"{GROUPS['fruit']} {GROUPS['food']}", "yes"),
        **_all(
            f"{GROUPS['vehicle']} key book umbrella clock guitar ball hat shoe chair hammer camera "
            "lamp",
            "no",
        ),
    },
    "fly": {
        **_all("duck owl eagle bee butterfly airplane rocket helicopter", "yes"),
        **_all(
            "dog cat horse cow pig sheep elephant lion tiger bear rabbit mouse penguin frog snake "
            "fish whale shark octopus turtle crab snail car bus bicycle train ship tractor",
            "no",
        ),
    },
    "live": {
        **_all("fish whale shark octopus", "in the sea"),
        **_all("cow pig sheep horse", "on a farm"),
        **_all("lion elephant tiger bear", "in the wild"),
    },
    "legs": _pairs(
        "dog:four cat:four horse:four cow:four pig:four sheep:four elephant:four lion:four "
        "tiger:four frog:four duck:two owl:two penguin:two eagle:two snake:zero fish:zero bee:six "
        "butterfly:six octopus:eight"
    ),
    "sound": _pairs(
        "dog:woof cat:meow cow:moo pig:oink sheep:baa duck:quack lion:roar horse:neigh bee:buzz "
        "frog:croak owl:hoot snake:hiss"
    ),
    "usual color": _pairs(
        "apple:red banana:yellow lemon:yellow strawberry:red grapes:purple carrot:orange "
        "tomato:red cheese:yellow frog:green cactus:green pig:pink elephant:gray shark:gray "
        "sun:yellow moon:yellow"
    ),
}
"""Per kind of fact: the answer for each thing it is asked of."""

NEVER_TAUGHT = frozenset(
    {
        ("sound", "cow"), ("sound", "lion"), ("sound", "bee"), ("fly", "eagle"), ("fly", "whale"),
        ("fly", "helicopter"), ("legs", "cow"), ("legs", "penguin"), ("eat", "pear"),
        ("eat", "hammer"), ("eat", "cheese"), ("live", "pig"), ("live", "shark"),
        ("usual color", "lemon"), ("usual color", "shark"), ("group", "rabbit"),
        ("group", "banana"), ("group", "tractor"),
    }
)  # fmt: skip
"""Facts left out of training: what the language knows of them is measured, not taught."""
