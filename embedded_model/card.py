"""The measured parts of the model card: the only parts of it that a program writes."""

from __future__ import annotations

from pathlib import Path

from vtw_core.files.replacing import replace_file


def write_measured(card: Path, report: str, part: str = "measured") -> None:
    """Replace what stands between the two marks of one part of the card by ``report``.

    Raises:
        ValueError: the card does not have both marks.
    """
    first, last = f"<!-- {part} -->", f"<!-- end of {part} -->"
    text = card.read_text(encoding="utf-8")
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{card} has no lines {first} and {last} to write between")
    replace_file(card, f"{before}{first}\n{report}\n{last}{after}")
