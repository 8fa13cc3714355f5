"""Records on disk: append-only JSONL files that survive a kill at any byte. No torch.

Every process appends to one file of its own, opened when it has something to say, so that nobody
locks, renames or mends anything, on a shared file system neither. A line counts once it has its
end; of a process that was killed while it wrote, the torn last line is passed over and its item
done again. Any number of processes may read the shards of any other number.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Generic

from vtw_core.documents import refuse_constant
from vtw_core.errors import InputError
from vtw_core.records import R, Store
from vtw_core.world import rank

SUFFIX = ".jsonl"
_BEGIN = b'{"key": "'
_KEY = slice(len(_BEGIN), len(_BEGIN) + 64)  # hex digits


class Shards(Generic[R]):
    """A folder of shards. Only the places of the records are held in memory (about 300 bytes for
    each); one folder can serve many data sets, models and settings."""

    def __init__(self, folder: str | Path, read: Callable[[Any], R]) -> None:
        """
        Args:
            folder: made if it is not there.
            read: makes a record of its JSON; raises TypeError, ValueError or KeyError (or
                InputError) for a damaged one.

        Raises:
            InputError: it cannot be made or read.
        """
        self.folder = Path(folder)
        self.where = str(folder)
        self._read = read
        self._own: IO[bytes] | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder} cannot be made a folder: {error.strerror}.") from error
        self._scan()

    def _scan(self) -> None:
        self._places: dict[bytes, list[tuple[str, int]]] = {}
        try:
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                at = 0
                with path.open("rb") as lines:
                    for line in lines:
                        if line.startswith(_BEGIN) and line.endswith(b"\n"):
                            self._note(line[_KEY], path.name, at)
                        at += len(line)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be read: {error.strerror}.") from error

    def _note(self, key: bytes, name: str, at: int) -> None:
        self._places.setdefault(key, []).append((name, at))

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> R | None:
        """The record; None if there is none, or if it is damaged and must be made again."""
        for name, at in self._places.get(key.encode(), ()):
            try:
                with (self.folder / name).open("rb") as lines:
                    lines.seek(at)
                    document = json.loads(lines.readline(), parse_constant=refuse_constant)
                if document["key"] == key:
                    return self._read(document["record"])
            except (OSError, ValueError, TypeError, KeyError, RecursionError, InputError):
                continue
        return None

    def put(self, key: str, record: R) -> None:
        """Append a record and hand it to the system, whole or, in a kill, as a torn line.

        Raises:
            InputError: it cannot be written.
        """
        line = json.dumps({"key": key, "record": record.to_json()}).encode() + b"\n"
        try:
            if self._own is None:
                name = f"{rank():05d}-{secrets.token_hex(8)}{SUFFIX}"
                self._own = (self.folder / name).open("xb")
            at = self._own.tell()
            self._own.write(line)
            self._own.flush()
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {error.strerror}.") from error
        self._note(key.encode(), Path(self._own.name).name, at)

    def joined(self, others: Sequence[Store[R]]) -> Store[R]:
        """This folder, with what other processes have appended to it meanwhile."""
        if others:
            self._scan()
        return self

    def __getstate__(self) -> dict[str, Any]:
        """For another process: the folder, neither the open file nor the places."""
        return {"folder": self.folder, "where": self.where, "_read": self._read, "_own": None,
                "_places": {}}  # fmt: skip
