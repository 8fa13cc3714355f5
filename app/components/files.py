"""The files that components are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def read(*names: str) -> str:
    """Files of this folder, one behind the other."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def script(*names: str, **constants: Any) -> str:
    """A script, in one file or several, with constants before it.

    They are not props of the component: Gradio forgets those of a part that is told its value
    before its tab was ever opened.
    """
    given = "".join(f"const {key} = {json.dumps(value)};\n" for key, value in constants.items())
    return given + read(*names)
