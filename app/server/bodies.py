"""What the JSON of a request may say.

Everything here happens in the server's one loop, where nobody else is answered meanwhile, so all of
it is bounded: 5 000 values and 64 files take a few milliseconds, here and in what Gradio does.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..gradio_internals import paths_named_in, session_named_in, upload_folder
from ..requests.refusals import RequestRefused

MOST_BYTES = 256_000
"""Of a request that is no file: the longest question takes 24 kB."""
MOST_VALUES = 5_000
"""The page itself sends some fifty."""
MOST_NAMED = 64
"""Files that one request may name."""
LONGEST_NAME = 100
"""Of a session; Gradio's have some ten letters."""
_LONGEST_PATH = 4096
# A folder of each file, and what Gradio puts there itself, lie no deeper.
_DEEPEST = 4


class Uploads:
    """The folder of uploads, resolved once."""

    def __init__(self) -> None:
        given = upload_folder()
        self._folders = tuple({os.path.abspath(given), os.path.realpath(given)})
        self._real = Path(os.path.realpath(given))

    def holds(self, path: str) -> bool:
        """Whether a file was uploaded here, as far as its path says; no long path is resolved."""
        if len(path) > _LONGEST_PATH or "\0" in path:
            return False
        plain = os.path.abspath(path)
        for folder in self._folders:
            below = plain.removeprefix(folder + os.sep)
            if below != plain and below.count(os.sep) < _DEEPEST:
                return Path(plain).resolve().is_relative_to(self._real)
        return False


def check_body(body: bytes, uploads: Uploads) -> str:
    """The session that a body names, "" where it names none or is no JSON.

    Raises:
        RequestRefused: it says too much, or names a file that was not uploaded here.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise RequestRefused(413, "TOO_MANY_VALUES", most=MOST_VALUES)
    try:
        document = json.loads(body)
    except RecursionError:
        raise RequestRefused(400, "NESTED") from None
    except ValueError:
        return ""  # no JSON, so Gradio finds no file in it
    paths = paths_named_in(document)
    if len(paths) > MOST_NAMED:
        raise RequestRefused(413, "TOO_MANY_FILES", most=MOST_NAMED)
    if not all(map(uploads.holds, paths)):
        raise RequestRefused(400, "ELSEWHERE")
    return check_session(session_named_in(document))


def check_session(session: Any) -> str:
    """The name of a session; "" for what is none.

    Raises:
        RequestRefused: it is too long to be remembered.
    """
    if not isinstance(session, str):
        return ""
    if len(session) > LONGEST_NAME:
        raise RequestRefused(400, "NO_SUCH_EVENT")
    return session
