"""Comparisons of methods on disk, as archives (`vtw_core.files.archives`).

Every value is checked for its type before it is used, and `MethodComparison` itself checks that
lengths and values fit together.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from vtw_core.errors import InputError, Sentence
from vtw_core.files.archives import ArchiveKind, read_archive, write_archive
from vtw_core.files.documents import Arrays, expect, floats, nested, tuple_of
from vtw_core.results.comparison import MethodComparison, MethodEntry, MethodSeconds, VisionCounts
from vtw_core.results.fates import LayerFates, TokenFates
from vtw_core.results.run_saving import sampling_of

KIND = ArchiveKind(
    format="vtw-comparison",
    version=1,
    entry="comparison.json",
    key=Sentence("comparison"),
    name=Sentence("saved comparison of methods"),
    writer="MethodComparison.save",
    max_json_bytes=8 * 2**20,
    # Thirty methods over 10 000 visual tokens and four filters take 25 MB.
    max_array_bytes=48 * 2**20,
)

_STRINGS = ("model", "model_type", "prompt", "flops_convention", "dtype", "device", "created")
_INTEGERS = ("layers", "visual_tokens", "text_tokens", "max_new_tokens")
_ENTRY_KL = ("kl_positions", "kl_positions_reverse")
_ENTRY_COUNTS = ("token_ids", "visual_tokens_per_layer", "cached_visual_tokens_per_layer")
_FATE_ARRAYS: dict[str, type] = {
    "fate": np.int8,
    "scores": np.float64,
    "thresholds": np.float64,
}
_OLDER_REASONS = (
    "had left before",
    "fell: below both thresholds",
    "stayed: at or over both thresholds",
    "stayed: its share of all attention is gamma or more",
    "stayed: one text row gives it alpha or more",
    "below both thresholds, but in the key set",
)
"""Of files written when only one strategy's fates were kept, under its name."""


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def save_comparison(comparison: MethodComparison, path: str | Path) -> Path:
    """Write to `path` and return it; raises InputError if that cannot be written."""
    arrays = Arrays()
    document = {name: getattr(comparison, name) for name in (*_STRINGS, *_INTEGERS, "versions")} | {
        "sampling": comparison.sampling.describe(),
        "baseline": _entry_document(comparison.baseline, arrays),
        "entries": [_entry_document(entry, arrays) for entry in comparison.entries],
    }
    return write_archive(KIND, document, arrays, path)


def _entry_document(entry: MethodEntry, arrays: Arrays) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _names(MethodEntry)} | {
        **{name: getattr(entry, name).tolist() for name in (*_ENTRY_KL, "agrees")},
        "vision": None if entry.vision is None else asdict(entry.vision),
        "seconds": asdict(entry.seconds),
        "fates": None if entry.fates is None else _fates_document(entry.fates, arrays),
    }


def _fates_document(record: TokenFates, arrays: Arrays) -> dict[str, Any]:
    return {
        **({"images": list(record.images)} if any(record.images) else {}),
        "token_maps": [arrays.put(one) for one in record.token_maps],
        "sizes": arrays.put(record.sizes),
        "key": arrays.put(record.key.astype(np.int8)),
        "decisions": [
            {
                "layer": one.layer,
                "reasons": list(one.reasons),
                "names": list(one.names),
                **{name: arrays.put(getattr(one, name)) for name in _FATE_ARRAYS},
            }
            for one in record.decisions
        ],
    }


def read_comparison(path: str | Path) -> MethodComparison:
    """Read a file of `save_comparison`; raises InputError for anything that is not one."""
    data, arrays, _ = read_archive(KIND, path)
    try:
        return _build(data, arrays)
    except (TypeError, ValueError, KeyError, OverflowError, IndexError) as error:
        raise InputError(
            "{name} cannot be used: {problem}", name=Path(path).name, problem=error
        ) from error


def _with_fields(name: str, data: Any, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(data, dict) or set(data) != set(names):
        raise InputError("the fields of its {name} are not those of a comparison.", name=name)
    return data


def _build(data: Any, arrays: Arrays) -> MethodComparison:
    _with_fields("document", data, _names(MethodComparison))
    for name in _STRINGS:
        expect(name, data[name], str)
    for name in _INTEGERS:
        expect(name, data[name], int)
    versions = nested("versions", data["versions"], str)
    return MethodComparison(
        **{name: data[name] for name in (*_STRINGS, *_INTEGERS)},
        sampling=sampling_of(data["sampling"]),
        versions=tuple((package, version) for package, version in versions),
        baseline=_entry(data["baseline"], arrays),
        entries=tuple(
            _entry(entry, arrays) for entry in tuple_of("entries", data["entries"], dict)
        ),
    )


def _entry(data: Any, arrays: Arrays) -> MethodEntry:
    older = None
    if isinstance(data, dict) and "mustdrop" in data:
        older = data["mustdrop"]
        data = {**{name: data[name] for name in data if name != "mustdrop"}, "fates": None}
    _with_fields("method", data, _names(MethodEntry))
    for name, kind in (("label", str), ("answer", str), ("stopped", bool), ("strategy", dict),
                       ("kv_bytes", int)):  # fmt: skip
        expect(name, data[name], kind)
    seconds = _with_fields("seconds", data["seconds"], _names(MethodSeconds))
    counts: dict[str, Any] = {name: tuple_of(name, data[name], int) for name in _ENTRY_COUNTS}
    kl: dict[str, Any] = {name: floats(name, data[name]) for name in _ENTRY_KL}
    return MethodEntry(
        **{name: data[name] for name in ("label", "answer", "stopped", "strategy", "kv_bytes")},
        **counts,
        **kl,
        tokens=tuple_of("tokens", data["tokens"], str),
        tokens_wanted=None if data["tokens_wanted"] is None else _number(data, "tokens_wanted"),
        agrees=np.array(tuple_of("agrees", data["agrees"], bool), dtype=np.bool_),
        vision=None if data["vision"] is None else _vision(data["vision"]),
        flops=_number(data, "flops"),
        seconds=MethodSeconds(**{name: _number(seconds, name) for name in seconds}),
        fates=_fates(data["fates"], older, data["strategy"], counts, arrays),
    )


def _number(data: dict[str, Any], name: str) -> float:
    return float(floats(name, data[name]))


def _vision(data: Any) -> VisionCounts:
    _with_fields("vision", data, _names(VisionCounts))
    for name, value in data.items():
        expect(name, value, int)
    return VisionCounts(**data)


def _fates(
    data: Any, older: Any, strategy: dict[str, Any], counts: dict[str, Any], arrays: Arrays
) -> TokenFates | None:
    if data is None and older is None:
        return None
    read, key_name = (_older_decision, "filters") if data is None else (_decision, "decisions")
    data = older if data is None else data
    if isinstance(data, dict):
        data = {"images": [], **data}
    _with_fields("fates", data, ("token_maps", "sizes", "key", key_name, "images"))
    sizes = arrays.get("sizes", data["sizes"], np.int64)
    key = arrays.get("key", data["key"], np.int8)
    if not np.isin(key, (0, 1)).all():
        raise InputError("key should say of each token whether it is in the key set.")
    return TokenFates(
        token_maps=tuple(
            arrays.get("token_maps", one, np.int64)
            for one in tuple_of("token_maps", data["token_maps"], dict)
        ),
        sizes=sizes,
        key=key.astype(np.bool_),
        decisions=tuple(
            read(one, strategy, arrays) for one in tuple_of(key_name, data[key_name], dict)
        ),
        visual_tokens_per_layer=counts["visual_tokens_per_layer"],
        cached_visual_tokens_per_layer=counts["cached_visual_tokens_per_layer"],
        images=tuple_of("images", data["images"], int),
    )


def _decision(one: Any, strategy: dict[str, Any], arrays: Arrays) -> LayerFates:
    _with_fields("decision", one, _names(LayerFates))
    expect("layer", one["layer"], int)
    return LayerFates(
        layer=one["layer"],
        reasons=tuple_of("reasons", one["reasons"], str),
        names=tuple_of("names", one["names"], str),
        **{name: arrays.get(name, one[name], kind) for name, kind in _FATE_ARRAYS.items()},
    )


def _older_decision(one: Any, strategy: dict[str, Any], arrays: Arrays) -> LayerFates:
    _with_fields("filter", one, ("layer", "fate", "share", "peak"))
    expect("layer", one["layer"], int)
    scores = [arrays.get(name, one[name], np.float64) for name in ("share", "peak")]
    return LayerFates(
        layer=one["layer"],
        fate=arrays.get("fate", one["fate"], np.int8),
        reasons=_OLDER_REASONS,
        names=("share", "peak"),
        scores=np.stack(scores),
        thresholds=floats("thresholds", [strategy["gamma"], strategy["alpha"]]),
    )
