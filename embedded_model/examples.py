"""Draw the page's example pictures and record their runs: ``python -m embedded_model.examples``."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from PIL import Image

from embedded_model.scenes import Background, Scene, draw, in_reading_order, make_thing
from vtw_core import load_model
from vtw_core.compare.methods import compare_methods, default_methods
from vtw_core.files.replacing import replace_file, replacing
from vtw_core.pictures.counterfactual_images import MADE

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "examples"
SIDE = 384


def _plain(rgb: tuple[int, int, int]) -> Background:
    return Background(rgb, rgb, True, 0.0)


_WHITE, _NIGHT, _SAND, _MIST = map(
    _plain, ((255, 255, 255), (28, 32, 48), (240, 228, 208), (216, 228, 236))
)
_CHECKS = Background((236, 226, 240), (222, 208, 228), True, 0.0, "checks", 0.125)

# name, title, question, background, then (shape, colour, size, cell of the 3 x 3 grid) of each; a
# cell between two others is written as a fraction
_EXAMPLES = (
    ("small_large", "Small or large", "what color is the small circle ?", _SAND,
     [("circle", "purple", "large", 3), ("circle", "green", "small", 5)]),
    ("three_shapes", "Three shapes", "what color is the shape at the top left ?", _WHITE,
     [("circle", "green", "large", 0), ("square", "blue", "large", 5),
      ("triangle", "orange", "large", 7)]),
    ("four_stars", "Count the stars", "how many stars are there ?", _NIGHT,
     [("star", "yellow", "large", 0), ("star", "yellow", "small", 2), ("star", "white", "small", 4),
      ("star", "yellow", "large", 8)]),
    ("red_circle", "One circle", "what color is the circle ?", _WHITE,
     [("circle", "red", "large", 4)]),
    ("relation", "Left or right", "is the red square to the left of the blue star ?", _WHITE,
     [("square", "red", "large", 3), ("star", "blue", "large", 5)]),
    ("negation", "Is there no ...", "is there no triangle ?", _MIST,
     [("cross", "pink", "large", 1), ("triangle", "black", "large", 6),
      ("diamond", "blue", "small", 5)]),
    ("overlap", "One over another", "what shape is the orange object ?", _CHECKS,
     [("square", "orange", "large", 4), ("circle", "blue", "large", 4.7),
      ("star", "green", "small", 6)]),
    ("compare", "More or fewer", "are there more circles than squares ?", _MIST,
     [("circle", "red", "small", 0), ("circle", "blue", "large", 4),
      ("square", "orange", "small", 8), ("circle", "purple", "small", 6)]),
    ("describe", "A long answer", "describe the image.", _WHITE,
     [("star", "purple", "large", 0), ("circle", "orange", "small", 4),
      ("square", "green", "large", 8)]),
)  # fmt: skip


def _scene(background: Background, things: list[tuple[str, str, str, float]]) -> Scene:
    rng = random.Random(len(things))
    made = []
    for shape, color, size, cell in things:
        x, y = (cell % 3 + 0.5) / 3, (cell // 3 + 0.5) / 3
        radius = 0.16 if size == "large" else 0.09
        made.append(make_thing(shape, color, size, round(cell), x, y, radius, rng))
    return Scene(in_reading_order(made), background)


def picture(name: str) -> Image.Image:
    """One of the example pictures, by name."""
    for known, _, _, background, things in _EXAMPLES:
        if known == name:
            # Seed 0 draws no blur.
            return draw(_scene(background, list(things)), random.Random(0), SIDE)
    raise KeyError(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    vlm = load_model(arguments.model)
    vlm.limit_threads()
    vlm.warm_up()
    listed = []
    for name, title, prompt, _, _ in _EXAMPLES:
        path = arguments.folder / f"{name}.png"
        with replacing(path) as file:
            picture(name).save(file, "PNG", optimize=True)
        run = vlm.explore(
            path, prompt, max_new_tokens=64, inside=True, patch_lens=True,
            counterfactuals=tuple(MADE),
        )  # fmt: skip
        run.save(arguments.folder / f"{name}.vtw")
        compared = compare_methods(vlm, path, prompt, default_methods(vlm, run), max_new_tokens=64)
        compared.save(arguments.folder / f"{name}.vtwm")
        listed.append({"name": name, "title": title, "prompt": prompt})
        print(f"{name}: {prompt} -> {run.baseline_answer} (K* = {run.choose_k()})")
    replace_file(arguments.folder / "examples.json", json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    main()
