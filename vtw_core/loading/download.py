"""A checkpoint's folder: a local one as it is, one of the hub fetched into the hub's cache."""

import contextlib
import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vtw_core.loading import hub_process
from vtw_core.machine.progress import Report

# How long the process of a download that is not wanted any more may take to tidy up.
PATIENCE = 2.0


class HubError(Exception):
    """What the process that talks to the hub could not do.

    Attributes:
        kinds: names of the exception's classes, and of those that caused it.
        errno: of the operating system, if it was an OSError.
        listing: what the repository holds, if that is no model: "files", "config" and "shards".
        begun: whether some of the checkpoint had been fetched.
    """

    begun = False

    def __init__(
        self,
        text: str,
        kinds: list[str],
        errno: int | None = None,
        listing: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(text)
        self.kinds = frozenset(kinds)
        self.errno = errno
        self.listing = listing


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose config and processor can be read, whether or not its weights are there.

    Attributes:
        folder: where they are, and after `fetch` the weights too.
        weights: bytes of its safetensors.
        missing: bytes that are still to be fetched.
    """

    folder: Path
    weights: int
    missing: int = 0
    _process: "subprocess.Popen[str] | None" = field(default=None, repr=False)
    _report: Report | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it lies in a folder of the user's, not in the hub's cache."""
        return self._process is None

    def fetch(self) -> None:
        """Fetch the weights that are missing, and report how far it is.

        Raises:
            HubError: it could not be fetched.
        """
        if self._process is None or self._report is None:
            return
        free = shutil.disk_usage(self.folder).free
        if free < self.missing:
            text = f"{self.missing / 1e9:.1f} GB to fetch, {free / 1e9:.1f} GB free"
            raise HubError(text, [], errno.ENOSPC)
        assert self._process.stdin is not None
        # It has ended and said why, or its stdin was closed to end it.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        try:
            while "ready" not in (said := _next(self._process, self._report)):
                self._report("download", said["done"], self.missing)
        except HubError as error:
            error.begun = True
            raise


@contextlib.contextmanager
def checkpoint(source: str, report: Report) -> Generator[Checkpoint, None, None]:
    """The checkpoint of a local folder or a hub id.

    Its weights are fetched by `Checkpoint.fetch`, everything else here. On leaving, the process
    that talks to the hub has ended.

    Raises:
        HubError: it cannot be found.
    """
    folder = Path(source)
    if folder.is_dir():
        yield Checkpoint(folder, hub_process.size_of_weights(folder))
        return
    # By path and with -P: found wherever it was installed, with no folder of ours on sys.path.
    process = subprocess.Popen(
        [sys.executable, "-P", hub_process.__file__, source],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        encoding="utf-8",
    )  # fmt: skip
    try:
        report.on_cancel(lambda: _end(process))
        found = _next(process, report)["found"]
        yield Checkpoint(Path(found["folder"]), found["weights"], found["missing"], process, report)
    finally:
        _end(process)
        report.on_cancel(None)
        assert process.stdout is not None
        process.stdout.close()


def is_fetched(repo: str) -> bool:
    """Whether the hub's cache has a repository's config and weights; the hub is not asked."""
    from huggingface_hub import try_to_load_from_cache

    if "/" not in repo:
        return False
    return hub_process.cached_folder(repo, try_to_load_from_cache) is not None


def _next(process: "subprocess.Popen[str]", report: Report) -> dict[str, Any]:
    """What the process says next."""
    assert process.stdout is not None
    line = process.stdout.readline()
    report.check()
    if not line:
        raise HubError("The download ended without a word.", ["ProcessEnded"])
    said: dict[str, Any] = json.loads(line)
    if "error" in said:
        raise HubError(**said["error"])
    return said


def _end(process: "subprocess.Popen[str]") -> None:
    """Have the process remove its unfinished files and end; may be called twice, by any thread."""
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):
        process.stdin.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
