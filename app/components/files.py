"""The files that components are made of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_IMPORT = re.compile(r"^import \{[^}]*\} from '\./(\w+\.js)';\n", re.MULTILINE)
# Lines that hold nothing else: whoever reads the file needs them, and no browser.
_COMMENT = re.compile(r"^\s*(//|/\*\*|\*[ /]).*\n", re.MULTILINE)


def read(name: str) -> str:
    """A file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")


def script(name: str, **constants: Any) -> str:
    """A script and all that it imports, as one, with constants before it.

    What `gr.HTML` runs is the body of a function and cannot import, so the files are joined: each
    once, before those that import it. `tests/js` load them as the modules that they are.

    The constants are not props of the component: Gradio forgets those of a part that is told its
    value before its tab was ever opened.
    """
    given = "".join(f"const {key} = {json.dumps(value)};\n" for key, value in constants.items())
    return given + "".join(map(_bare, files_of(name)))


def files_of(name: str) -> list[str]:
    """The files that `script` joins, in their order."""
    found: list[str] = []
    _gather(name, {name}, found)
    return found


def _gather(name: str, begun: set[str], found: list[str]) -> None:
    for other in _IMPORT.findall(read(name)):
        if other not in begun:
            begun.add(other)
            _gather(other, begun, found)
    found.append(name)


def _bare(name: str) -> str:
    """Without what makes it a module, and without comments."""
    text = re.sub(r"^export ", "", _IMPORT.sub("", read(name)), flags=re.MULTILINE)
    return _COMMENT.sub("", text)
