"""Read (image, prompt, accepted answers) by the `datasets` package: the hub, parquet, folders.

Pictures come as the bytes that were stored, never decoded by `datasets`: they go through the
checks of vtw_core.pictures.images like any other file. With `stream` nothing is kept on disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from vtw_core.data.dataset import DataSet, LocalData
from vtw_core.data.questions import (
    ANSWERS,
    CAPTION,
    IMAGES,
    PROMPTS,
    TURNS,
    Item,
    Skipped,
    accepted,
    conversation,
    one_or_several,
    question,
    usable,
)
from vtw_core.errors import InputError
from vtw_core.families.prompts import check_prompt
from vtw_core.machine.memory import is_out_of_memory
from vtw_core.pictures.images import MAX_BYTES

HUB = "hf:"
PARQUET = ".parquet"


@dataclass(frozen=True)
class Columns:
    """Which columns to read; None takes the first usual name that is there (the answer's column
    may be missing, and the prompt's where one prompt is given for all)."""

    image: str | None = None
    prompt: str | None = None
    answer: str | None = None


def open_data(
    source: str,
    prompt: str | None = None,
    columns: Columns | None = None,
    stream: bool = False,
    skip_bad: bool = False,
) -> DataSet:
    """Open a data set, local or of the hub.

    Args:
        source: a JSONL file or a folder (see vtw_core.data.dataset); a .parquet file or a pattern
            such as ``data/*.parquet``; or ``hf:NAME[:SPLIT[:CONFIG]]``, where NAME is a hub id or a
            folder that `datasets` can read.
        prompt: the question of every item that brings none.
        columns: of a parquet file or a data set of the hub.
        stream: read it as it comes and keep nothing on disk.
        skip_bad: leave rows of a file or folder that cannot be used to `part`.

    Raises:
        InputError: nothing there, `datasets` is not installed, or a column is missing.
    """
    if not source.startswith(HUB) and not source.endswith(PARQUET):
        if columns is not None or stream:
            raise InputError(
                "Columns and streaming belong to parquet files and to hf: data sets; leave them "
                "out with a folder or a JSONL file."
            )
        return LocalData.at(source, prompt, skip_bad)
    if prompt is not None:
        check_prompt(prompt)
    rows = _load(source, stream)
    return HubData(rows, source, _columns(rows, columns or Columns(), prompt), prompt)


@dataclass(frozen=True)
class HubData:
    """A data set that `datasets` reads.

    Attributes:
        rows: a `datasets.Dataset`, or an `IterableDataset`.
        source: what it was opened by, for messages.
        columns: the ones that are there.
        prompt: the question of every row without one.
    """

    rows: Any
    source: str
    columns: Columns
    prompt: str | None

    @property
    def total(self) -> int | None:
        return len(self.rows) if hasattr(self.rows, "__len__") else None

    @property
    def left_out(self) -> tuple[str, ...]:
        return ()

    def part(self, first: int, step: int) -> Iterator[Item | Skipped]:
        # Every process reads the same order, whatever files it is in, so that the items are the
        # same for any number of processes. A stream is passed over, but its pictures stay bytes.
        total = self.total
        if total is None:
            picked: Any = islice(self.rows, first, None, step)
        else:
            picked = self.rows.select(range(first, total, step))
        try:
            for number, row in enumerate(picked):
                where = f"row {first + number * step} of {self.source}"
                yield usable(self._item, row, where)
        # Reading goes through pyarrow, fsspec and the network, each with errors of its own.
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise _unreadable(self.source, error) from error

    def _item(self, row: dict[str, Any], where: str) -> Item:
        names = self.columns
        assert names.image is not None  # `_columns` found one
        given = row[names.image]
        images = [_picture(one, where) for one in (given if isinstance(given, list) else [given])]
        if not images:
            raise InputError("{where} has no image; its list of images is empty.", where=where)
        written, answered = conversation(row)
        own = (None if names.prompt is None else row[names.prompt], written, self.prompt)
        asked = next((one for one in own if one is not None), None)
        answer = answered if names.answer is None else row[names.answer]
        return Item(
            one_or_several([image for image, _ in images]),
            question(asked, len(images), where),
            accepted(answer, names.answer or "answer", where),
            where,
            ", ".join(called for _, called in images),
        )


def _load(source: str, stream: bool) -> Any:
    name, split, config = _parts(source)
    try:
        import datasets
    except ImportError as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            '{source} needs the package datasets: pip install "visual-token-withdrawal[scale]".',
            source=source,
        ) from error
    datasets.disable_progress_bars()
    try:
        if source.startswith(HUB):
            found = datasets.load_dataset(name, config, split=split, streaming=stream)
        else:
            found = datasets.load_dataset("parquet", data_files=source, streaming=stream)
    # OSError, ValueError, DatasetNotFoundError, errors of pyarrow and of the network, ...
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise _unreadable(source, error) from error
    if isinstance(found, dict):  # one data set for each split
        if len(found) != 1:
            raise InputError(
                "{source} has the splits {names}; name one after a colon, as in {name}:{split}.",
                source=source,
                names=", ".join(map(str, found)),
                name=source.rstrip(":"),
                split=next(iter(found)),
            )
        found = next(iter(found.values()))
    # As bytes: a picture is decoded by vtw_core.pictures.images alone, after its checks.
    encoded = datasets.Image(decode=False)
    for column, feature in (found.features or {}).items():
        if isinstance(feature, datasets.Image):
            found = found.cast_column(column, encoded)
        elif isinstance(getattr(feature, "feature", None), datasets.Image):  # a list of them
            found = found.cast_column(column, type(feature)(encoded))
    return found


def _parts(source: str) -> tuple[str, str | None, str | None]:
    """Name, split and configuration."""
    name, _, rest = source.removeprefix(HUB).partition(":")
    split, _, config = rest.partition(":")
    if not name:
        raise InputError("Name a data set after hf:, such as hf:org/name:validation.")
    return name, split or None, config or None


def _unreadable(source: str, error: BaseException) -> InputError:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return InputError(
        "The data set {source} cannot be read: {problem}",
        source=source,
        problem=first or type(error).__name__,
    )


def _columns(rows: Any, requested: Columns, prompt: str | None) -> Columns:
    """The columns that are there."""
    there = rows.column_names
    if there is None:  # a stream that says so only with its first row
        there = list(next(iter(rows), {}))
    image = _column("image", requested.image, IMAGES, there)
    # Many data sets call a caption "text": one prompt for all counts more than that.
    usual = PROMPTS if prompt is not None or set(TURNS) & set(there) else (*PROMPTS, CAPTION)
    question = _column("prompt", requested.prompt, usual, there)
    if image is None or (question is None and prompt is None and not set(TURNS) & set(there)):
        raise InputError(
            "No column is called image; name it with --image-column, one of {names}."
            if image is None
            else "No column is called prompt; name it with --prompt-column, one of {names}, or "
            "give --prompt for all images.",
            names=", ".join(there),
        )
    return Columns(image, question, _column("answer", requested.answer, ANSWERS, there))


def _column(what: str, asked: str | None, usual: Sequence[str], there: Sequence[str]) -> str | None:
    if asked is None:
        return next((name for name in usual if name in there), None)
    if asked not in there:
        raise InputError(
            "There is no column {asked!r} for the {what}; the columns are {names}.",
            asked=asked,
            what=what,
            names=", ".join(there),
        )
    return asked


def _picture(value: Any, where: str) -> tuple[Path | bytes, str]:
    """An image's file or contents, and its name."""
    contents, path = value, ""
    if isinstance(value, dict):
        contents, path = value.get("bytes"), str(value.get("path") or "")
    called = Path(path).name or where
    if isinstance(contents, bytes) and contents:
        return contents, called
    if "://" in path or "::" in path:  # on the hub or inside an archive, as streams name files
        import fsspec

        try:
            with fsspec.open(path, "rb") as file:
                return file.read(MAX_BYTES + 1), called
        # Archives, the network and the disk, each with errors of its own.
        except Exception as error:
            raise InputError(
                "{where}: its image file {called!r} cannot be read.", where=where, called=called
            ) from error
    if path and Path(path).is_file():
        return Path(path), called
    raise InputError(
        "{where} has no image; its column must hold an image file's contents.", where=where
    )
