"""Which file a visitor means, checked: a client can name any path, so only uploads count."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from vtw_core.errors import InputError
from vtw_core.pictures.images import SUFFIXES, load_image

from ..words import page as text
from .previews import pictured

FILE_TYPES = ["image", *SUFFIXES]
"""What a browser lets a visitor choose as a picture: not every system knows that HEIC is one."""
OWN_PICTURE = "your picture"
"""What a visitor's other picture is called in a run; `name_of` says it."""
# Of 16 levels in each channel.
_COMMONEST, _DRAWN_WITH = 12, 0.75
_ONE_IS_OPEN = threading.Lock()
_Seen = TypeVar("_Seen")


def chosen_picture(
    upload: str | None, drawing: str | None, *, is_drawing: bool, roots: Iterable[Path]
) -> str:
    """The path of the picture in front: the upload, or what it is a preview of, or the drawing.

    Raises:
        InputError: there is none, the canvas is empty, or the path lies outside ``roots``.
    """
    if not is_drawing:
        if not upload:
            raise InputError(text.NO_PICTURE)
        return pictured(uploaded(upload, roots, text.PICTURE_ELSEWHERE))
    if not drawing:
        raise InputError(text.NO_DRAWING)
    path = uploaded(drawing, roots, text.PICTURE_ELSEWHERE)
    if _opened(path, lambda picture: picture.getcolors(maxcolors=1)) is not None:
        raise InputError(text.NO_DRAWING)
    return path


def thumbnail(path: str | None, longest: int = 480) -> str | None:
    """The picture as a data URL, no side longer than ``longest`` pixels; None when it is gone."""
    try:
        return None if path is None else _thumbnail(path, Path(path).stat().st_mtime_ns, longest)
    except (InputError, OSError):
        return None


@lru_cache(maxsize=64)
def _thumbnail(path: str, changed: int, longest: int) -> str:
    """Kept, since a page asks for the same one at each click; ``changed`` tells when it is not."""

    def made(picture: Image.Image) -> str:
        picture.thumbnail((longest, longest))
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=88)
        return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"

    return _opened(path, made)


def _opened(path: str, look: Callable[[Image.Image], _Seen]) -> _Seen:
    """What is seen of a picture that is opened for it.

    One at a time: a small file may hold a picture that takes hundreds of megabytes while it is
    open, and any number of visitors may look at theirs at once.
    """
    with _ONE_IS_OPEN:
        return look(load_image(path))


def thumbnails(paths: Iterable[str]) -> list[str]:
    """`thumbnail` of each; none where one is gone: others would stand for the wrong pictures."""
    made = [thumbnail(path) for path in paths]
    return [one for one in made if one is not None] if None not in made else []


def looks_like_a_photograph(path: str) -> bool:
    """Whether a few colours do not fill most of the picture, as they do in a drawing.

    Measured on 400 drawings of the embedded model's worlds, gradients, noise and patterns included,
    the share of the commonest colours is 0.80 or more; of eight photographs seven have less than
    0.75. So it is a hint for the visitor, and nothing is refused by it.
    """
    small = _opened(path, lambda picture: picture.resize((128, 128), Image.Resampling.BOX))
    levels = np.asarray(small).astype(np.int64) >> 4
    colours = (levels[..., 0] << 8) | (levels[..., 1] << 4) | levels[..., 2]
    commonest = np.sort(np.bincount(colours.ravel()))[::-1][:_COMMONEST]
    return bool(commonest.sum() < _DRAWN_WITH * colours.size)


def path_sent(payload: Any) -> str | None:
    """The path that a client sends for a file, in place of Gradio's own reading: that would open a
    picture before its size and kind are looked at, and leave a file behind for each that is sent.
    `uploaded` checks it."""
    return payload.path if payload is not None else None


def uploaded(path: str | None, roots: Iterable[Path], otherwise: str) -> str:
    """The path of a visitor's file, if it lies under one of ``roots``.

    Raises:
        InputError: it does not, or is not there; says ``otherwise``.
    """
    try:
        if path is None:
            raise InputError(otherwise)
        resolved = Path(path).resolve()
        if any(resolved.is_relative_to(root.resolve()) for root in roots) and resolved.is_file():
            return str(resolved)
    except (OSError, ValueError, TypeError):
        pass
    raise InputError(otherwise)


def name_of(picture: str) -> str:
    """What a picture that goes by a name in a run is called; a name that is not ours stays."""
    return str(text.PICTURES.get(picture, picture))
