"""Read (image, prompt, accepted answers) from a JSONL file or a folder. No torch.

A JSONL line is ``{"image": path relative to the file, "prompt": text, "answer": text or list of
texts}``; "answer" may be left out, other keys are ignored. A folder holds either ``samples.jsonl``
or images, each with a sidecar ``<name>.json`` of the same keys (without "image"). What the
`datasets` package reads (the hub, parquet) is in vtw_core.hub_data.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from vtw_core.errors import InputError
from vtw_core.models.prompts import check_prompt

LISTING = "samples.jsonl"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Item:
    """One question about one image.

    Attributes:
        image: an existing local file, not yet opened, or the contents of one.
        prompt: the question.
        accepted: right answers; empty where none is known.
        where: where it was read, for error messages.
        called: the name of an image that is no file.
    """

    image: Path | bytes
    prompt: str
    accepted: tuple[str, ...] = ()
    where: str = ""
    called: str = ""

    @property
    def name(self) -> str:
        """The image's file name, or what it is called in its data set."""
        return self.image.name if isinstance(self.image, Path) else self.called


class DataSet(Protocol):
    """Questions about images, one after another, in an order that never changes."""

    @property
    def total(self) -> int | None:
        """How many there are; None for a stream, whose end is not known before."""

    def part(self, first: int, step: int) -> Iterator[Item]:
        """Every step-th item from `first` on, read when it is asked for.

        Raises:
            InputError: an entry that cannot be used; names the line, file or row.
        """


@dataclass(frozen=True)
class LocalData:
    """A JSONL file or a folder; every entry was looked at once before the first is used, since a
    mistake in the last one should not show after hours."""

    path: Path
    prompt: str | None
    total: int

    @classmethod
    def at(cls, source: str | Path, prompt: str | None = None) -> "LocalData":
        """Check what lies there; same arguments and errors as `read_items`."""
        if prompt is not None:
            check_prompt(prompt)
        path = Path(source)
        try:
            total = sum(1 for _ in _items(path, prompt))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        if not total:
            raise InputError(f"{path} holds no sample; add images with prompts.")
        return cls(path, prompt, total)

    def part(self, first: int, step: int) -> Iterator[Item]:
        return islice(_items(self.path, self.prompt), first, None, step)


def read_items(source: str | Path, prompt: str | None = None) -> tuple[Item, ...]:
    """Read a folder or a JSONL file.

    Args:
        source: the folder or file.
        prompt: the question of every item that brings none.

    Raises:
        InputError: nothing there, or an entry that cannot be used; names the line or file.
    """
    return tuple(LocalData.at(source, prompt).part(0, 1))


def _items(path: Path, prompt: str | None) -> Iterator[Item]:
    if path.is_dir():
        listing = path / LISTING
        return _listed(listing, prompt) if listing.is_file() else _in_folder(path, prompt)
    if path.is_file():
        return _listed(path, prompt)
    raise InputError(f"There is no folder or file {path}; check the path.")


def _listed(path: Path, prompt: str | None) -> Iterator[Item]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    where = f"line {number} of {path.name}"
                    entry = _entry(line, where)
                    image = _image(entry.get("image"), path.parent, where)
                    yield _item(image, entry, prompt, where)
    except UnicodeDecodeError as error:
        raise _no_text(path) from error


def _in_folder(folder: Path, prompt: str | None) -> Iterator[Item]:
    for image in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES):
        sidecar = image.with_suffix(".json")
        entry = _entry(_text(sidecar), sidecar.name) if sidecar.is_file() else {}
        yield _item(image, entry, prompt, image.name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_text(path) from error


def _no_text(path: Path) -> InputError:
    return InputError(f"{path.name} is not UTF-8 text; save it as UTF-8.")


def _entry(text: str, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f'{where} is not JSON; write {{"image": ..., "prompt": ...}}.') from error
    if not isinstance(entry, dict):
        raise InputError(f'{where} is no JSON object; write {{"image": ..., "prompt": ...}}.')
    return entry


def _image(name: Any, folder: Path, where: str) -> Path:
    if not isinstance(name, str) or not name.strip():
        raise InputError(f'{where} has no "image"; give the path of an image file.')
    # A path is only ever opened as a file; said here, since "not found" would puzzle.
    if "://" in name or name.startswith("data:"):
        raise InputError(f"{where}: the image is a URL; download it and give the file's path.")
    path = folder / name
    try:
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise InputError(f"{where}: there is no image file {name[:200]!r}; check the path.")
    return path


def _item(image: Path, entry: dict[str, Any], prompt: str | None, where: str) -> Item:
    asked = entry.get("prompt", prompt)
    if asked is None:
        raise InputError(f'{where} has no "prompt"; add one, or give --prompt for all images.')
    return Item(
        image, question(asked, where), accepted(entry.get("answer"), "answer", where), where
    )


def question(asked: Any, where: str) -> str:
    """A prompt as `check_prompt` gives it back; its InputError says where it was read."""
    try:
        return check_prompt(asked)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def accepted(answer: Any, name: str, where: str) -> tuple[str, ...]:
    """The right answers that an entry gives under a name: a text, a list of them, or nothing.

    Raises:
        InputError: anything else.
    """
    answers = [answer] if isinstance(answer, str) else [] if answer is None else answer
    if not isinstance(answers, list) or not all(isinstance(a, str) and a.strip() for a in answers):
        raise InputError(f'{where}: "{name}" must be a text or a list of texts, none empty.')
    return tuple(answers)
