"""Lines for a drawing, which breaks none by itself."""

from __future__ import annotations

import re
import unicodedata

# A word with the marks on it; or a Chinese character, which may end a line, with the marks that may
# not begin one and those that may not end one.
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff"
_OPENS, _CLOSES = "（“‘《", "，。：；）”’》？！、…"
_PARTS = re.compile(
    rf"\s+|[{_OPENS}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPENS}{_CLOSES}]+)[{_CLOSES}]*|[{_OPENS}{_CLOSES}]+"
)


def columns_of(words: str) -> int:
    """How wide words are, in Latin letters; a Chinese character is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in words)


def wrapped(words: str, columns: int) -> str:
    """The words in lines of so many columns at most; a longer word has a line to itself."""
    lines = [""]
    for part in _PARTS.findall(words):
        if lines[-1] and columns_of(lines[-1] + part.rstrip()) > columns:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return "\n".join(line.rstrip() for line in lines)
