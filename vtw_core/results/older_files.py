"""Files of earlier format versions, as the JSON and arrays that this version reads.

Until `vtw_core.files.storage`, runs and comparisons of methods were zip archives of a JSON document
and the bytes of the large arrays; calibrations and comparisons over questions were JSON with a
digest at its end. What a version did not record stays empty; no number is made up.
"""

import hashlib
import io
import math
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vtw_core.errors import InputError
from vtw_core.files.documents import parsed
from vtw_core.files.serialization import Tensors, check_scalar
from vtw_core.files.storage import usable
from vtw_core.machine.memory import is_out_of_memory

Contents = tuple[Any, Tensors]

FIRST_LAYERS_NEEDED = ("qwen3_vl",)
"""Families that add visual features after their first layers: before, no K can be withdrawn at."""

_ARRAYS_ENTRY = "arrays.bin"
# The end of central directory, without a comment; before it, in a zip64, is its locator.
_LAST_RECORD = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES = 20
_MOST_VALUES = 500_000
_MOST_DOCUMENT_VALUES = 32_000_000
_DIGEST = re.compile(rb',\s*"sha256": "([0-9a-f]{64})"\s*\}\s*\Z')
_LONGEST_END = 200
_FILTER = re.compile(
    r"(?P<entry>entries\.(?P<number_of_entry>[0-9]+))\.fates\.filters\.(?P<number>[0-9]+)\.fate"
)
_SCORES = ("share", "peak")
_FILTER_REASONS = (
    "had left before",
    "fell: below both thresholds",
    "stayed: at or over both thresholds",
    "stayed: its share of all attention is gamma or more",
    "stayed: one text row gives it alpha or more",
    "below both thresholds, but in the key set",
)
"""Of files that kept the fates of one strategy alone, under its name."""
_DIRECTIONS = ("withdrawn_full", "full_withdrawn")
_SCOPES = ("first_token", "answer_mean", "answer_max")


def run(raw: bytes, name: str) -> Contents | None:
    """Of a saved run of version 1 to 3; None for what is none.

    Raises:
        InputError: it is damaged, too large, or of a version that cannot be brought up.
    """
    found = _archive(raw, name, "run", 3, most_json=16 * 2**20, most_arrays=64 * 2**20)
    with usable(name):
        return None if found is None else _run(*found)


def _run(document: dict[str, Any], arrays: bytes, version: int) -> Contents:
    if version == 1:
        document = _second_run(document)
    if version < 3:
        document = document | {"inside": None}
    document, tensors = _with_tensors(document, arrays)
    inside = document["inside"]
    if inside is not None:
        inside["lens"]["pieces"] = dict(inside["lens"]["pieces"])
    return document, tensors


def _second_run(run: dict[str, Any]) -> dict[str, Any]:
    """Answers were greedy, positions kept, and at each K decoded one after the other; the likeliest
    first tokens were not kept, nor from which K on the model can do without the image."""
    seconds, answers = run["seconds"], run["answers"]
    check_scalar("seconds", seconds, dict)
    check_scalar("answers", answers, list)
    return run | {
        "k_min": _k_min(run),
        "sampling": {"temperature": 0.0, "top_p": 1.0, "seed": 0},
        "positions": "keep",
        "first_tokens": [[] for _ in answers],
        "first_probabilities": [[] for _ in answers],
        "seconds": seconds | {"answers": sum(seconds["decode"])},
    }


def comparison(raw: bytes, name: str) -> Contents | None:
    """Of a comparison of methods of version 1; otherwise like `run`."""
    found = _archive(raw, name, "comparison", 1, most_json=8 * 2**20, most_arrays=48 * 2**20)
    with usable(name):
        return None if found is None else _comparison(*found)


def _comparison(document: dict[str, Any], arrays: bytes, version: int) -> Contents:
    document, tensors = _with_tensors(document, arrays)
    for entry in (document["baseline"], *document["entries"]):
        entry["fates"] = entry.pop("mustdrop")
        if entry["fates"] is not None:
            for count in ("visual_tokens_per_layer", "cached_visual_tokens_per_layer"):
                entry["fates"][count] = entry[count]
            entry["fates"]["decisions"] = [
                {"layer": one["layer"], "reasons": list(_FILTER_REASONS), "names": list(_SCORES)}
                for one in entry["fates"].pop("filters")
            ]
    tensors = {path.replace(".mustdrop.", ".fates."): one for path, one in tensors.items()}
    tensors = _scored(document, tensors)
    keys = {path: one for path, one in tensors.items() if path.endswith(".fates.key")}
    if not all(np.isin(one, (0, 1)).all() for one in keys.values()):
        raise InputError("key should say of each token whether it is in the key set.")
    return document, tensors | {path: one.astype(np.bool_) for path, one in keys.items()}


def _scored(document: dict[str, Any], tensors: Tensors) -> Tensors:
    """Of each filter one array of its scores, and what they were compared with."""
    found = {path: one for path, one in tensors.items() if ".fates.filters." not in path}
    for path, fate in tensors.items():
        at = _FILTER.fullmatch(path)
        if at is None:
            continue
        where = f"{at['entry']}.fates.decisions.{at['number']}"
        filters = f"{at['entry']}.fates.filters.{at['number']}"
        scores = [tensors.get(f"{filters}.{name}") for name in _SCORES]
        if any(one is None or one.dtype != np.float64 or one.shape != fate.shape for one in scores):
            raise _wrong_size(where)
        strategy = document["entries"][int(at["number_of_entry"])]["strategy"]
        for name in ("gamma", "alpha"):
            check_scalar(name, strategy[name], float)
        found[f"{where}.fate"] = fate
        found[f"{where}.scores"] = np.stack([one for one in scores if one is not None])
        found[f"{where}.thresholds"] = np.array([strategy["gamma"], strategy["alpha"]], np.float64)
    return found


def calibration(raw: bytes, name: str) -> Contents | None:
    """Of a calibration of version 1 or 2; otherwise like `run`."""
    document = _document(raw, name, "vtw-calibration", 2)
    with usable(name):
        return None if document is None else (_calibration(document), {})


def _calibration(document: dict[str, Any]) -> dict[str, Any]:
    check_scalar("samples", document["samples"], list)
    return {
        "setting": document["setting"],
        "samples": [_sample(one) for one in document["samples"]],
        "k_min": _k_min({**document["setting"], **document}),
    }


def explored(record: Any) -> Any:
    """The record of a calibration's sample in a shard, of any version, as this one has it."""
    is_older = isinstance(record, dict) and "sample" in record and "setting" in record
    if not is_older:
        return record
    return record | {
        "sample": _sample(record["sample"]), "k_min": _k_min({**record["setting"], **record})
    }  # fmt: skip


def _sample(sample: dict[str, Any]) -> dict[str, Any]:
    """Curves lay under the names of their directions and scopes; what was right was written."""
    kl = sample["kl"]
    if isinstance(kl, dict):
        kl = [[kl[direction][scope] for scope in _SCOPES] for direction in _DIRECTIONS]
    return {key: value for key, value in sample.items() if key != "right"} | {"kl": kl}


def budget(raw: bytes, name: str) -> Contents | None:
    """Of a comparison over questions of version 1 or 2; otherwise like `run`."""
    document = _document(raw, name, "vtw-equal-budget", 2)
    if document is None:
        return None
    return {
        key: value for key, value in document.items() if key not in ("format", "version", "sha256")
    }, {}


def unpacked_bytes(path: str | Path) -> int:
    """Bytes that the members of an archive say they expand to; 0 for what is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    except Exception:  # of many kinds, as in `_members`
        return 0


def _k_min(document: Mapping[str, Any]) -> Any:
    """From which K on the model can do without the image; early versions did not write it."""
    if "k_min" in document:
        return document["k_min"]
    if document["model_type"] in FIRST_LAYERS_NEEDED:
        raise InputError("it does not say from which K on its model can do without the image.")
    return 0


def _archive(
    raw: bytes, name: str, key: str, newest: int, most_json: int, most_arrays: int
) -> tuple[dict[str, Any], bytes, int] | None:
    """The result's JSON, the bytes of its arrays and the version of an archive."""
    if not _ends_as_ours(raw):
        return None
    limits = {f"{key}.json": most_json, _ARRAYS_ENTRY: most_arrays}
    found = _members(raw, name, limits)
    if found is None:
        return None
    document = parsed(found[f"{key}.json"], name, _MOST_VALUES)
    if not isinstance(document, dict) or document.get("format") != f"vtw-{key}":
        return None
    _check_version(document.get("version"), newest, name)
    check_scalar(key, document.get(key), dict)
    return document[key], found.get(_ARRAYS_ENTRY, b""), document["version"]


def _members(raw: bytes, name: str, limits: dict[str, int]) -> dict[str, bytes] | None:
    """The members; nothing is expanded before all are known to fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            # The earliest versions had no arrays, and no member for them.
            if archive.namelist() not in (list(limits)[:1], list(limits)):
                return None
            for entry in archive.infolist():
                # zipfile reads no more of a member than its header says.
                if entry.file_size > limits[entry.filename]:
                    raise InputError(
                        "{name} holds more than {limit} MB of data.",
                        name=name,
                        limit=limits[entry.filename] // 2**20,
                    )
            return {entry: archive.read(entry) for entry in archive.namelist()}
    except InputError:
        raise
    # zipfile and zlib raise many kinds of error on a hostile archive (zlib.error, EOFError,
    # NotImplementedError for an unknown method, RuntimeError for an encrypted entry).
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError("{name} is damaged: its contents cannot be read.", name=name) from error


def _ends_as_ours(raw: bytes) -> bool:
    """Whether a zip's last record lists at most two entries in a short directory and has no
    comment.

    zipfile makes an object of each entry, so a small file that lists a million takes much memory.
    """
    end = raw[-_LAST_RECORD.size :]
    locator = raw[-_LAST_RECORD.size - _LOCATOR_BYTES : -_LAST_RECORD.size]
    if len(end) != _LAST_RECORD.size or locator.startswith(b"PK\x06\x07"):
        return False
    mark, *_, entries, directory_bytes, _, comment_bytes = _LAST_RECORD.unpack(end)
    ours = mark == b"PK\x05\x06" and entries in (1, 2) and not comment_bytes
    return ours and directory_bytes < 1024


def _with_tensors(document: dict[str, Any], raw: bytes) -> Contents:
    """The JSON without its descriptions of arrays, and these arrays, each under its field's path.

    All together are no larger than the bytes that there are: a document cannot have the same ones
    many times.
    """
    tensors: Tensors = {}
    left = len(raw)

    def walk(value: Any, path: str) -> Any:
        nonlocal left
        if isinstance(value, dict) and value.keys() == {"shape", "type", "at"}:
            tensors[path], used = _array(value, raw, path)
            left -= used
            if left < 0:
                raise _wrong_size(path)
            return None
        inner = path and f"{path}."
        if isinstance(value, dict):
            made = {key: walk(one, f"{inner}{key}") for key, one in value.items()}
            return {key: one for key, one in made.items() if f"{inner}{key}" not in tensors}
        if isinstance(value, list) and any(isinstance(one, dict) for one in value):
            return [walk(one, f"{inner}{number}") for number, one in enumerate(value)]
        return value

    return walk(document, ""), tensors


def _array(entry: dict[str, Any], raw: bytes, path: str) -> tuple[np.ndarray[Any, Any], int]:
    """An array as a document describes it: its shape, its type and where it begins; its bytes."""
    try:
        dtype, shape, at = np.dtype(entry["type"]), entry["shape"], entry["at"]
        whole = all(type(one) is int and one >= 0 for one in (*shape, at))
    except (TypeError, ValueError) as error:
        raise _wrong_size(path) from error
    # In Python's own numbers, which do not overflow.
    size = math.prod(shape) * dtype.itemsize if whole else 0
    if not whole or dtype.kind not in "fib" or len(shape) > 4 or at + size > len(raw):
        raise _wrong_size(path)
    array = np.frombuffer(memoryview(raw)[at : at + size], dtype.newbyteorder("<"))
    return array.astype(dtype, copy=False).reshape(shape), size


def _wrong_size(path: str) -> InputError:
    return InputError("{name} does not have the size that it declares.", name=path)


def _document(raw: bytes, name: str, form: str, newest: int) -> dict[str, Any] | None:
    """A JSON object with a digest of itself at its end; only version 1 had none."""
    if not raw.lstrip().startswith(b"{"):
        return None
    document = parsed(raw, name, _MOST_DOCUMENT_VALUES)
    if not isinstance(document, dict) or document.get("format") != form:
        return None
    version = document.get("version")
    _check_version(version, newest, name)
    found = _DIGEST.search(raw, max(0, len(raw) - _LONGEST_END))
    digest = found and hashlib.sha256(memoryview(raw)[: found.start()]).hexdigest().encode()
    is_whole = found is not None and found[1] == digest
    if not (is_whole or (version == 1 and "sha256" not in document)):
        raise InputError(
            "{name} is damaged: its contents are not those that were saved.", name=name
        )
    return document


def _check_version(version: Any, newest: int, name: str) -> None:
    if type(version) is not int or not 1 <= version <= newest:
        raise InputError(
            "{name} is of no version that this kind of file ever had; save it again.", name=name
        )
