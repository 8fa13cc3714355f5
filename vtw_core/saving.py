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

from vtw_core.documents import expect, floats, nested, pair, refuse_constant, tuple_of
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
        document = json.loads(text, parse_constant=refuse_constant)
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


def _build(data: Any) -> Run:
    if not isinstance(data, dict) or set(data) != set(RUN_FIELDS):
        raise ValueError("its fields are not those of a run.")
    for name in _STRINGS:
        expect(name, data[name], str)
    for name in _INTEGERS:
        expect(name, data[name], int)
    seconds = data["seconds"]
    expect("seconds", seconds, dict)
    return Run(
        **{name: data[name] for name in (*_STRINGS, *_INTEGERS)},
        image_size=pair("image_size", data["image_size"]),
        grid=pair("grid", data["grid"]),
        tokens=tuple_of("tokens", data["tokens"], str),
        segments=tuple_of("segments", data["segments"], str),
        answers=tuple_of("answers", data["answers"], str),
        answer_tokens=nested("answer_tokens", data["answer_tokens"], str),
        answer_ids=nested("answer_ids", data["answer_ids"], int),
        stopped=tuple_of("stopped", data["stopped"], bool),
        sampling=_sampling(data["sampling"]),
        first_tokens=nested("first_tokens", data["first_tokens"], str),
        first_probabilities=floats("first_probabilities", data["first_probabilities"]),
        kl_positions=floats("kl_positions", data["kl_positions"]),
        kl_positions_reverse=floats("kl_positions_reverse", data["kl_positions_reverse"]),
        flops=floats("flops", data["flops"]),
        kv_bytes=np.array(tuple_of("kv_bytes", data["kv_bytes"], int), dtype=np.int64),
        seconds=Seconds(
            encode_image=float(floats("seconds", seconds["encode_image"])),
            prefill=floats("seconds", seconds["prefill"]),
            decode=floats("seconds", seconds["decode"]),
            kl_curve=float(floats("seconds", seconds["kl_curve"])),
            answers=float(floats("seconds", seconds["answers"])),
            total=float(floats("seconds", seconds["total"])),
        ),
        versions=tuple(
            (key, version) for key, version in nested("versions", data["versions"], str)
        ),
    )


def _sampling(data: Any) -> Sampling:
    expect("sampling", data, dict)
    if set(data) != {"temperature", "top_p", "seed"}:
        raise ValueError("sampling should hold temperature, top_p and seed.")
    return Sampling(**data)
