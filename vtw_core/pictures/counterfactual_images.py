"""Counterfactual images: what the model might have seen in place of the true picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from vtw_core.errors import InputError

_SEED = 7


def white(picture: Image.Image) -> Image.Image:
    """Nothing but white."""
    return Image.new("RGB", picture.size, "white")


def noise(picture: Image.Image) -> Image.Image:
    """Independent uniform noise in every pixel and channel; always the same."""
    width, height = picture.size
    pixels = np.random.default_rng(_SEED).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def blurred(picture: Image.Image) -> Image.Image:
    """The picture itself, through a Gaussian as wide as an eighth of its longer side."""
    return picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 8))


MADE = {"white": white, "noise": noise, "blurred": blurred}
"""Counterfactual images that are made from the true one, by name."""


def check_counterfactuals(names: Sequence[str]) -> None:
    """Raise InputError unless every name is one of `MADE`."""
    unknown = [name for name in names if name not in MADE]
    if unknown:
        raise InputError(
            "There is no counterfactual image {name!r}; choose from {names}.",
            name=unknown[0],
            names=", ".join(MADE),
        )
