"""Make one record for each item of a data set, on one process or many. No torch.

A record is what is kept of an item, found by a key: a hash of everything that the record depends
on. So a second run makes only what is missing, whatever was killed, however many processes there
were before and are now, and the records together are the same to the last bit.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, overload

from vtw_core.data.questions import Item, Skipped
from vtw_core.errors import InputError, Sentence, VTWError
from vtw_core.results.events import Progress

R = TypeVar("R")
"""What is kept of one item: a frozen dataclass (`vtw_core.files.serialization`)."""


@dataclass(frozen=True)
class Entry:
    """An item whose record is made.

    Attributes:
        key: of the record.
        name, accepted: the item's; no part of the record, since the model never sees them.
    """

    key: str
    name: str
    accepted: tuple[str, ...]


class Store(Protocol[R]):
    """Where records are kept."""

    where: str
    """In words, for messages."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user of the records should know about them, in sentences."""

    def __contains__(self, key: str) -> bool:
        """Whether there is a record."""

    def get(self, key: str) -> R | None:
        """The record; None if there is none."""

    def put(self, key: str, record: R) -> None:
        """Keep a record."""

    def joined(self, others: "Sequence[Store[R]]") -> "Store[R]":
        """A store that has what this one and the others have."""


class InMemory(Generic[R]):
    """Records that are kept as long as the process runs."""

    where = "memory"
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._records: dict[str, R] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def get(self, key: str) -> R | None:
        return self._records.get(key)

    def put(self, key: str, record: R) -> None:
        self._records[key] = record

    def joined(self, others: Sequence[Store[R]]) -> Store[R]:
        for other in others:
            if isinstance(other, InMemory):
                self._records |= other._records
        return self


@dataclass(frozen=True)
class Part(Generic[R]):
    """What one process made: its items in their order, and where their records are."""

    entries: tuple[Entry | Skipped, ...]
    store: Store[R]


class Records(Sequence[tuple[Entry, R]]):
    """The records of all items in the order of the data, each read on demand.

    Attributes:
        skipped: why items are missing, one sentence for each, in the same order.
        notes: what their store reports about itself.
    """

    def __init__(self, parts: Sequence[Part[R]]) -> None:
        """parts: part i of n holds the items i, i + n, i + 2n, ..."""
        turns = zip_longest(*(part.entries for part in parts))
        found = [entry for turn in turns for entry in turn if entry is not None]
        self._entries = [entry for entry in found if isinstance(entry, Entry)]
        self.skipped = [entry.reason for entry in found if isinstance(entry, Skipped)]
        self._store = parts[0].store.joined([part.store for part in parts[1:]])
        self.notes = self._store.notes

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> tuple[Entry, R]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[Entry, R]]: ...

    def __getitem__(self, index: int | slice) -> Any:
        """Raises InputError for a record that another process made where it cannot be seen."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        entry = self._entries[index]
        record = self._store.get(entry.key)
        if record is None:
            raise InputError(
                "The record of {name} is not in {where}: give --out a folder that all machines "
                "share, or bring the shards of all of them into one folder and run again.",
                name=entry.name,
                where=self._store.where,
            )
        return entry, record


def finish(
    items: Iterable[Item | Skipped],
    store: Store[R],
    depends_on: Sequence[Any],
    make: Callable[[Item], R],
    total: int = 0,
    skip_bad: bool = False,
) -> Generator[Progress, None, tuple[Entry | Skipped, ...]]:
    """Make the records that are missing, a `Progress` after each item; return the entries.

    It can be closed at any event; what is made then is in the store.

    Args:
        items: rows of a data set; one that cannot be used may be a `Skipped` already.
        depends_on: what all records depend on, JSON-ready; see `key_of`.
        total: number of items; 0 where it is not known.
        skip_bad: pass over items that cannot be used.

    Raises:
        InputError: an image that cannot be read, or what `make` raises; names the item.
    """
    entries: list[Entry | Skipped] = []
    for item in items:
        entry = item if isinstance(item, Skipped) else _entry(item, store, depends_on, make)
        if isinstance(entry, Skipped) and not skip_bad:
            raise InputError.of(entry.reason)
        entries.append(entry)
        yield Progress(len(entries), total, item.name if isinstance(item, Item) else "")
    return tuple(entries)


def _entry(
    item: Item, store: Store[R], depends_on: Sequence[Any], make: Callable[[Item], R]
) -> Entry | Skipped:
    """The item's entry, its record made if it is missing; or why it cannot be used."""
    try:
        key = key_of(item, depends_on)
        made = None if key in store else make(item)
    except VTWError as error:
        return Skipped(Sentence("{where}: {problem}", where=item.where or item.name, problem=error))
    if made is not None:
        store.put(key, made)
    return Entry(key, item.name, item.accepted)


def finish_all(
    items: Iterable[Item | Skipped],
    store: Store[R],
    depends_on: Sequence[Any],
    make: Callable[[Item], R],
) -> Records[R]:
    """Run `finish` to its end in this process and return the records; same errors."""
    steps = finish(items, store, depends_on, make)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return Records([Part(end.value, store)])


def key_of(item: Item, depends_on: Sequence[Any]) -> str:
    """A hash of an item's image and prompt and of what else its record depends on, 64 hex digits.

    Raises:
        InputError: the image cannot be read.
    """
    contents = [_sha256(image) for image in item.images]
    parts = [*depends_on, *(contents if len(contents) == 1 else [contents]), item.prompt]
    return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()


def _sha256(image: Path | bytes) -> str:
    try:
        contents = image if isinstance(image, bytes) else image.read_bytes()
    except OSError as error:
        raise InputError("its image file cannot be read; check the path.") from error
    return hashlib.sha256(contents).hexdigest()
