"""The files that components are made of."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_IMPORT = re.compile(r"^import \{[^}]*\} from '\./(\w+\.js)';\n", re.MULTILINE)
_STATEMENT = re.compile(r"^(?=[a-zA-Z])", re.MULTILINE)
_EXPORT = re.compile(r"export (?:async )?(?:function|const) (\w+)")
# Lines that hold nothing else: whoever reads the file needs them, and no browser.
_COMMENT = re.compile(r"^\s*(//|/\*\*|\*[ /]).*\n", re.MULTILINE)


def read(name: str) -> str:
    """A file of this folder."""
    return (_HERE / name).read_text(encoding="utf-8")


def script(name: str, **constants: Any) -> str:
    """A script and all that it imports, as one, with constants before it.

    What `gr.HTML` runs is the body of a function and cannot import, so the files are joined: each
    once, before those that import it, and of each what is needed. `tests/js` load them as the
    modules that they are.

    The constants are not props of the component: Gradio forgets those of a part that is told its
    value before its tab was ever opened.
    """
    given = "".join(f"const {key} = {json.dumps(value)};\n" for key, value in constants.items())
    return given + _joined(name)


@functools.cache
def _joined(name: str) -> str:
    *imported, own = map(_bare, files_of(name))
    parts = [part for file in imported for part in _STATEMENT.split(file)]
    # What the file itself offers may be asked for from outside.
    needed = _needed([*parts, re.sub(r"^export ", "", own, flags=re.MULTILINE)])
    return "".join(part.removeprefix("export ") for part in needed)


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
    """Without imports and comments."""
    return _COMMENT.sub("", _IMPORT.sub("", read(name)))


def _needed(parts: list[str]) -> list[str]:
    """Without what an imported file offers and no other part of the script names."""
    named = Counter(name for part in parts for name in set(re.findall(r"\w+", part)))
    kept = [part for part in parts if not (one := _EXPORT.match(part)) or named[one[1]] > 1]
    return parts if kept == parts else _needed(kept)
