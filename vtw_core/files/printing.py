"""Print to a terminal, or to wherever its streams lead."""

import os
import re
import sys
from collections.abc import Iterable
from itertools import chain
from typing import TextIO

from vtw_core.errors import InputError, system_reason

# What moves the cursor, changes colours or turns the direction of writing round, and halves of
# characters, which no encoding can print. A line's end and a tab are text.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with its control characters as escapes such as \\u001b, so that untrusted text
    does nothing to a terminal; JSON stays the same JSON."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """The text on one line, for where a line of its own would pass for the program's."""
    return printable(" ".join(text.split()))


def print_pieces(pieces: Iterable[str]) -> None:
    """Print a result, piece by piece, and a line's end.

    A reader that has had enough, such as `head`, is no fault.

    Raises:
        InputError: stdout cannot be written, since its disk is full for instance; or what making
            a piece raises.
    """
    try:
        for piece in chain(pieces, ["\n"]):
            print(_fit(printable(piece), sys.stdout), end="")
        print(end="", flush=True)
    except OSError as error:
        _silence(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise InputError(
                "stdout cannot be written: {reason}.", reason=system_reason(error)
            ) from error


def print_error(program: str, message: str) -> None:
    """One line on stderr; what cannot be written there is lost."""
    try:
        print(f"{program}: {_fit(one_line(message), sys.stderr)}", file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)


def _fit(text: str, stream: TextIO) -> str:
    """The text as the stream can encode it: one that is set to ASCII gets escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _silence(stream: TextIO) -> None:
    """Lead a stream nowhere: the interpreter's own flush at exit must not meet the fault again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
