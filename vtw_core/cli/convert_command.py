"""Convert saved files of earlier versions to the format of this version."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.data.shards import rewritten
from vtw_core.errors import InputError, system_reason
from vtw_core.files.replacing import replacing
from vtw_core.results.calibration import load_calibration
from vtw_core.results.comparison import load_comparison
from vtw_core.results.equal_budget import load_budget_comparison
from vtw_core.results.older_files import explored
from vtw_core.results.run import load_run


@dataclass(frozen=True)
class _Kind:
    """One kind of saved file: what it is, what the first bytes of one may hold, and how it is
    converted."""

    name: str
    marks: tuple[bytes, ...]
    rewrite: Callable[[Path, Path], Any]


def _rewrite_shard(source: Path, target: Path) -> None:
    with source.open("rb") as lines, replacing(target) as file:
        file.writelines(rewritten(lines, explored))


_KINDS = (
    _Kind(
        "saved run",
        (b"vtw-run ", b"run.json"),
        lambda source, target: load_run(source).save(target),
    ),
    _Kind(
        "saved comparison of methods",
        (b"vtw-comparison ", b"comparison.json"),
        lambda source, target: load_comparison(source).save(target),
    ),
    _Kind(
        "calibration",
        (b"vtw-calibration ", b'"vtw-calibration"'),
        lambda source, target: load_calibration(source).save(target),
    ),
    _Kind(
        "comparison of methods over questions",
        (b"vtw-equal-budget ", b'"vtw-equal-budget"'),
        lambda source, target: load_budget_comparison(source).save(target),
    ),
    _Kind("shard of records", (b'{"key": "',), _rewrite_shard),
)
_HEAD_BYTES = 200


def convert(source: str | Path, target: str | Path) -> str:
    """Read a saved file of any version and write it to `target`, which may be the same file.

    Returns:
        What it is, such as "saved run".

    Raises:
        InputError: it cannot be read, is of a version that cannot be brought up, or is none of the
            kinds; or the target cannot be written.
    """
    path = Path(source)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        found = next((kind for kind in _KINDS if any(mark in head for mark in kind.marks)), None)
        if found is None:
            raise InputError(
                "{name} is not a file that can be converted; choose a saved run, comparison or "
                "calibration, or a file of --out.",
                name=path.name,
            )
        found.rewrite(path, Path(target))
    except OSError as error:
        raise InputError(
            "{path} cannot be converted: {reason}.", path=path, reason=system_reason(error)
        ) from error
    return found.name
