"""Read (image, prompt, accepted answers) from a JSONL file or a folder. No torch.

A JSONL line is ``{"image": path relative to the file, "prompt": text, "answer": text or list of
texts}``; "answer" may be left out, other keys are ignored. A folder holds either ``samples.jsonl``
or images, each with a sidecar ``<name>.json`` of the same keys (without "image").
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError
from vtw_core.models.prompts import check_prompt

LISTING = "samples.jsonl"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Item:
    """One question about one image.

    Attributes:
        image: an existing local file, not yet opened.
        prompt: the question.
        accepted: right answers; empty where none is known.
        where: where it was read, for error messages.
    """

    image: Path
    prompt: str
    accepted: tuple[str, ...] = ()
    where: str = ""


def read_items(source: str | Path, prompt: str | None = None) -> tuple[Item, ...]:
    """Read a folder or a JSONL file.

    Args:
        source: the folder or file.
        prompt: the question of every item that brings none.

    Raises:
        InputError: nothing there, or an entry that cannot be used; names the line or file.
    """
    if prompt is not None:
        check_prompt(prompt)
    path = Path(source)
    try:
        if path.is_dir():
            listing = path / LISTING
            items = _listed(listing, prompt) if listing.is_file() else _in_folder(path, prompt)
        elif path.is_file():
            items = _listed(path, prompt)
        else:
            raise InputError(f"There is no folder or file {path}; check the path.")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if not items:
        raise InputError(f"{path} holds no sample; add images with prompts.")
    return items


def _listed(path: Path, prompt: str | None) -> tuple[Item, ...]:
    items = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            where = f"line {number} of {path.name}"
            entry = _entry(line, where)
            image = _image(entry.get("image"), path.parent, where)
            items.append(_item(image, entry, prompt, where))
    return tuple(items)


def _in_folder(folder: Path, prompt: str | None) -> tuple[Item, ...]:
    items = []
    for image in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES):
        sidecar = image.with_suffix(".json")
        entry = _entry(_text(sidecar), sidecar.name) if sidecar.is_file() else {}
        items.append(_item(image, entry, prompt, image.name))
    return tuple(items)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 text; save it as UTF-8.") from error


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
    try:
        question = check_prompt(asked)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    answer = entry.get("answer")
    accepted = [answer] if isinstance(answer, str) else [] if answer is None else answer
    if not isinstance(accepted, list) or not all(
        isinstance(a, str) and a.strip() for a in accepted
    ):
        raise InputError(f'{where}: "answer" must be a text or a list of texts, none empty.')
    return Item(image, question, tuple(accepted), where)
