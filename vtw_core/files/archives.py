"""Results on disk: a zip that holds one JSON document and the bytes of the large arrays.

No pickle and no array headers; what a document says is checked by whoever builds a result of it.
JSON keeps float64 exactly.
"""

import json
import os
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError, Sentence, system_reason
from vtw_core.files.documents import Arrays, parsed
from vtw_core.files.replacing import replacing
from vtw_core.machine.memory import is_out_of_memory

ARRAYS_ENTRY = "arrays.bin"
# The end of central directory, without a comment; before it, in a zip64, stands its locator.
_LAST_RECORD = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES = 20
# Two bytes of JSON make a list of 56, five a string of 51: a value takes some 100 bytes at most.
# The largest runs (80 layers, a thousand tokens of each answer) have some 300 000.
_MOST_VALUES = 500_000


@dataclass(frozen=True)
class ArchiveKind:
    """One kind of result on disk.

    Attributes:
        format, version: as its document says; documents of earlier versions are read too.
        entry: the document's name in the zip.
        key: where in the document the result is.
        name: in a sentence, such as "saved run".
        writer: what writes such a file.
        max_json_bytes, max_array_bytes: what each member may expand to.
    """

    format: str
    version: int
    entry: str
    key: Sentence
    name: Sentence
    writer: str
    max_json_bytes: int
    max_array_bytes: int


def write_archive(kind: ArchiveKind, document: Any, arrays: Arrays, path: str | Path) -> Path:
    """Write a result's document and return the path; raises InputError if it cannot be written."""
    target = Path(path)
    text = json.dumps({"format": kind.format, "version": kind.version, kind.key: document})
    try:
        with (
            replacing(target) as file,
            zipfile.ZipFile(file, "w", compression=zipfile.ZIP_DEFLATED) as archive,
        ):
            archive.writestr(kind.entry, text)
            archive.writestr(ARRAYS_ENTRY, arrays.data)
    except OSError as error:
        raise InputError(
            "The {what} cannot be saved to {path}: {problem}.",
            what=kind.key,
            path=target,
            problem=system_reason(error),
        ) from error
    return target


def read_archive(kind: ArchiveKind, path: str | Path) -> tuple[Any, Arrays, int]:
    """The result's document, still unchecked, its arrays, and the document's version; raises
    InputError for any other file."""
    name = Path(path).name
    raw, arrays = _read_entries(kind, Path(path))
    document = parsed(raw, name, _MOST_VALUES)
    if not isinstance(document, dict) or document.get("format") != kind.format:
        raise InputError(
            "{name} is not a {what}; choose a file that {writer} wrote.",
            name=name,
            what=kind.name,
            writer=kind.writer,
        )
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= kind.version:
        raise InputError(
            "{name} was saved in format version {version}, this program reads versions up to "
            "{own}; record the {what} again.",
            name=name,
            version=str(version)[:20],
            own=kind.version,
            what=kind.key,
        )
    return document.get(kind.key), arrays, version


def _read_entries(kind: ArchiveKind, path: Path) -> tuple[bytes, Arrays]:
    """The JSON and the arrays in the archive; nothing is expanded before both are known to fit."""
    other = InputError(
        "{name} is not a {what}; choose a file that {writer} wrote.",
        name=path.name,
        what=kind.name,
        writer=kind.writer,
    )
    try:
        if not _ends_as_ours(path):
            raise other
        with zipfile.ZipFile(path) as archive:
            # Earlier versions had no arrays, and no member for them.
            if archive.namelist() not in ([kind.entry], [kind.entry, ARRAYS_ENTRY]):
                raise other
            for entry, limit in zip(
                archive.infolist(), (kind.max_json_bytes, kind.max_array_bytes), strict=False
            ):
                # zipfile reads no more of a member than its header says.
                if entry.file_size > limit:
                    raise InputError(
                        "{name} holds more than {limit} MB of data.",
                        name=path.name,
                        limit=limit // 2**20,
                    )
            has_arrays = ARRAYS_ENTRY in archive.namelist()
            arrays = Arrays(archive.read(ARRAYS_ENTRY)) if has_arrays else Arrays()
            return archive.read(kind.entry), arrays
    except FileNotFoundError as error:
        raise InputError("There is no file {path}.", path=path) from error
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {problem}.", path=path, problem=system_reason(error)
        ) from error
    except InputError:
        raise
    # zipfile and zlib raise many kinds of error on a hostile archive (zlib.error, EOFError,
    # NotImplementedError for an unknown method, RuntimeError for an encrypted entry).
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            "{name} is not a {what}, or it is damaged.", name=path.name, what=kind.name
        ) from error


def _ends_as_ours(path: Path) -> bool:
    """Whether the zip's last record lists at most two entries in a short directory and has no
    comment.

    zipfile makes an object of each entry, so a small file that lists a million takes much memory.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LOCATOR_BYTES - _LAST_RECORD.size))
        locator, record = file.read(_LOCATOR_BYTES), file.read()
    if len(record) != _LAST_RECORD.size or locator.startswith(b"PK\x06\x07"):
        return False
    mark, *_, entries, directory_bytes, _, comment_bytes = _LAST_RECORD.unpack(record)
    ours = mark == b"PK\x05\x06" and entries in (1, 2) and not comment_bytes
    return ours and directory_bytes < 1024
