"""Read a picture from somewhere untrusted and give back plain RGB pixels."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from vtw_core.errors import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
# Of all pictures of one prompt.
MAX_IMAGES = 64
MAX_PIXELS_TOGETHER = 100_000_000
# Beyond this the short side of a resized picture is less than one patch of any supported model.
MAX_ASPECT = 50
_BAND = 64  # rows


def load_images(image: Any) -> list[Image.Image]:
    """One picture or a sequence of them, each read by `load_image`.

    Raises:
        InputError: one of them cannot be used (of several, says which), there is none, there are
            more than MAX_IMAGES, or they have more than MAX_PIXELS_TOGETHER.
    """
    if not is_several(image):
        return [load_image(image)]
    if not image:
        raise InputError("The list of images is empty; give at least one.")
    if len(image) > MAX_IMAGES:
        raise InputError(f"There are {len(image)} images; give at most {MAX_IMAGES}.")
    pictures: list[Image.Image] = []
    left = MAX_PIXELS_TOGETHER
    for number, one in enumerate(image, start=1):
        try:
            pictures.append(load_image(one))
        except InputError as error:
            raise InputError(f"Image {number} of {len(image)}: {error}") from error
        left -= pictures[-1].width * pictures[-1].height
        if left < 0:
            raise InputError(
                f"The images have more than {MAX_PIXELS_TOGETHER / 1e6:g} million pixels together; "
                "use smaller ones."
            )
    return pictures


def is_several(image: Any) -> bool:
    """Whether this is a sequence of pictures, and not one picture."""
    return isinstance(image, Sequence) and not isinstance(image, (str, bytes, bytearray))


def load_image(
    source: str | Path | bytes | Image.Image,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """Load the first frame of a picture as 8-bit RGB, the right way up.

    Size and format are checked from the header before any pixel is decoded. EXIF orientation is
    applied, 16-bit and float grey is scaled to 8 bit, alpha is composited on white.

    Args:
        source: path of a PNG, JPEG, WEBP, GIF, BMP or TIFF file, the contents of one, or a PIL
            image.
        max_bytes: largest file, in bytes.
        max_pixels: largest width * height.

    Raises:
        InputError: not such a file, too large, too narrow, truncated or damaged.
    """
    if isinstance(source, Image.Image):
        return _finish(source, max_pixels)
    if isinstance(source, bytes):
        return _open(io.BytesIO(source), len(source), max_bytes, max_pixels)
    if not isinstance(source, (str, Path)):
        raise InputError("Give an image file or a PIL image.")
    path = Path(source)
    try:
        size = path.stat().st_size if path.is_file() else None
    except (OSError, ValueError) as error:
        raise InputError("The image path cannot be read; check the path.") from error
    if size is None:
        raise InputError(f"There is no image file {path.name or path}; check the path.")
    return _open(path, size, max_bytes, max_pixels)


def _open(file: Path | BinaryIO, size: int, max_bytes: int, max_pixels: int) -> Image.Image:
    if size > max_bytes:
        raise InputError(
            f"The image file is larger than {max_bytes / 1e6:g} MB; use a smaller one."
        )
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the pixel limit below refuses them instead.
            warnings.simplefilter("ignore")
            with Image.open(file, formats=FORMATS) as picture:
                return _finish(picture, max_pixels)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"This is not an image that can be read; use one of {', '.join(FORMATS)}."
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(_too_many_pixels(max_pixels)) from error
    # A damaged file makes Pillow's decoders raise almost anything (OSError, SyntaxError,
    # struct.error, IndexError, ...); for the user they all mean the same.
    except Exception as error:
        raise InputError(
            "The image file is truncated or damaged; save it again or use another one."
        ) from error


def _too_many_pixels(max_pixels: int) -> str:
    return f"The image has more than {max_pixels / 1e6:g} million pixels; use a smaller one."


def _finish(picture: Image.Image, max_pixels: int) -> Image.Image:
    width, height = picture.size
    if width < 1 or height < 1:
        raise InputError("The image has no pixels; use another one.")
    if width * height > max_pixels:
        raise InputError(_too_many_pixels(max_pixels))
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            f"The image is more than {MAX_ASPECT} times as long as wide; crop it first."
        )
    picture.seek(0)
    picture.load()
    is_turned = picture.getexif().get(ExifTags.Base.Orientation, 1) != 1
    # exif_transpose() copies what is upright, too.
    upright = ImageOps.exif_transpose(picture) if is_turned else picture
    return _to_rgb(upright)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F" or picture.mode.startswith("I"):
        return _scale_deep_grey(picture).convert("RGB")
    if picture.has_transparency_data:
        layer = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        white = Image.new("RGB", layer.size, "white")
        white.paste(layer, mask=layer)
        return white
    # convert() returns the very same pixels for RGB; copy so that a closed file does not matter.
    return picture.convert("RGB") if picture.mode != "RGB" else picture.copy()


def _scale_deep_grey(picture: Image.Image) -> Image.Image:
    """16-bit, 32-bit or float grey to 8 bit; convert() alone would clip it to white."""
    values = np.asarray(picture)
    grey = np.empty(values.shape, np.uint8)
    # A band of rows at a time: in float64 the whole picture would take eight times its size.
    bands = [slice(row, row + _BAND) for row in range(0, len(values), _BAND)]
    top = max(_finite(values[band]).max(initial=0.0) for band in bands)
    # 16 bit is the depth in use behind these modes; only a picture that exceeds its range, or a
    # float one within 0..1, says otherwise.
    if picture.mode == "F" and top <= 1.0:
        full = 1.0
    elif picture.mode == "F" and top <= 255.0:
        full = 255.0
    else:
        full = max(65535.0, top)
    for band in bands:
        grey[band] = np.clip(_finite(values[band]) / full * 255.0, 0, 255).round()
    return Image.fromarray(grey)


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
