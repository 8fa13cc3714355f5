"""Runs on disk: a zip that holds one JSON document.

No pickle and no array headers: every value is checked for its type before it is used, and
`Run` itself checks that lengths and values fit together. JSON keeps float64 exactly.
"""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vtw_core.errors import InputError
from vtw_core.results import RUN_FIELDS, Run, Seconds
from vtw_core.sampling import Sampling

FORMAT = "vtw-run"
FORMAT_VERSION = 2
ENTRY = "run.json"
# The largest runs (80 layers, hundreds of answer tokens) stay under 10 MB of JSON.
MAX_JSON_BYTES = 32 * 2**20

_STRINGS = ("model", "model_type", "prompt", "flops_convention", "dtype", "device", "created",
            "positions")  # fmt: skip
_INTEGERS = (
    "layers",
    "k_min",
    "visual_tokens",
    "text_tokens",
    "max_new_tokens",
    "kv_bytes_per_layer",
)
_NESTED = ("sampling", "seconds")


def save_run(run: Run, path: str | Path) -> Path:
    """Write `run` to `path` and return it; raises InputError if that cannot be written."""
    target = Path(path)
    document = {name: _plain(getattr(run, name)) for name in RUN_FIELDS if name not in _NESTED} | {
        "sampling": run.sampling.describe(),
        "seconds": {name: _plain(value) for name, value in asdict(run.seconds).items()},
    }
    text = json.dumps({"format": FORMAT, "version": FORMAT_VERSION, "run": document})
    try:
        with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(ENTRY, text)
    except OSError as error:
        raise InputError(f"The run cannot be saved to {target}: {error.strerror}.") from error
    return target


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def read_run(path: str | Path) -> Run:
    """Read a file of `save_run`; raises InputError for anything that is not one."""
    name = Path(path).name
    text = _read_entry(Path(path))
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is damaged: its contents cannot be read.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{name} is not a saved run; choose a file that Run.save wrote.")
    if document.get("version") != FORMAT_VERSION:
        raise InputError(
            f"{name} was saved in format version {str(document.get('version'))[:20]}, this "
            f"program reads version {FORMAT_VERSION}; record the run again."
        )
    try:
        return _build(document.get("run"))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError(f"{name} cannot be used: {error}") from error


def _read_entry(path: Path) -> str:
    """The JSON text in the archive, never more than MAX_JSON_BYTES of it in memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist() != [ENTRY]:
                raise InputError(
                    f"{path.name} is not a saved run; choose a file that Run.save wrote."
                )
            # The size in the header may lie, so the read itself is bounded as well.
            with archive.open(ENTRY) as entry:
                raw = entry.read(MAX_JSON_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except InputError:
        raise
    # zipfile and zlib raise many kinds of error on a hostile archive (zlib.error, EOFError,
    # NotImplementedError for an unknown method, RuntimeError for an encrypted entry).
    except Exception as error:
        raise InputError(f"{path.name} is not a saved run, or it is damaged.") from error
    if len(raw) > MAX_JSON_BYTES:
        raise InputError(f"{path.name} holds more than {MAX_JSON_BYTES // 2**20} MB of data.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is damaged: its contents cannot be read.") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number a run can hold")


def _build(data: Any) -> Run:
    if not isinstance(data, dict) or set(data) != set(RUN_FIELDS):
        raise ValueError("its fields are not those of a run.")
    for name in _STRINGS:
        _expect(name, data[name], str)
    for name in _INTEGERS:
        _expect(name, data[name], int)
    seconds = data["seconds"]
    _expect("seconds", seconds, dict)
    return Run(
        **{name: data[name] for name in (*_STRINGS, *_INTEGERS)},
        image_size=_pair("image_size", data["image_size"]),
        grid=_pair("grid", data["grid"]),
        tokens=_tuple("tokens", data["tokens"], str),
        segments=_tuple("segments", data["segments"], str),
        answers=_tuple("answers", data["answers"], str),
        answer_tokens=_nested("answer_tokens", data["answer_tokens"], str),
        answer_ids=_nested("answer_ids", data["answer_ids"], int),
        stopped=_tuple("stopped", data["stopped"], bool),
        sampling=_sampling(data["sampling"]),
        first_tokens=_nested("first_tokens", data["first_tokens"], str),
        first_probabilities=_floats("first_probabilities", data["first_probabilities"]),
        kl_positions=_floats("kl_positions", data["kl_positions"]),
        kl_positions_reverse=_floats("kl_positions_reverse", data["kl_positions_reverse"]),
        flops=_floats("flops", data["flops"]),
        kv_bytes=np.array(_tuple("kv_bytes", data["kv_bytes"], int), dtype=np.int64),
        seconds=Seconds(
            encode_image=float(_floats("seconds", seconds["encode_image"])),
            prefill=_floats("seconds", seconds["prefill"]),
            decode=_floats("seconds", seconds["decode"]),
            kl_curve=float(_floats("seconds", seconds["kl_curve"])),
            answers=float(_floats("seconds", seconds["answers"])),
            total=float(_floats("seconds", seconds["total"])),
        ),
        versions=tuple(
            (key, version) for key, version in _nested("versions", data["versions"], str)
        ),
    )


def _sampling(data: Any) -> Sampling:
    _expect("sampling", data, dict)
    if set(data) != {"temperature", "top_p", "seed"}:
        raise ValueError("sampling should hold temperature, top_p and seed.")
    return Sampling(**data)


def _expect(name: str, value: Any, kind: type[Any]) -> None:
    # bool is an int to isinstance, but True is no count.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{name} should hold {kind.__name__}.")
    if kind is int and not 0 <= int(value) < 2**63:
        raise ValueError(f"{name} holds a number out of range.")


def _tuple(name: str, values: Any, kind: type) -> tuple[Any, ...]:
    _expect(name, values, list)
    for value in values:
        _expect(name, value, kind)
    return tuple(values)


def _nested(name: str, values: Any, kind: type) -> tuple[tuple[Any, ...], ...]:
    return tuple(_tuple(name, row, kind) for row in _tuple(name, values, list))


def _pair(name: str, values: Any) -> tuple[int, int]:
    pair = _tuple(name, values, int)
    if len(pair) != 2:
        raise ValueError(f"{name} should hold two numbers.")
    return pair[0], pair[1]


def _floats(name: str, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """An array of numbers; numpy alone would also take strings such as "1.5" and None."""
    array = np.array(values)
    if array.dtype.kind not in "fi" or array.dtype == object:
        raise TypeError(f"{name} should hold numbers.")
    return array.astype(np.float64)
