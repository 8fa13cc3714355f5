"""Tables as CSV that a spreadsheet opens as it is meant: UTF-8 by its mark, and words are words."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

MARK = "\ufeff"
"""What marks for a spreadsheet that a file is UTF-8; the first thing in it."""

# What a spreadsheet runs as a formula: these, in the wide form of East Asian keyboards too, and
# something after them.
_FORMULA = re.compile(r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?")


def word_cell(cell: Any) -> Any:
    """The cell, with a quote before words that start like a formula; numbers stay numbers."""
    runs = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if runs else cell


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A line of CSV for each row, cells safe as `word_cell` makes them; without the mark."""
    for row in rows:
        line = io.StringIO(newline="")
        csv.writer(line).writerow([word_cell(cell) for cell in row])
        yield line.getvalue()


def csv_bytes(lines: Iterable[str]) -> Iterator[bytes]:
    """The bytes of a file of such lines, which begins with the mark."""
    for line in chain([MARK], lines):
        yield line.encode("utf-8", "backslashreplace")
