"""Runs that visitors opened from files: how much memory all of them may hold.

A file of a few kilobytes may expand to a hundred megabytes, and sessions keep what they opened.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter

from vtw_core.errors import InputError
from vtw_core.files import storage
from vtw_core.results import older_files
from vtw_core.results.run import Run, load_run

from ..words import faults as text

MOST_BYTES = 512 * 2**20
"""Of all visitors' opened runs, expanded."""
_SHARE = 0.5
"""Of it that one address may hold."""


class OpenedRuns:
    """What is held by runs that were opened, as long as any session keeps them.

    Args:
        most: bytes.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def bytes_held(self) -> int:
        """By all of them now."""
        return self._held.total()

    def open(self, path: str, who: str) -> Run:
        """Read a saved run.

        Args:
            who: the address that opens it; empty where it is not known.

        Raises:
            InputError: it is no saved run, or too much is held already.
        """
        size = _expanded(path)
        with self._lock:
            is_much = bool(who) and self._held[who] + size > self.most * _SHARE
            if is_much or self.bytes_held + size > self.most:
                raise InputError(text.TOO_MUCH_OPENED)
            self._held[who] += size
        try:
            run = load_run(path)
        except BaseException:
            self._release(who, size)
            raise
        weakref.finalize(run, self._release, who, size)
        return run

    def _release(self, who: str, size: int) -> None:
        with self._lock:
            self._held[who] -= size
            self._held += Counter()  # without those who hold nothing


def _expanded(path: str) -> int:
    """Bytes that it says it expands to; 0 for what is no saved run, which opens nothing."""
    try:
        size = storage.unpacked_bytes(path)
    except OSError:
        return 0
    return older_files.unpacked_bytes(path) if size is None else size
