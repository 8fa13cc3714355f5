"""Read (images, prompt, accepted answers) from a JSONL file, a JSON list or a folder. No torch.

A row is ``{"image": path relative to the file, "prompt": text, "answer": text}``, or what the field
writes instead (`vtw_core.data.questions`): a list of images, "question", "text", "answers",
LLaVA's "conversations". Other keys are ignored. A folder holds either ``samples.jsonl`` or images,
each with a sidecar ``<name>.json`` of the same keys (without "image"). What the `datasets` package
reads (the hub, parquet) is in vtw_core.data.hub_data.
"""

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from vtw_core.data.questions import (
    ANSWERS,
    CAPTION,
    IMAGES,
    PROMPTS,
    Item,
    Skipped,
    accepted,
    conversation,
    first_of,
    one_or_several,
    question,
    usable,
)
from vtw_core.errors import InputError, system_reason
from vtw_core.families.prompts import check_prompt
from vtw_core.pictures.images import SUFFIXES

LISTING = "samples.jsonl"
_OF_SYSTEMS = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
_BOM = b"\xef\xbb\xbf"


class DataSet(Protocol):
    """Questions about images, one after another, in an order that never changes."""

    @property
    def total(self) -> int | None:
        """How many there are; None for a stream, whose end is not known before."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is there and is not a row, each with the reason."""

    def part(self, first: int, step: int) -> Iterator[Item | Skipped]:
        """Every step-th row from `first` on, read on demand; one that cannot be used
        is a `Skipped`."""


@dataclass(frozen=True)
class LocalData:
    """A JSONL file, a JSON list or a folder.

    Unless bad rows may be passed over, every row was looked at once before the first is used, since
    a mistake in the last one should not show after hours.
    """

    path: Path
    prompt: str | None
    total: int
    left_out: tuple[str, ...] = ()

    @classmethod
    def at(
        cls, source: str | Path, prompt: str | None = None, skip_bad: bool = False
    ) -> "LocalData":
        """Check what is there; same arguments and errors as `read_items`.

        skip_bad: leave rows that cannot be used to `part`.
        """
        if prompt is not None:
            check_prompt(prompt)
        path = Path(source)
        total = 0
        try:
            left_out = _left_out(path)
            for row in _rows(path, prompt):
                if isinstance(row, Skipped) and not skip_bad:
                    raise InputError.of(row.reason)
                total += 1
        except OSError as error:
            raise InputError(
                "{path} cannot be read: {problem}.", path=path, problem=system_reason(error)
            ) from error
        if not total and left_out:
            raise InputError(
                "{path} holds no sample; add images with prompts. Left out: {names}.",
                path=path,
                names=listed(left_out),
            )
        if not total:
            raise InputError("{path} holds no sample; add images with prompts.", path=path)
        return cls(path, prompt, total, left_out)

    def part(self, first: int, step: int) -> Iterator[Item | Skipped]:
        return islice(_rows(self.path, self.prompt), first, None, step)


def read_items(source: str | Path, prompt: str | None = None) -> tuple[Item, ...]:
    """Read a folder or a file; warns of files in a folder that are left out.

    Args:
        source: the folder or file.
        prompt: the question of every row that brings none.

    Raises:
        InputError: nothing there, or a row that cannot be used; names the line or file.
    """
    data = LocalData.at(source, prompt)
    if data.left_out:
        warnings.warn(f"{source}: left out {listed(data.left_out)}", stacklevel=2)
    return tuple(row for row in data.part(0, 1) if isinstance(row, Item))


def listed(names: tuple[str, ...], most: int = 10) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _rows(path: Path, prompt: str | None) -> Iterator[Item | Skipped]:
    if path.is_dir():
        listing = path / LISTING
        return _listed(listing, prompt) if listing.is_file() else _in_folder(path, prompt)
    if path.is_file():
        return _listed(path, prompt)
    raise InputError("There is no folder or file {path}; check the path.", path=path)


def _listed(path: Path, prompt: str | None) -> Iterator[Item | Skipped]:
    for where, raw in _entries(path):
        yield usable(_listed_item, raw, path.parent, prompt, where)


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Where each row of a file is, and its bytes or, in a JSON list, what it is."""
    with path.open("rb") as file:
        start = file.read(64).removeprefix(_BOM).lstrip()
        file.seek(0)
        if start.startswith(b"[") and (rows := _json_list(file.read())) is not None:
            yield from ((f"entry {n} of {path.name}", row) for n, row in enumerate(rows, start=1))
            return
        file.seek(0)
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"line {number} of {path.name}", line


def _json_list(raw: bytes) -> list[Any] | None:
    """The rows of a file that is one JSON list, as LLaVA's are; None if it is none."""
    try:
        rows = json.loads(raw.removeprefix(_BOM))
    except (ValueError, RecursionError):
        return None
    return rows if isinstance(rows, list) else None


def _listed_item(raw: Any, folder: Path, prompt: str | None, where: str) -> Item:
    row = _row(raw, where)
    names = first_of(row, IMAGES)
    several = names if isinstance(names, list) else [names]
    if not several:
        raise InputError('{where} has no "image"; give the path of an image file.', where=where)
    return _item(row, [_image(name, folder, where) for name in several], prompt, where)


def _left_out(path: Path) -> tuple[str, ...]:
    """What is in a folder of images and is not an image, each with the reason."""
    if not path.is_dir() or (path / LISTING).is_file():
        return ()
    files = sorted(path.iterdir())
    pictures = {one.stem for one in files if not _why_left_out(one)}
    reasons = [(one, _why_left_out(one)) for one in files if not _is_sidecar(one, pictures)]
    return tuple(f"{one.name} ({why})" for one, why in reasons if why)


def _why_left_out(file: Path) -> str:
    """Why a file in a folder of images is no image, empty if it is one."""
    if file.name.startswith(".") or file.name.lower() in _OF_SYSTEMS:
        return "hidden, or of the operating system"
    if file.is_dir():
        return "a folder"
    if file.suffix.lower() not in SUFFIXES:
        return "no image by its name"
    return "" if file.is_file() else "no file"


def _is_sidecar(file: Path, pictures: set[str]) -> bool:
    return file.suffix == ".json" and file.stem in pictures


def _in_folder(folder: Path, prompt: str | None) -> Iterator[Item | Skipped]:
    for image in sorted(one for one in folder.iterdir() if not _why_left_out(one)):
        yield usable(_folder_item, image, prompt)


def _folder_item(image: Path, prompt: str | None) -> Item:
    sidecar = image.with_suffix(".json")
    row = _row(sidecar.read_bytes(), sidecar.name) if sidecar.is_file() else {}
    return _item(row, [image], prompt, image.name)


def _row(raw: Any, where: str) -> dict[str, Any]:
    row = raw
    if isinstance(raw, bytes):
        try:
            row = json.loads(raw.removeprefix(_BOM).decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(
                "{where} is not UTF-8 text; save the file as UTF-8.", where=where
            ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(
                '{where} is not JSON; write {{"image": ..., "prompt": ...}}.', where=where
            ) from error
    if not isinstance(row, dict):
        raise InputError(
            '{where} is no JSON object; write {{"image": ..., "prompt": ...}}.', where=where
        )
    return row


def _image(name: Any, folder: Path, where: str) -> Path:
    if not isinstance(name, str) or not name.strip():
        raise InputError('{where} has no "image"; give the path of an image file.', where=where)
    # A path is only ever opened as a file; reported here, since "not found" would puzzle.
    if "://" in name or name.startswith("data:"):
        raise InputError(
            "{where}: the image is a URL; download it and give the file's path.", where=where
        )
    path = folder / name
    try:
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise InputError(
            "{where}: there is no image file {name!r}; check the path.",
            where=where,
            name=name[:200],
        )
    return path


def _item(row: dict[str, Any], images: list[Path], prompt: str | None, where: str) -> Item:
    written, answered = conversation(row)
    own = (first_of(row, PROMPTS), written, prompt, first_of(row, (CAPTION,)))
    asked = next((one for one in own if one is not None), None)
    if asked is None:
        raise InputError(
            '{where} has no "prompt"; add one, or give --prompt for all images.', where=where
        )
    answer = first_of(row, ANSWERS)
    return Item(
        one_or_several(images),
        question(asked, len(images), where),
        accepted(answered if answer is None else answer, "answer", where),
        where,
    )
