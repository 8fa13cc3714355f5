"""Tables as CSV, as a spreadsheet opens them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from vtw_core.files.spreadsheets import csv_lines


def csv_text(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """CSV of a header and rows, floats to six digits; see `vtw_core.files.spreadsheets`."""
    return "".join(csv_lines([_plain(cell) for cell in row] for row in (columns, *rows)))


def _plain(cell: Any) -> Any:
    if not isinstance(cell, float):
        return cell
    return "" if math.isnan(cell) else f"{cell:.6g}"
