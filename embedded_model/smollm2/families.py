"""The sticker families: where each comes from, whose it is, and which of its pictures show a thing.

Every family is one npm package at an exact version, under a licence that lets its pictures be
changed and given away with this repository: MIT, Apache-2.0 or Creative Commons Attribution.
A family under a share-alike licence (OpenMoji, the first EmojiOne) is not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Most emoji packages name their pictures by the short names of Unicode, with words of their own
# here and there. Every name that means the thing is listed; a family has some of them.
EMOJI: dict[str, str] = {
    "dog": "dog-face dog poodle",
    "cat": "cat-face cat black-cat",
    "horse": "horse-face horse",
    "cow": "cow-face cow",
    "pig": "pig-face pig",
    "sheep": "ewe sheep",
    "elephant": "elephant",
    "lion": "lion lion-face",
    "tiger": "tiger-face tiger",
    "bear": "bear bear-face polar-bear",
    "rabbit": "rabbit-face rabbit",
    "mouse": "mouse-face mouse",
    "duck": "duck",
    "owl": "owl",
    "penguin": "penguin penguin-1 penguin-2",
    "eagle": "eagle",
    "frog": "frog frog-face",
    "snake": "snake",
    "fish": "fish tropical-fish",
    "whale": "spouting-whale whale",
    "shark": "shark",
    "octopus": "octopus",
    "turtle": "turtle",
    "bee": "honeybee",
    "butterfly": "butterfly",
    "crab": "crab",
    "snail": "snail",
    "apple": "red-apple green-apple",
    "banana": "banana",
    "lemon": "lemon",
    "strawberry": "strawberry strawberry-1 strawberry-2",
    "grapes": "grapes",
    "watermelon": "watermelon watermelon-1 watermelon-2",
    "cherry": "cherries",
    "pear": "pear",
    "carrot": "carrot",
    "tomato": "tomato",
    "mushroom": "mushroom brown-mushroom",
    "bread": "bread baguette-bread",
    "cheese": "cheese-wedge",
    "pizza": "pizza pizza-1 pizza-2",
    "burger": "hamburger hamburger-1 hamburger-2 hamburger-3",
    "cake": "shortcake birthday-cake birthday-cake-1 birthday-cake-2 birthday-cake-3",
    "egg": "egg",
    "car": "automobile oncoming-automobile sport-utility-vehicle",
    "bus": "bus oncoming-bus",
    "bicycle": "bicycle",
    "airplane": "airplane small-airplane",
    "rocket": "rocket",
    "train": "locomotive train railway-car high-speed-train bullet-train",
    "ship": "ship ferry passenger-ship",
    "tractor": "tractor",
    "helicopter": "helicopter",
    "key": "key old-key",
    "book": "closed-book green-book blue-book orange-book open-book",
    "umbrella": "umbrella umbrella-with-rain-drops closed-umbrella umbrella-on-ground",
    "clock": "alarm-clock mantelpiece-clock four-oclock",
    "guitar": "guitar",
    "ball": "soccer-ball basketball baseball volleyball",
    "hat": "top-hat womans-hat",
    "shoe": "mans-shoe running-shoe high-heeled-shoe",
    "chair": "chair",
    "hammer": "hammer",
    "camera": "camera camera-with-flash",
    "lamp": "light-bulb",
    "tree": "deciduous-tree evergreen-tree palm-tree",
    "sunflower": "sunflower sunflower-1",
    "cactus": "cactus cactus-1 cactus-2",
    "moon": "crescent-moon full-moon last-quarter-moon-face full-moon-face",
    "sun": "sun sun-with-face",
    "cloud": "cloud cloud-1 cloud-2",
    "house": "house house-with-garden",
}

NAMES = tuple(EMOJI)

FIREFOX: dict[str, str] = {
    "dog": "dog dogside poodle",
    "cat": "cat catside",
    "horse": "horseface horse",
    "cow": "cowface cow",
    "pig": "pig pigside",
    "sheep": "sheep",
    "elephant": "elephant",
    "tiger": "tiger tigerside",
    "bear": "bear",
    "rabbit": "bunny bunnyside",
    "mouse": "mouse mouseside",
    "penguin": "penguin",
    "frog": "frog",
    "snake": "snake",
    "fish": "fish tropicalfish",
    "whale": "spurtingwhale whale",
    "octopus": "octopus",
    "turtle": "turtle",
    "bee": "honeybee",
    "snail": "snail",
    "apple": "redapple greenapple",
    "banana": "banana",
    "lemon": "lemon",
    "strawberry": "strawberry",
    "grapes": "grapes",
    "watermelon": "watermelon",
    "cherry": "cherries",
    "pear": "pear",
    "tomato": "tomato",
    "mushroom": "mushroom",
    "bread": "bread",
    "pizza": "sliceofpizza",
    "burger": "hamburger",
    "cake": "shortcake birthdaycake",
    "car": "automobile oncomingautomobile",
    "bus": "bus oncomingbus",
    "bicycle": "bicycle",
    "airplane": "airplane",
    "rocket": "rocket",
    "train": "steamlocomotive train highspeedtrain highspeedtrainbulletnose",
    "ship": "ship",
    "tractor": "tractor",
    "helicopter": "helicopter",
    "key": "key oldkey",
    "book": "closedbook greenbook bluebook orangebook openbook",
    "umbrella": "umbrella umbrellawithraindrops beachumbrella",
    "clock": "alarmclock manltepiececlock clock4oclock",
    "guitar": "guitar",
    "ball": "soccerball baseball tennisball",
    "hat": "tophat womanshat",
    "shoe": "mensshoe mensrunner heels",
    "hammer": "hammer",
    "camera": "camera camerawithflash",
    "lamp": "lightbulb",
    "tree": "deciduoustree evergreen palmtree",
    "sunflower": "sunflower",
    "cactus": "cactus",
    "moon": "crescentmoon fullmoon fullmoonwithface",
    "sun": "whitesun sunwithface",
    "cloud": "cloud",
    "house": "housebuilding housewithgarden",
}

PHOSPHOR: dict[str, str] = {
    "dog": "dog", "cat": "cat", "horse": "horse", "cow": "cow", "rabbit": "rabbit",
    "fish": "fish fish-simple", "butterfly": "butterfly", "cherry": "cherries",
    "carrot": "carrot", "bread": "bread", "cheese": "cheese", "pizza": "pizza",
    "burger": "hamburger", "cake": "cake", "egg": "egg", "car": "car car-profile",
    "bus": "bus", "bicycle": "bicycle", "airplane": "airplane airplane-tilt",
    "rocket": "rocket rocket-launch", "train": "train train-simple", "ship": "boat",
    "tractor": "tractor", "key": "key", "book": "book book-open", "umbrella": "umbrella",
    "clock": "clock", "guitar": "guitar", "ball": "soccer-ball basketball volleyball",
    "hat": "cowboy-hat", "shoe": "sneaker boot", "chair": "chair office-chair armchair",
    "hammer": "hammer", "camera": "camera", "lamp": "lamp lightbulb",
    "tree": "tree tree-evergreen tree-palm", "cactus": "cactus", "moon": "moon", "sun": "sun",
    "cloud": "cloud", "house": "house house-line",
}  # fmt: skip

TABLER: dict[str, str] = {
    "dog": "dog", "cat": "cat", "horse": "horse", "pig": "pig", "fish": "fish",
    "butterfly": "butterfly", "apple": "apple", "banana": "banana", "grapes": "grape",
    "cherry": "cherry", "carrot": "carrot", "mushroom": "mushroom", "bread": "bread",
    "cheese": "cheese", "pizza": "pizza", "burger": "burger", "cake": "cake", "egg": "egg",
    "car": "car", "bus": "bus", "airplane": "plane", "rocket": "rocket", "train": "train",
    "ship": "ship sailboat", "tractor": "tractor", "helicopter": "helicopter", "key": "key",
    "book": "book", "umbrella": "umbrella", "clock": "clock",
    "ball": "ball-basketball ball-football ball-volleyball ball-tennis", "shoe": "shoe",
    "chair": "armchair rocking-chair", "hammer": "hammer", "camera": "camera",
    "lamp": "lamp lamp-2 bulb", "tree": "tree trees christmas-tree", "cactus": "cactus",
    "moon": "moon", "sun": "sun", "cloud": "cloud", "house": "home",
}  # fmt: skip

ICON_PARK: dict[str, str] = {
    "dog": "dog", "cat": "cat", "elephant": "elephant", "bear": "bear", "rabbit": "rabbit",
    "duck": "duck", "owl": "owl", "snake": "snake-zodiac", "fish": "fish fish-one",
    "whale": "whale", "butterfly": "butterfly", "apple": "apple-one", "banana": "banana",
    "watermelon": "watermelon watermelon-one", "cherry": "cherry", "pear": "pear",
    "carrot": "carrot", "cheese": "cheese", "burger": "hamburger hamburger-one",
    "cake": "birthday-cake cake cake-one cake-two", "car": "car", "bus": "bus bus-one bus-two",
    "bicycle": "bike", "airplane": "airplane", "rocket": "rocket rocket-one", "train": "train",
    "ship": "ship", "key": "key", "book": "book book-open",
    "umbrella": "umbrella umbrella-one", "clock": "alarm-clock",
    "ball": "soccer basketball volleyball baseball", "hat": "hat sun-hat straw-hat magic-hat",
    "shoe": "high-heeled-shoes", "chair": "chair chair-one", "camera": "camera",
    "lamp": "desk-lamp table-lamp", "tree": "tree tree-one tree-two coconut-tree",
    "cactus": "cactus", "moon": "moon", "sun": "sun sun-one", "house": "home",
}  # fmt: skip

GAME: dict[str, str] = {
    "dog": "sitting-dog", "cat": "cat", "horse": "horse-head", "cow": "cow", "pig": "pig",
    "sheep": "sheep", "elephant": "elephant elephant-head", "tiger": "tiger-head",
    "bear": "bear-face", "rabbit": "rabbit rabbit-head", "mouse": "mouse seated-mouse",
    "duck": "duck plastic-duck", "owl": "owl barn-owl", "penguin": "penguin",
    "eagle": "eagle-head", "frog": "frog", "snake": "snake", "fish": "tropical-fish",
    "octopus": "octopus", "turtle": "turtle sea-turtle", "snail": "snail",
    "apple": "shiny-apple", "banana": "banana", "lemon": "lemon", "strawberry": "strawberry",
    "grapes": "grapes", "cherry": "cherry", "pear": "pear", "carrot": "carrot",
    "tomato": "tomato", "mushroom": "mushroom spotted-mushroom", "bread": "bread sliced-bread",
    "cheese": "cheese-wedge", "pizza": "pizza-slice full-pizza", "burger": "hamburger",
    "cake": "cake-slice", "egg": "big-egg", "car": "city-car", "bus": "bus",
    "bicycle": "dutch-bike", "airplane": "airplane commercial-airplane", "rocket": "rocket",
    "train": "steam-locomotive", "ship": "cargo-ship", "tractor": "farm-tractor",
    "helicopter": "helicopter", "key": "key skeleton-key", "book": "book-cover open-book",
    "umbrella": "umbrella", "clock": "alarm-clock", "guitar": "guitar",
    "ball": "soccer-ball basketball-ball beach-ball tennis-ball", "hat": "top-hat western-hat",
    "shoe": "converse-shoe running-shoe", "chair": "wooden-chair rocking-chair office-chair",
    "hammer": "claw-hammer flat-hammer", "camera": "photo-camera",
    "lamp": "desk-lamp light-bulb", "tree": "pine-tree palm-tree fruit-tree",
    "cactus": "cactus cactus-pot", "moon": "moon", "sun": "sun", "house": "house",
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """One style: its npm package at an exact version, and which of its pictures show a thing.

    ``pictures``: for a thing the names of its pictures, with blanks between. ``suffix``: what the
    package adds to a name for this style. ``without``: names of pictures that do not show the thing
    clearly in this style. ``held_out``: never shown to a model in training.
    """

    style: str
    package: str
    version: str
    licence: str
    holder: str
    pictures: Mapping[str, str]
    suffix: str = ""
    without: str = ""
    held_out: bool = False


FLUENT = "Microsoft Corporation"
FAMILIES = (
    Family("noto", "@iconify-json/noto", "1.2.9", "Apache-2.0", "Google Inc.", EMOJI),
    Family("noto blob", "@iconify-json/noto-v1", "1.2.5", "Apache-2.0", "Google Inc.", EMOJI,
           without="full-moon train railway-car basketball"),
    Family("fluent 3d", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT", FLUENT, EMOJI),
    Family("fluent flat", "@iconify-json/fluent-emoji-flat", "1.2.6", "MIT", FLUENT, EMOJI,
           without="full-moon"),
    Family("fluent color", "@iconify-json/fluent-emoji", "1.2.7", "MIT", FLUENT, EMOJI),
    Family("fluent line", "@iconify-json/fluent-emoji-high-contrast", "1.2.6", "MIT",
           FLUENT, EMOJI, without="lion womans-hat"),
    Family("firefox", "@iconify-json/fxemoji", "1.2.2", "CC-BY-4.0", "Mozilla Foundation",
           FIREFOX),
    Family("emojione", "@iconify-json/emojione", "1.2.3", "CC-BY-4.0", "EmojiOne", EMOJI,
           without="basketball"),
    Family("emojione line", "@iconify-json/emojione-monotone", "1.2.1", "CC-BY-4.0",
           "EmojiOne", EMOJI, without="basketball baseball full-moon"),
    Family("streamline", "@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline",
           EMOJI),
    Family("icon park", "@iconify-json/icon-park", "1.2.4", "Apache-2.0", "ByteDance", ICON_PARK),
    Family("phosphor", "@iconify-json/ph", "1.2.2", "MIT", "Phosphor Icons", PHOSPHOR),
    Family("phosphor two-tone", "@iconify-json/ph", "1.2.2", "MIT", "Phosphor Icons", PHOSPHOR,
           suffix="-duotone"),
    Family("tabler", "@iconify-json/tabler", "1.2.41", "MIT", "Paweł Kuna", TABLER),
    Family("game icons", "@iconify-json/game-icons", "1.2.4", "CC-BY-3.0",
           "Lorc, Delapouite, Skoll, Sbed, Sparker, Caro Asercion", GAME),
    Family("twemoji", "@iconify-json/twemoji", "1.2.5", "CC-BY-4.0",
           "Twitter, Inc. and other contributors", EMOJI, held_out=True),
)  # fmt: skip
