"""Read a picture from an untrusted source and return plain RGB pixels."""

import io
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from vtw_core.errors import InputError, Sentence
from vtw_core.machine.memory import is_out_of_memory
from vtw_core.pictures.high_bit_depth import (
    colour_in_8_bits,
    depth_in_file,
    grey_in_8_bits,
    is_dark,
    is_deep_colour,
    is_deep_grey,
    keep_lower_bytes,
)

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What Pillow reads by itself."""
HEIF = "HEIF"
"""What it reads with the package pillow-heif: the HEIC files of telephones."""
NAMES = ", ".join((*FORMATS, "HEIC"))
LFS_POINTER = b"version https://git-lfs"
"""How every file begins that Git LFS keeps in place of a large one."""
SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    ".avif", ".avifs", ".heic", ".heics", ".heif", ".heifs", ".hif",
)  # fmt: skip
"""How the names of such files end."""
MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
# Of all pictures of one prompt.
MAX_IMAGES = 64
MAX_PIXELS_TOGETHER = 100_000_000
# Beyond this the short side of a resized picture is less than one patch of any supported model.
MAX_ASPECT = 50


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
        raise InputError(
            "There are {count} images; give at most {most}.", count=len(image), most=MAX_IMAGES
        )
    pictures: list[Image.Image] = []
    left = MAX_PIXELS_TOGETHER
    for number, one in enumerate(image, start=1):
        try:
            pictures.append(load_image(one))
        except InputError as error:
            raise InputError(
                "Image {number} of {count}: {problem}",
                number=number,
                count=len(image),
                problem=error,
            ) from error
        left -= pictures[-1].width * pictures[-1].height
        if left < 0:
            raise InputError(
                "The images have more than {count:g} million pixels together; use smaller ones.",
                count=MAX_PIXELS_TOGETHER / 1e6,
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
    applied, deep grey is scaled to 8 bits (`vtw_core.pictures.high_bit_depth`), alpha is composited
    on white.

    Args:
        source: path of a PNG, JPEG, WEBP, GIF, BMP, TIFF, AVIF or HEIC file, the contents of one,
            or a PIL image.
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
        raise InputError("There is no image file {path}; check the path.", path=path.name or path)
    return _open(path, size, max_bytes, max_pixels)


def _open(file: Path | BinaryIO, size: int, max_bytes: int, max_pixels: int) -> Image.Image:
    if size > max_bytes:
        raise InputError(
            "The image file is larger than {size:g} MB; use a smaller one.",
            size=max_bytes / 1e6,
        )
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the pixel limit below refuses them instead.
            warnings.simplefilter("ignore")
            with Image.open(file, formats=_readable()) as picture:
                return _finish(picture, max_pixels, lambda: Image.open(file, formats=_readable()))
    except InputError:
        raise
    except UnidentifiedImageError as error:
        head = _head(file)
        if head.startswith(LFS_POINTER):
            raise InputError(
                "This is a Git LFS pointer and not the image it points to; run `git lfs pull` in "
                "its folder."
            ) from error
        if HEIF not in _readable() and _is_heic(head):
            raise InputError(
                "A HEIC image needs the package pillow-heif; install it with `pip install "
                "pillow-heif`, or save the image as JPEG."
            ) from error
        raise InputError(
            "This is not an image that can be read; use one of {formats}.", formats=NAMES
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError.of(_too_many_pixels(max_pixels)) from error
    # A damaged file makes Pillow's decoders raise almost anything (OSError, SyntaxError,
    # struct.error, IndexError, ...); for the user they all mean the same.
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            "The image file is truncated or damaged; save it again or use another one."
        ) from error


def _too_many_pixels(max_pixels: int) -> Sentence:
    return Sentence(
        "The image has more than {count:g} million pixels; use a smaller one.",
        count=max_pixels / 1e6,
    )


def _finish(
    picture: Image.Image,
    max_pixels: int,
    again: Callable[[], ImageFile.ImageFile] | None = None,
) -> Image.Image:
    """again: opens the picture's file once more."""
    _check_size(picture, max_pixels)
    picture.seek(0)
    depth, is_deep = depth_in_file(picture), is_deep_colour(picture)
    upright = _decoded(picture, max_pixels)
    if again is not None and is_deep and is_dark(upright):
        with again() as twin:
            keep_lower_bytes(twin)
            upright = colour_in_8_bits(upright, _decoded(twin, max_pixels), depth)
    return _to_rgb(upright, depth)


def _decoded(picture: Image.Image, max_pixels: int) -> Image.Image:
    """With its pixels, the right way up."""
    picture.load()
    # The header of a HEIC may say another size than its contents.
    _check_size(picture, max_pixels)
    is_turned = picture.getexif().get(ExifTags.Base.Orientation, 1) != 1
    # exif_transpose() copies what is upright, too.
    return ImageOps.exif_transpose(picture) if is_turned else picture


def _check_size(picture: Image.Image, max_pixels: int) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise InputError("The image has no pixels; use another one.")
    if width * height > max_pixels:
        raise InputError.of(_too_many_pixels(max_pixels))
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            "The image is more than {ratio} times as long as wide; crop it first.", ratio=MAX_ASPECT
        )


def _to_rgb(picture: Image.Image, depth: int | None) -> Image.Image:
    if is_deep_grey(picture):
        return grey_in_8_bits(picture, depth).convert("RGB")
    if picture.has_transparency_data:
        layer = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        white = Image.new("RGB", layer.size, "white")
        white.paste(layer, mask=layer)
        return white
    # convert() returns the very same pixels for RGB; copy so that a closed file does not matter.
    return picture.convert("RGB") if picture.mode != "RGB" else picture.copy()


@cache
def _readable() -> tuple[str, ...]:
    """The formats that can be read here, as Pillow calls them."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return FORMATS
    # Without thumbnails: nothing but the picture itself is looked at.
    register_heif_opener(thumbnails=False)
    return (*FORMATS, HEIF)


def _head(file: Path | BinaryIO) -> bytes:
    """The first bytes."""
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return opened.read(32)
    file.seek(0)
    return file.read(32)


def _is_heic(head: bytes) -> bool:
    """Whether a file begins as HEIC pictures do."""
    return head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev", b"mif", b"msf")
