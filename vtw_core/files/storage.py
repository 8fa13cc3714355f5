"""Results on disk: a safetensors file, packed by gzip.

``gzip -dc run.vtw > run.safetensors`` makes one that any reader of safetensors opens. Its tensors
are the result's arrays, each under the path of its field; the rest is one JSON text in its header,
under the format's name. The fields of a result's class are all that there is to a format
(`vtw_core.files.serialization`); the class itself checks what else must hold.

The comment of the gzip header says the format, its version and a digest of the whole file, so
that no byte can change unnoticed. Nothing is unpacked before its size is known; no pickle.
"""

import hashlib
import json
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from vtw_core.errors import InputError, Sentence, system_reason
from vtw_core.files.documents import parsed
from vtw_core.files.replacing import replace_file
from vtw_core.files.serialization import Tensors, deserialize, serialize
from vtw_core.files.tensors import read_tensors, tensor_bytes

R = TypeVar("R")
# gzip's magic, deflate, "a comment follows", no time, no hint, no system.
_MAGIC = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff"
_HEAD = re.compile(
    re.escape(_MAGIC)
    + rb"(?P<name>vtw-[a-z-]{1,30}) (?P<version>\d{1,20}) (?P<digest>[0-9a-f]{64})\0"
)
_LONGEST_HEAD = 160
_END = struct.Struct("<2L")  # CRC-32 and length of what is packed
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Format(Generic[R]):
    """One kind of result on disk.

    Attributes:
        name, version: as a file says them.
        kind: the class of the result.
        what: in a sentence, such as "saved run".
        writer: what writes such a file.
        again: how to get a file of this version, in a sentence.
        smaller: what to do where a result is too large for a file.
        most_header, most_array_bytes: of the header with its JSON, and of all arrays together.
        most_values: values of the JSON, since a few bytes of it can make a hundred in memory.
        older: the JSON and the arrays of a file of an earlier version, given its bytes and its
            name; None for what is none.
    """

    name: str
    version: int
    kind: type[R]
    what: Sentence
    writer: str
    again: Sentence
    smaller: Sentence
    older: Callable[[bytes, str], tuple[Any, Tensors] | None]
    most_header: int
    most_array_bytes: int
    most_values: int

    @property
    def most_bytes(self) -> int:
        """Of a file, packed or not."""
        return self.most_header + self.most_array_bytes

    def write(self, result: R, path: str | Path) -> Path:
        """Write a result and return the path.

        Raises:
            InputError: it cannot be written, or would be too large to be read back.
        """
        target = Path(path)
        packed = _packed(self, self._body(result))
        try:
            replace_file(target, packed)
        except OSError as error:
            raise InputError(
                "The {what} cannot be saved to {path}: {problem}.",
                what=self.what,
                path=target,
                problem=system_reason(error),
            ) from error
        return target

    def _body(self, result: R) -> bytes:
        try:
            document, tensors = serialize(result, self.most_array_bytes)
            text = json.dumps(document, separators=(",", ":"), allow_nan=False)
            body = tensor_bytes(tensors, {self.name: text})
            if len(body) - sum(one.nbytes for one in tensors.values()) > self.most_header:
                raise OverflowError
        except OverflowError as error:
            raise InputError(
                "The {what} takes more than {limit} MB, too much for one file; {advice}.",
                what=self.what,
                limit=self.most_bytes // 2**20,
                advice=self.smaller,
            ) from error
        except ValueError as error:  # JSON has no NaN
            raise InputError(
                "The {what} cannot be saved: it holds a number that is not finite.", what=self.what
            ) from error
        return body

    def read(self, path: str | Path) -> R:
        """Read a file of `write`, or of an earlier version.

        Raises:
            InputError: missing, damaged, too large, of another version, or holds values that
                cannot come from such a result.
        """
        source = Path(path)
        raw = _contents(source, self.most_bytes)
        document, tensors = _taken(self, raw, source.name)
        del raw
        with usable(source.name):
            return deserialize(self.kind, document, tensors)


@contextmanager
def usable(name: str) -> Iterator[None]:
    """Report errors in here as errors in the contents of a file."""
    try:
        yield
    except (
        ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise InputError("{name} cannot be used: {problem}", name=name, problem=error) from error


def unpacked_bytes(path: str | Path) -> int | None:
    """Bytes that a file unpacks to: 0 for a damaged one, of which nothing is unpacked; None for
    what is in no format of this version.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        head = _HEAD.match(file.read(_LONGEST_HEAD))
        if head is None or file.seek(0, os.SEEK_END) < head.end() + _END.size:
            return None
        file.seek(head.end())
        made = hashlib.sha256(head[0][: head.start("digest")])
        while piece := file.read(2**20):
            made.update(piece)
        # The length is at the end: that of a file which was cut is any number.
        if made.hexdigest().encode() != head["digest"]:
            return 0
        file.seek(-_END.size, os.SEEK_END)
        return int(_END.unpack(file.read())[1])


def _packed(form: Format[R], body: bytes) -> bytes:
    start = _MAGIC + f"{form.name} {form.version} ".encode()
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    rest = packer.compress(body) + packer.flush() + _END.pack(zlib.crc32(body), len(body))
    return start + _digest(start, rest) + b"\0" + rest


def _digest(start: bytes, rest: bytes | memoryview) -> bytes:
    made = hashlib.sha256(start)
    made.update(rest)
    return made.hexdigest().encode()


def _contents(source: Path, most_bytes: int) -> bytes:
    try:
        with source.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except FileNotFoundError as error:
        raise InputError("There is no file {path}.", path=source) from error
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {problem}.", path=source, problem=system_reason(error)
        ) from error
    if len(raw) > most_bytes:
        raise InputError(
            "{name} is larger than {limit} MB.", name=source.name, limit=most_bytes // 2**20
        )
    return raw


def _taken(form: Format[R], raw: bytes, name: str) -> tuple[Any, Tensors]:
    """The JSON and the arrays of a file's bytes, still unchecked."""
    head = _HEAD.match(raw)
    found = form.older(raw, name) if head is None else None
    if found is not None:
        return found
    if head is None or head["name"].decode() != form.name:
        raise not_one(name, form.what, form.writer)
    if int(head["version"]) > form.version:
        raise InputError(
            "{name} was saved in format version {version}, this program reads versions up to "
            "{own}; {advice}.",
            name=name,
            version=head["version"].decode(),
            own=form.version,
            advice=form.again,
        )
    if _digest(raw[: head.start("digest")], memoryview(raw)[head.end() :]) != head["digest"]:
        raise InputError(
            "{name} is damaged: its contents are not those that were saved.", name=name
        )
    body = _unpacked(form, raw, name)
    metadata, tensors = read_tensors(body, name, form.most_header, form.most_values)
    text = metadata.get(form.name) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise not_one(name, form.what, form.writer)
    return parsed(text.encode("utf-8", "surrogatepass"), name, form.most_values), tensors


def _unpacked(form: Format[R], raw: bytes, name: str) -> bytes:
    _, length = _END.unpack(raw[-_END.size :])
    if length > form.most_bytes:
        raise InputError(
            "{name} holds more than {limit} MB of data.", name=name, limit=form.most_bytes // 2**20
        )
    unpacker = zlib.decompressobj(_GZIP)
    try:
        # One byte more, so that it comes to the end of what is as long as it says.
        body = unpacker.decompress(raw, length + 1)
    except zlib.error as error:
        raise _damaged(name, form.what) from error
    if len(body) != length or not unpacker.eof or unpacker.unused_data:
        raise _damaged(name, form.what)
    return body


def not_one(name: str, what: Sentence, writer: str) -> InputError:
    """For a file that is something else."""
    return InputError(
        "{name} is not a {what}; choose a file that {writer} wrote.",
        name=name,
        what=what,
        writer=writer,
    )


def _damaged(name: str, what: Sentence) -> InputError:
    return InputError("{name} is not a {what}, or it is damaged.", name=name, what=what)
