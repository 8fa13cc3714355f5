"""Which characters a drawn file can hold: those of the fonts of this machine."""

from __future__ import annotations

import functools

from app.language import FIRST, current

# Of a collection of faces Matplotlib knows the first one only: Noto's is the Japanese one, which
# has all characters of the others.
_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans GB", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
)  # fmt: skip
_LATIN = "DejaVu Sans"  # comes with Matplotlib


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
