"""Write a file whole or not at all: everything that replaces a file uses this.

The new one is written beside the old one, is on the disk before it takes the old one's name, and
vanishes if that fails: a full disk or a kill leaves what was there.
"""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """A new file, open for writing, which becomes `path` where the block ends without an error.

    What is no regular file, such as a pipe or /dev/stdout, is written to as it is.

    Raises:
        OSError: it cannot be written; `path` is then as it was.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    # A link stays a link: what it leads to is replaced.
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    _keep_name(target.parent)


def replace_file(path: str | Path, contents: str | bytes) -> None:
    """Make `contents`, text in UTF-8, the whole of a file; raises OSError as `replacing` does."""
    with replacing(path) as file:
        file.write(contents.encode("utf-8") if isinstance(contents, str) else contents)


@contextlib.contextmanager
def replacing_files(folder: str | Path) -> Iterator[Path]:
    """An empty folder, whose files take their places in `folder` where the block ends without an
    error, each whole or not at all; for what a library writes as several files.

    Raises:
        OSError: they cannot be written; those of `folder` are then as they were.
    """
    target = Path(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=target.parent) as made:
        yield Path(made)
        files = sorted(Path(made).iterdir())
        for file in files:
            with file.open("rb") as written:
                os.fsync(written.fileno())
        target.mkdir(exist_ok=True)
        for file in files:
            file.replace(target / file.name)
    _keep_name(target)


def _keep_name(folder: Path) -> None:
    """Have a new name in a folder survive a power cut, where the system can say that of folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
