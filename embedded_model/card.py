"""The measured part of the model card: the only part of it that a program writes."""

from __future__ import annotations

from pathlib import Path

_BEGIN, _END = "<!-- measured -->", "<!-- end of measured -->"


def write_measured(card: Path, report: str) -> None:
    """Replace what stands between the two marks of the card by ``report``.

    Raises:
        ValueError: the card does not have both marks.
    """
    text = card.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{card} has no lines {_BEGIN} and {_END} to write between")
    card.write_text(f"{before}{_BEGIN}\n{report}\n{_END}{after}", encoding="utf-8")
