"""Runs on disk, as archives (`vtw_core.files.archives`).

Every value is checked for its type before it is used, and `Run` itself checks that lengths and
values fit together.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vtw_core.errors import InputError, Sentence
from vtw_core.files.archives import ArchiveKind, read_archive, write_archive
from vtw_core.files.documents import Arrays, expect, floats, nested, pair, tuple_of
from vtw_core.results.inside import (
    ATTENTION_ARRAYS,
    COUNTERFACTUAL_ARRAYS,
    INSIDE_ARRAYS,
    LENS_ARRAYS,
    Attention,
    Counterfactual,
    Inside,
    Lens,
)
from vtw_core.results.older_runs import brought_up
from vtw_core.results.run import RUN_FIELDS, Run, Seconds
from vtw_core.results.sampling import Sampling

KIND = ArchiveKind(
    format="vtw-run",
    version=3,
    entry="run.json",
    key=Sentence("run"),
    name=Sentence("saved run"),
    writer="Run.save",
    # The largest runs (80 layers, hundreds of answer tokens) stay under 10 MB of JSON.
    max_json_bytes=16 * 2**20,
    # 32 layers, 3000 visual and 150 text tokens take 30 MB.
    max_array_bytes=64 * 2**20,
)

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
_NESTED = ("sampling", "seconds", "inside")


def save_run(run: Run, path: str | Path) -> Path:
    """Write `run` to `path` and return it.

    Raises:
        InputError: it cannot be written, or the run has no seconds at every K.
    """
    if not run.seconds.are_at_every_k:
        raise InputError("A run whose layers were not timed cannot be saved; explore it timed.")
    arrays = Arrays()
    plain = {name: _plain(getattr(run, name)) for name in RUN_FIELDS if name not in _NESTED}
    document: dict[str, Any] = plain | {
        "sampling": run.sampling.describe(),
        "seconds": {name: _plain(value) for name, value in asdict(run.seconds).items()},
        "inside": None if run.inside is None else _inside_document(run.inside, arrays),
    }
    # Runs of one picture read the same before and after there were several.
    if not run.further_images:
        del document["further_images"]
    return write_archive(KIND, document, arrays, path)


def _inside_document(inside: Inside, arrays: Arrays) -> dict[str, Any]:
    def put(record: Any, kinds: dict[str, type]) -> dict[str, Any]:
        return {name: arrays.put(getattr(record, name)) for name in kinds}

    several = {"images": list(inside.images)} if any(inside.images) else {}
    pieces = [[str(token), piece] for token, piece in inside.lens.pieces.items()]
    return {
        **put(inside, INSIDE_ARRAYS),
        **several,
        "grids": [list(grid) for grid in inside.grids],
        "attention": put(inside.attention, ATTENTION_ARRAYS),
        "lens": {**put(inside.lens, LENS_ARRAYS), "pieces": pieces},
        "counterfactuals": [
            {"name": test.name, **put(test, COUNTERFACTUAL_ARRAYS)}
            for test in inside.counterfactuals
        ],
    }


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def read_run(path: str | Path) -> Run:
    """Read a file of `save_run`; raises InputError for anything that is not one."""
    data, arrays, version = read_archive(KIND, path)
    try:
        return _build(brought_up(data, version), arrays)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError(
            "{name} cannot be used: {problem}", name=Path(path).name, problem=error
        ) from error


def _build(data: Any, arrays: Arrays) -> Run:
    if isinstance(data, dict):
        data = {"further_images": [], **data}
    if not isinstance(data, dict) or set(data) != set(RUN_FIELDS):
        raise InputError("its fields are not those of a run.")
    for name in _STRINGS:
        expect(name, data[name], str)
    for name in _INTEGERS:
        expect(name, data[name], int)
    seconds = data["seconds"]
    expect("seconds", seconds, dict)
    return Run(
        **{name: data[name] for name in (*_STRINGS, *_INTEGERS)},
        image_size=pair("image_size", data["image_size"]),
        further_images=tuple(
            pair("further_images", size)
            for size in tuple_of("further_images", data["further_images"], list)
        ),
        grid=pair("grid", data["grid"]),
        tokens=tuple_of("tokens", data["tokens"], str),
        segments=tuple_of("segments", data["segments"], str),
        answers=tuple_of("answers", data["answers"], str),
        answer_tokens=nested("answer_tokens", data["answer_tokens"], str),
        answer_ids=nested("answer_ids", data["answer_ids"], int),
        stopped=tuple_of("stopped", data["stopped"], bool),
        sampling=sampling_of(data["sampling"]),
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
        inside=None if data["inside"] is None else _inside(data["inside"], arrays),
        versions=tuple(
            (key, version) for key, version in nested("versions", data["versions"], str)
        ),
    )


def _inside(data: Any, arrays: Arrays) -> Inside:
    def get(name: str, part: Any, kinds: dict[str, type], *others: str) -> dict[str, Any]:
        expect(name, part, dict)
        if set(part) != {*kinds, *others}:
            raise InputError("the fields of its {name} are not those of a run.", name=name)
        return {key: arrays.get(key, part[key], kind) for key, kind in kinds.items()}

    if isinstance(data, dict):
        data = {"images": [], **data}
    own = get(
        "inside", data, INSIDE_ARRAYS, "grids", "images", "attention", "lens", "counterfactuals"
    )
    lens = get("lens", data["lens"], LENS_ARRAYS, "pieces")
    tests = []
    for test in tuple_of("counterfactuals", data["counterfactuals"], dict):
        kept = get("counterfactual", test, COUNTERFACTUAL_ARRAYS, "name")
        expect("name", test["name"], str)
        tests.append(Counterfactual(name=test["name"], **kept))
    return Inside(
        **own,
        grids=tuple(pair("grids", grid) for grid in tuple_of("grids", data["grids"], list)),
        attention=Attention(**get("attention", data["attention"], ATTENTION_ARRAYS)),
        lens=Lens(**lens, pieces=_pieces(data["lens"]["pieces"])),
        counterfactuals=tuple(tests),
        images=tuple_of("images", data["images"], int),
    )


def _pieces(values: Any) -> dict[int, str]:
    pieces = {}
    for row in nested("pieces", values, str):
        if len(row) != 2 or not row[0].isdecimal() or len(row[0]) > 18:
            raise InputError("pieces should hold pairs of a token's id and its text.")
        pieces[int(row[0])] = row[1]
    return pieces


def sampling_of(data: Any) -> Sampling:
    """Sampling as `Sampling.describe` wrote it; TypeError or ValueError if it is not."""
    expect("sampling", data, dict)
    if set(data) != {"temperature", "top_p", "seed"}:
        raise InputError("sampling should hold temperature, top_p and seed.")
    return Sampling(**data)
