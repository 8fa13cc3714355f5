"""How a number is printed in a sentence: as the page's scripts print it."""

from __future__ import annotations

import re


def significant(value: float, digits: int = 2) -> str:
    """The value to so many significant digits, its exponent without padding: 0.31, 4.1e-5."""
    return re.sub(r"e([+-])0*", r"e\1", f"{value:.{digits}g}").replace("e+", "e")
