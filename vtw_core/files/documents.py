"""Read a JSON document, and checked values out of it; write one with a digest at its end.

What is wrong with the file is an InputError; what is wrong with a value a TypeError or ValueError,
which the reader of a format turns into one.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, Sentence, system_reason

_DIGEST = re.compile(rb',\s*"sha256": "([0-9a-f]{64})"\s*\}\s*\Z')
_LONGEST_END = 200
# Of a file that holds little but numbers, whose digits take more.
_BYTES_PER_VALUE = 8


def object_with_list(head: dict[str, Any], name: str, records: Iterable[Any]) -> Iterator[str]:
    """The text of a JSON object with a list of records behind its other fields, in pieces."""
    yield json.dumps(head).removesuffix("}")
    yield f', "{name}": ['
    for number, record in enumerate(records):
        yield (", " if number else "") + json.dumps(record)
    yield "]}"


def with_digest(pieces: Iterable[str]) -> Iterator[bytes]:
    """The bytes of a JSON object, whose last field becomes a digest of all that stands before.

    Args:
        pieces: the text of an object that has a field; the last of them ends with its "}".
    """
    digest, last = hashlib.sha256(), ""
    for piece in pieces:
        digest.update(last.encode("utf-8"))
        yield last.encode("utf-8")
        last = piece
    rest = last.rstrip().removesuffix("}").rstrip().encode("utf-8")
    digest.update(rest)
    yield rest + f', "sha256": "{digest.hexdigest()}"}}\n'.encode()


def read_document(
    source: Path,
    form: str,
    version: int,
    *,
    most_bytes: int,
    what: Sentence,
    anew: Sentence,
    oldest: int,
) -> dict[str, Any]:
    """A JSON object that says its format and version.

    Args:
        form: what its "format" must be.
        most_bytes: a larger file is not read.
        what: what the file should be, for the sentence if it is something else.
        anew: how to make it again, for the sentence if its version is another.
        oldest: the oldest version that is still read; 1 is the only one without a digest.

    Raises:
        InputError: missing, damaged, too large, of another format or version, or its digest is not
            that of its contents.
    """
    try:
        with source.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {problem}.", path=source, problem=system_reason(error)
        ) from error
    if len(raw) > most_bytes:
        raise InputError(
            "{name} is larger than {limit} MB.", name=source.name, limit=most_bytes // 2**20
        )
    document = parsed(raw, source.name, most_bytes // _BYTES_PER_VALUE)
    if not isinstance(document, dict) or document.get("format") != form:
        raise InputError("{name} is no {what}.", name=source.name, what=what)
    found = document.get("version")
    if not isinstance(found, int) or not oldest <= found <= version:
        raise InputError(
            "{name} is of another format version than {version}; {problem}.",
            name=source.name,
            version=version,
            problem=anew,
        )
    told = _DIGEST.search(raw, max(0, len(raw) - _LONGEST_END))
    whole = told and told[1] == _hex_digest(memoryview(raw)[: told.start()])
    if not (whole or (found == 1 and "sha256" not in document)):
        raise InputError(
            "{name} is damaged: its contents are not those that were saved.", name=source.name
        )
    return document


def _hex_digest(data: memoryview) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def parsed(raw: bytes, name: str, most_values: int) -> Any:
    """What a JSON file of that name says.

    Args:
        most_values: more are not made, since a few bytes of JSON can make a hundred in memory.

    Raises:
        InputError: it is no JSON, or says more than that.
    """
    damaged = InputError("{name} is damaged: its contents cannot be read.", name=name)
    if sum(raw.count(mark) for mark in (b",", b"[", b"{")) > most_values:
        raise damaged
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged from error


def refuse_constant(name: str) -> float:
    raise InputError("{name} is not a number a run can hold", name=name)


def expect(name: str, value: Any, kind: type[Any]) -> None:
    # bool is an int to isinstance, but True is no count.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError("{name} should hold {kind}.", name=name, kind=kind.__name__)
    if kind is int and not 0 <= int(value) < 2**63:
        raise InputError("{name} holds a number out of range.", name=name)


def tuple_of(name: str, values: Any, kind: type) -> tuple[Any, ...]:
    expect(name, values, list)
    for value in values:
        expect(name, value, kind)
    return tuple(values)


def nested(name: str, values: Any, kind: type) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple_of(name, row, kind) for row in tuple_of(name, values, list))


def pair(name: str, values: Any) -> tuple[int, int]:
    pair = tuple_of(name, values, int)
    if len(pair) != 2:
        raise InputError("{name} should hold two numbers.", name=name)
    return pair[0], pair[1]


def floats(name: str, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """An array of numbers; numpy alone would also take strings such as "1.5" and None, and give
    each string of a list as much memory as the longest one needs."""
    pending = [values]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError("{name} should hold numbers.", name=name)
    return np.array(values, dtype=np.float64)


class Arrays:
    """Large arrays beside a JSON document: their bytes one behind another, little-endian, rows
    first; the document says of each its shape, its type and where it begins."""

    def __init__(self, data: bytes = b"") -> None:
        self._data: bytes | bytearray = data or bytearray()
        self._unread = len(data)

    @property
    def data(self) -> bytes:
        """All arrays that were put in."""
        return bytes(self._data)

    def put(self, array: NDArray[Any]) -> dict[str, Any]:
        """Append an array; returns what the document says of it."""
        at = len(self._data)
        self._data += array.astype(array.dtype.newbyteorder("<")).tobytes()
        return {"shape": list(array.shape), "type": array.dtype.name, "at": at}

    def get(self, name: str, value: Any, kind: type) -> NDArray[Any]:
        """The array that a document speaks of, which must be of a numpy type.

        All together are no larger than the bytes that there are: a document cannot have the same
        ones many times.
        """
        expect(name, value, dict)
        dtype = np.dtype(kind)
        if set(value) != {"shape", "type", "at"} or value["type"] != dtype.name:
            raise InputError("{name} should be an array of {kind}.", name=name, kind=dtype.name)
        shape = tuple_of(name, value["shape"], int)
        expect(name, value["at"], int)
        # In Python's own numbers, which do not overflow.
        count = math.prod(shape)
        size = count * dtype.itemsize
        self._unread -= size
        if len(shape) > 4 or value["at"] + size > len(self._data) or self._unread < 0:
            raise InputError("{name} does not have the size that it says.", name=name)
        raw = memoryview(self._data)[value["at"] : value["at"] + size]
        return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
