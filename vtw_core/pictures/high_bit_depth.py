"""Pictures with more than 8 bits in a sample, scaled to 8 bits.

Black and white are, in this order of rules:

* Floating-point numbers within 0..1: 0 and 1. Within 0..255: 0 and 255.
* Other floating-point numbers, and whole numbers of which one is negative: the least and the
  greatest of them.
* Whole numbers of a depth that the file names (BitsPerSample of a TIFF, sBIT of a PNG) and that
  holds them: 0 and the most that this depth holds.
* Other whole numbers: 0 and the most that a depth holds, the smallest of 8, 10, 12, 14 and 16 bits
  that holds all of them; numbers beyond 16 bits: 0 and the greatest.

So 12 bits of a camera or a scanner come out as bright as they are, in a file of 16 bits too. What
is not a number is black; infinity is white. Colours of 16 bits are read in the same way from PNG
and TIFF files, where Pillow alone would keep the upper 8 bits of each sample; transparency keeps
its upper 8 bits.
"""

import struct
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin

_DEPTHS = (8, 10, 12, 14, 16)
_BAND = 64  # rows
_BITS_PER_SAMPLE = 258
_FOREIGN = ";16B" if sys.byteorder == "little" else ";16L"
_OTHER_HALF = {";16L": ";16B", ";16B": ";16L", ";16N": _FOREIGN}
"""Read in the other order of bytes, the upper half of a sample is the lower."""
_MOST_CHUNKS = 64
"""That are looked through for sBIT; it is near the beginning."""


def is_deep_grey(picture: Image.Image) -> bool:
    """Whether its samples are grey and of 16 bits, 32 bits or floating point."""
    return picture.mode == "F" or picture.mode.startswith("I")


def depth_in_file(picture: Image.Image) -> int | None:
    """The bits of a sample that the file names, of those that it has room for; None if it names
    none. Reads a little of an open file, and leaves it as it was.
    """
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        bits = picture.tag_v2.get(_BITS_PER_SAMPLE)
        return int(bits[0]) if bits and 8 < bits[0] < 16 else None
    if isinstance(picture, PngImagePlugin.PngImageFile) and picture.fp is not None:
        before = picture.fp.tell()
        try:
            return next((data[0] for kind, data in _chunks(picture.fp) if kind == b"sBIT"), None)
        finally:
            picture.fp.seek(before)
    return None


def _chunks(file: Any) -> Iterator[tuple[bytes, bytes]]:
    """Kind and first byte of the chunks in front of a PNG's samples."""
    at = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(9)
        if len(head) < 9 or head[4:8] == b"IDAT":
            return
        yield head[4:8], head[8:]
        at += 12 + int(struct.unpack(">I", head[:4])[0])


def is_deep_colour(picture: Image.Image) -> bool:
    """Whether its pixels, not yet decoded, are colours of 16 bits of which Pillow keeps 8."""
    return (
        isinstance(picture, ImageFile.ImageFile)
        and picture.mode in ("RGB", "RGBA")
        and bool(picture.tile)
        and all(_raw_mode(tile)[-4:] in _OTHER_HALF for tile in picture.tile)
    )


def is_dark(picture: Image.Image) -> bool:
    """Whether colours, of which the upper 8 of 16 bits are left, may be of a smaller depth."""
    top = int(np.asarray(picture)[..., :3].max())
    return top < 2 ** (_DEPTHS[-2] - 8)


def keep_lower_bytes(picture: ImageFile.ImageFile) -> None:
    """Make a deep colour picture, not yet decoded, keep the lower 8 bits of its samples."""
    tiles = []
    for tile in picture.tile:
        mode = _raw_mode(tile)
        other = mode[:-4] + _OTHER_HALF[mode[-4:]]
        args = other if isinstance(tile.args, str) else (other, *(tile.args or ())[1:])
        tiles.append(tile._replace(args=args))
    picture.tile = tiles


def _raw_mode(tile: Any) -> str:
    """How samples are laid out in a file, such as "RGB;16B"."""
    first = tile.args if isinstance(tile.args, str) else next(iter(tile.args or ()), "")
    return first if isinstance(first, str) else ""


def colour_in_8_bits(
    upper: Image.Image, lower: Image.Image, depth: int | None = None
) -> Image.Image:
    """Colours by the rules above, from both halves of their samples; "RGB" or "RGBA"."""
    high, low = (np.asarray(half)[..., :3] for half in (upper, lower))
    bands = [slice(row, row + _BAND) for row in range(0, len(high), _BAND)]
    top = max(int((high[band].astype(np.uint16) * 256 + low[band]).max()) for band in bands)
    most = _black_and_white(0.0, float(top), depth, is_float=False)[1]
    scaled = np.array(upper)
    for band in bands:
        values = high[band] * 256.0 + low[band]
        scaled[band, :, :3] = np.clip(values / most * 255.0, 0, 255).round()
    return Image.fromarray(scaled)


def grey_in_8_bits(picture: Image.Image, depth: int | None = None) -> Image.Image:
    """Deep grey as "L" by the rules above.

    Args:
        picture: its pixels are decoded.
        depth: what `depth_in_file` returned.
    """
    values = np.asarray(picture)
    grey = np.empty(values.shape, np.uint8)
    # A band of rows at a time: in float64 the whole picture would take eight times its size.
    bands = [slice(row, row + _BAND) for row in range(0, len(values), _BAND)]
    ends = [_least_and_greatest(values[band]) for band in bands]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    black, white = _black_and_white(low, high, depth, is_float=picture.mode == "F")
    for band in bands:
        scaled = (_finite(values[band], black, white) - black) / ((white - black) or 1.0) * 255.0
        grey[band] = np.clip(scaled, 0, 255).round()
    return Image.fromarray(grey)


def _black_and_white(
    low: float, high: float, depth: int | None, *, is_float: bool
) -> tuple[float, float]:
    """The values that become black and white, of a picture with these ends."""
    if is_float and low >= 0 and high <= 255:
        return 0.0, 1.0 if high <= 1 else 255.0
    if is_float or low < 0:
        return low, high
    depths = ([depth] if depth is not None else []) + list(_DEPTHS)
    return 0.0, next((2.0**bits - 1 for bits in depths if high < 2**bits), high)


def _least_and_greatest(values: NDArray[Any]) -> tuple[float, float]:
    """Of the finite values; (0, 0) where there is none, so that the picture is black."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)


def _finite(values: NDArray[Any], black: float, white: float) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=black, posinf=white, neginf=black)
