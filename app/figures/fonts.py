"""Which characters a drawn file can hold: those of the fonts of this machine."""

from __future__ import annotations

import functools
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ..words.language import FIRST, current

# Of a collection of faces Matplotlib knows the first one only: Noto's is the Japanese one, which
# has all characters of the others.
_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans GB", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Heiti SC", "STHeiti", "Arial Unicode MS", "Droid Sans Fallback", "Noto Serif CJK SC",
    "Noto Serif CJK JP", "SimSun", "Songti SC",
)  # fmt: skip
_LATIN = "DejaVu Sans"  # comes with Matplotlib
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@functools.cache
def chinese_font() -> str | None:
    """A font of this machine that has Chinese characters; None where there is none."""
    # Matplotlib takes long to import, and the page is built without it.
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return next((name for name in _CHINESE if name in known), None)


def families() -> list[str]:
    """What Matplotlib is to draw with: for each character the first of them that has it."""
    chinese = chinese_font()
    return [_LATIN, *([chinese] if chinese else [])]


def drawn_language() -> str:
    """The language of a drawn file: the one that is spoken, or English where a font is missing."""
    if current() == "zh" and chinese_font() is None:
        return FIRST
    return current()


def drawable(value: Any) -> Any:
    """A chart, or any part of one, with a sign in place of each character that no font here has.

    Words of a model or a visitor may be in any script; Matplotlib would draw a box.
    """
    if isinstance(value, str):
        has = _characters(tuple(families()))
        return "".join(one if one.isspace() or ord(one) in has else _UNKNOWN for one in value)
    if isinstance(value, tuple):
        return tuple(map(drawable, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: drawable(getattr(value, f.name)) for f in fields(value)})
    return value


@functools.cache
def _characters(names: tuple[str, ...]) -> frozenset[int]:
    """Code points that one of the fonts can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    paths = (findfont(FontProperties(family=name)) for name in names)
    return frozenset(code for path in paths for code in get_font(path).get_charmap())
