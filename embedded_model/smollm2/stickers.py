"""Builds the stickers of the picture world: all of them for training, some to be shipped.

    python -m embedded_model.smollm2.stickers --out runs/stickers.npz

Of these, ``assets/stickers/stickers.npz`` holds `SHIPPED_STYLES`: what visitors see and place, and
what the model is measured on.

Needs ``npm`` (the families of ``families.py`` are npm packages) and the PyPI package
``resvg-py`` (0.5.0), which draws SVG and which nothing else here uses. Packages are kept in
``--cache``. The hand-drawn style comes from ``doodles.py``.

A file holds ``names`` str [72], the things; ``sprites`` uint8 [N, 72, 72, 4], RGBA, cropped to
what is drawn and centred; ``thing`` int16 [N], an index into ``names``; ``style`` str [N];
``held_out`` bool [N], true for the styles that no model may see in training.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embedded_model.smollm2 import doodles
from embedded_model.smollm2.families import FAMILIES, NAMES, Family
from vtw_core.files.replacing import replacing

SIZE = 72
_DRAWN_AT = 288  # SVG is drawn large, cropped to what is drawn, then made small
_COLOURS = 128  # of one sprite; keeps the file small, and the difference is invisible

SHIPPED_STYLES = (
    "noto", "noto blob", "fluent 3d", "fluent flat", "fluent color", "fluent line", "twemoji",
    doodles.STYLE,
)  # fmt: skip
Sprite = NDArray[np.uint8]


@dataclass(frozen=True)
class Stickers:
    """The file as arrays; see the module's docstring for shapes."""

    names: NDArray[np.str_]
    sprites: Sprite
    thing: NDArray[np.int16]
    style: NDArray[np.str_]
    held_out: NDArray[np.bool_]


def load_stickers(path: Path | str) -> Stickers:
    """The file that ``write_stickers`` wrote.

    Raises: OSError if there is none, KeyError if an array is missing.
    """
    with np.load(path, allow_pickle=False) as file:
        return Stickers(**{name: file[name] for name in Stickers.__dataclass_fields__})


def shipped(stickers: Stickers) -> Stickers:
    """Those of `SHIPPED_STYLES` alone."""
    mine = np.isin(stickers.style, SHIPPED_STYLES)
    return Stickers(
        stickers.names,
        stickers.sprites[mine],
        stickers.thing[mine],
        stickers.style[mine],
        stickers.held_out[mine],
    )


def write_stickers(stickers: Stickers, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        np.savez_compressed(file, **vars(stickers))


def centred(picture: Image.Image, colours: int = _COLOURS) -> Sprite:
    """uint8 [72, 72, 4]: what is drawn, in the middle of a square, its proportions kept.

    Raises: ValueError if nothing is drawn.
    """
    picture = picture.convert("RGBA")
    box = picture.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox()
    if box is None:
        raise ValueError("nothing is drawn in this picture")
    picture = picture.crop(box)
    side = max(picture.size)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return _fewer_colours(square.resize((SIZE, SIZE), Image.Resampling.LANCZOS), colours)


def _fewer_colours(picture: Image.Image, colours: int) -> Sprite:
    """The picture in a palette, its transparency in 16 steps: both for the size of the file."""
    alpha = np.round(np.asarray(picture.getchannel("A")) / 17).astype(np.uint8) * 17
    opaque = Image.new("RGB", picture.size)
    opaque.paste(picture.convert("RGB"), mask=Image.fromarray(255 * (alpha > 0).astype(np.uint8)))
    palette = opaque.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    sprite = np.dstack([np.asarray(palette.convert("RGB")), alpha])
    sprite[alpha == 0] = 0
    return sprite


class Package:
    """An npm package, fetched once into a cache folder."""

    def __init__(self, name: str, version: str, cache: Path) -> None:
        """Raises: subprocess.CalledProcessError if npm cannot fetch it."""
        file = cache / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
        if not file.exists():
            cache.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=cache, check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
        self._files = tarfile.open(file)  # noqa: SIM115 (read from as long as the package is used)
        self._members = set(self._files.getnames())

    def __contains__(self, path: str) -> bool:
        return f"package/{path}" in self._members

    def read(self, path: str) -> bytes:
        file = self._files.extractfile(f"package/{path}")
        assert file is not None  # a file, not a folder
        return file.read()

    def json(self, path: str) -> Any:
        return json.loads(self.read(path))


class IconSet:
    """A package in the format of Iconify: one JSON file of SVG bodies and aliases."""

    def __init__(self, package: Package) -> None:
        icons = package.json("icons.json")
        self._default = icons
        self._icons = icons["icons"]
        self._aliases = icons.get("aliases", {})

    def resolve(self, name: str) -> str | None:
        """The icon of a name or alias, unturned; None if there is none."""
        while name in self._aliases:
            name = self._aliases[name]["parent"]
        return name if name in self._icons else None

    def draw(self, name: str) -> Image.Image:
        import resvg_py  # wanted by this command alone

        icon = self._icons[name]
        left, top, width, height = (
            icon.get(key, self._default.get(key, default))
            for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
        )
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" color="#000000" '
               f'xmlns:xlink="http://www.w3.org/1999/xlink" '
               f'viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>')  # fmt: skip
        png = resvg_py.svg_to_bytes(svg_string=svg, width=_DRAWN_AT)
        return Image.open(io.BytesIO(bytes(png)))


class CodePointPictures:
    """A package of WebP files named by code points; another one tells what a name's are."""

    def __init__(self, package: Package, names: Package) -> None:
        self._package = package
        self._points = {name: point for point, name in names.json("chars.json").items()}

    def resolve(self, name: str) -> str | None:
        point = self._points.get(name, "")
        bare = point.replace("-fe0f", "")
        paths = (f"assets/{candidate}.webp" for candidate in (point, f"{bare}-fe0f", bare))
        return next((path for path in paths if path in self._package), None)

    def draw(self, path: str) -> Image.Image:
        return Image.open(io.BytesIO(self._package.read(path)))


def pictures_of(family: Family, cache: Path) -> Iterator[tuple[int, Sprite]]:
    """(Index of the thing, its sprite) for every picture that the family has."""
    package = Package(family.package, family.version, cache)
    source: IconSet | CodePointPictures
    if "icons.json" in package:
        source = IconSet(package)
    else:
        noto = FAMILIES[0]
        source = CodePointPictures(package, Package(noto.package, noto.version, cache))
    for thing, name in enumerate(NAMES):
        candidates = family.pictures.get(name, "").split()
        found = (source.resolve(candidate + family.suffix) for candidate in candidates
                 if candidate not in family.without.split())  # fmt: skip
        for picture in dict.fromkeys(found):
            if picture is not None:
                yield thing, centred(source.draw(picture))


def build(cache: Path) -> Stickers:
    """Every family's pictures, then the doodles."""
    rows: list[tuple[int, Sprite, str, bool]] = []
    for family in FAMILIES:
        rows.extend((thing, sprite, family.style, family.held_out)
                    for thing, sprite in pictures_of(family, cache))  # fmt: skip
    for name in doodles.DRAWINGS:
        rows.extend((NAMES.index(name), sprite, doodles.STYLE, True)
                    for sprite in doodles.variants(name))  # fmt: skip
    thing, sprites, style, held_out = zip(*rows, strict=True)
    return Stickers(np.array(NAMES), np.stack(sprites), np.array(thing, np.int16),
                    np.array(style), np.array(held_out))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--shipped", type=Path, help="the .npz file for what is shipped, too")
    parser.add_argument("--cache", type=Path, default=Path("runs/sticker-packages"),
                        help="where the npm packages are kept")  # fmt: skip
    arguments = parser.parse_args()
    stickers = build(arguments.cache)
    write_stickers(stickers, arguments.out)
    if arguments.shipped:
        write_stickers(shipped(stickers), arguments.shipped)
    for style in dict.fromkeys(stickers.style.tolist()):
        print(f"{style}: {np.count_nonzero(stickers.style == style)}")
    print(f"{len(stickers.style)} stickers, {arguments.out.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
