"""What stands in the page's picture field: the visitor's file, or a picture made from it.

Browsers show some files not at all (TIFF, HEIC), and some otherwise than the model sees them: in
other colours, in motion, on the page's own ground. The field then holds a preview, a PNG beside the
file that the project's own loader read; whatever is asked is asked about the file itself.
"""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from vtw_core.files.replacing import replacing
from vtw_core.pictures.images import load_image

from ..requests.faults import on_disk

LONGEST = 1600
"""Pixels of a preview's longer side."""
_MARK = ".preview.png"
# By the name as well: the server tells a browser the kind that the name says.
_SHOWN = {
    "PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "WEBP": (".webp",), "GIF": (".gif",),
    "BMP": (".bmp",),
}  # fmt: skip
_MODES = ("1", "L", "P", "RGB")


def preview(path: str) -> str:
    """The file for the picture field: the picture itself, where every browser shows it as the model
    sees it.

    Raises:
        InputError: it is no picture that can be used.
        DiskError: the preview cannot be written.
    """
    picture = load_image(path)
    if _is_shown(path):
        return path
    picture.thumbnail((LONGEST, LONGEST))
    with on_disk(), replacing(path + _MARK) as file:
        picture.save(file, "PNG")
    return path + _MARK


def pictured(path: str) -> str:
    """The file that a file of the picture field stands for."""
    original = path.removesuffix(_MARK)
    return original if Path(original).is_file() else path


def _is_shown(path: str) -> bool:
    """Whether browsers show the file as the model sees it, by its header."""
    try:
        with Image.open(path, formats=tuple(_SHOWN)) as picture:
            is_upright = picture.getexif().get(ExifTags.Base.Orientation, 1) == 1
            return (
                Path(path).suffix.lower() in _SHOWN[str(picture.format)]
                and picture.mode in _MODES
                and not picture.has_transparency_data
                and not getattr(picture, "is_animated", False)
                and (is_upright or picture.format == "JPEG")
            )
    except UnidentifiedImageError:
        return False
