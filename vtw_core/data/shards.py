"""Records on disk: append-only JSONL files that survive a kill at any byte. No torch.

Every process appends to one file of its own, opened at its first record, so that nobody
locks, renames or mends anything, on a shared file system neither. A line counts once it has its
end; of a process that was killed while it wrote, the torn last line is passed over and its item
done again. Any number of processes may read the shards of any other number.

Each line brings a digest of itself, so that no byte that a disk or a copy changed passes for a
number. Lines of earlier versions have none; they are read, and `Shards.notes` says so.
"""

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Generic

from vtw_core.data.records import R, Store
from vtw_core.errors import InputError, system_reason
from vtw_core.files.documents import refuse_constant
from vtw_core.files.serialization import to_json
from vtw_core.machine.processes import rank

SUFFIX = ".jsonl"
_LINE = re.compile(
    rb'\{"key": "([0-9a-f]{64})", (?:"sha256": "([0-9a-f]{64})", )?"record": (.*)\}\n'
)


def _line(key: str, record: bytes) -> bytes:
    """A record's line; written as JSON would be, with the record's own bytes."""
    named = key.encode()
    return b'{"key": "%s", "sha256": "%s", "record": %s}\n' % (
        named,
        _digest(named, record),
        record,
    )


def _digest(key: bytes, record: bytes) -> bytes:
    return hashlib.sha256(key + record).hexdigest().encode()


def _whole(line: bytes) -> "re.Match[bytes] | None":
    """A line's key, digest and record; None if it is damaged."""
    found = _LINE.fullmatch(line)
    return found if found and found[2] in (None, _digest(found[1], found[3])) else None


def rewritten(lines: Iterable[bytes], bring_up: Callable[[Any], Any]) -> Iterator[bytes]:
    """The lines of a shard as they are written today; damaged ones are left out.

    Args:
        bring_up: makes of a record of any version what this one writes.
    """
    for line in lines:
        found = _whole(line)
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            if found:
                record = bring_up(json.loads(found[3], parse_constant=refuse_constant))
                yield _line(found[1].decode(), json.dumps(record).encode())


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
            raise InputError(
                "{folder} cannot be made a folder: {problem}.",
                folder=folder,
                problem=system_reason(error),
            ) from error
        self._scan()

    def _scan(self) -> None:
        self._places: dict[bytes, list[tuple[str, int]]] = {}
        self._unchecked = self._damaged = 0
        try:
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                at = 0
                with path.open("rb") as lines:
                    for line in lines:
                        self._scan_line(line, path.name, at)
                        at += len(line)
        except OSError as error:
            raise InputError(
                "{path} cannot be read: {problem}.", path=self.folder, problem=system_reason(error)
            ) from error

    def _scan_line(self, line: bytes, name: str, at: int) -> None:
        if not line.endswith(b"\n"):
            return  # torn by a kill
        found = _whole(line)
        if found is None:
            self._damaged += 1
            return
        self._unchecked += found[2] is None
        self._note(found[1], name, at)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user of the records should know about them, in sentences."""
        notes = []
        if self._damaged:
            notes.append(
                f"Damaged lines in {self.where}: {self._damaged}; they are passed over, and what "
                "is missing is made again."
            )
        if self._unchecked:
            notes.append(
                f"Records without a checksum in {self.where}, by an earlier version: "
                f"{self._unchecked}; they are taken as they are. `python -m vtw_core convert` "
                "gives them one."
            )
        return tuple(notes)

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
                    found = _whole(lines.readline())
                # Once more: it may have been changed since it was found.
                if found and found[1] == key.encode():
                    return self._read(json.loads(found[3], parse_constant=refuse_constant))
            except (OSError, ValueError, TypeError, KeyError, RecursionError, InputError):
                continue
        return None

    def put(self, key: str, record: R) -> None:
        """Append a record and hand it to the system, whole or, in a kill, as a torn line.

        Raises:
            InputError: it cannot be written.
        """
        line = _line(key, json.dumps(to_json(record)).encode())
        try:
            if self._own is None:
                name = f"{rank():05d}-{secrets.token_hex(8)}{SUFFIX}"
                self._own = (self.folder / name).open("xb")
            at = self._own.tell()
            self._own.write(line)
            self._own.flush()
        except OSError as error:
            raise InputError(
                "{path} cannot be written: {problem}.",
                path=self.folder,
                problem=system_reason(error),
            ) from error
        self._note(key.encode(), Path(self._own.name).name, at)

    def joined(self, others: Sequence[Store[R]]) -> Store[R]:
        """This folder, with what other processes have appended to it meanwhile."""
        if others:
            self._scan()
        return self

    def __getstate__(self) -> dict[str, Any]:
        """For another process: the folder, neither the open file nor the places."""
        return {"folder": self.folder, "where": self.where, "_read": self._read, "_own": None,
                "_places": {}, "_damaged": 0, "_unchecked": 0}  # fmt: skip
