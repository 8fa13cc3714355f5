"""A checkpoint's folder: a local one as it is, one of the hub fetched into the hub's cache."""

import contextlib
import errno
import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vtw_core.loading.hub import HubError, asking, find, size_of_weights


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose config and processor can be read, whether or not its weights are there.

    Attributes:
        folder: where they are, and after `fetch` the weights too.
        weights: bytes of its safetensors.
        missing: bytes that are still to be fetched.
        download: fetches them, raises HubError; None for a folder of the user's.
    """

    folder: Path
    weights: int
    missing: int = 0
    download: Callable[[], None] | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is in a folder of the user's, not in the hub's cache."""
        return self.download is None

    def fetch(self) -> None:
        """Fetch the weights that are missing.

        Raises:
            HubError: it could not be fetched.
        """
        if self.download is None:
            return
        free = shutil.disk_usage(self.folder).free
        if free < self.missing:
            text = f"{self.missing / 1e9:.1f} GB to fetch, {free / 1e9:.1f} GB free"
            raise HubError(text, [], errno.ENOSPC)
        try:
            self.download()
        except HubError as error:
            error.started = True
            raise


OfHub = Callable[[str], AbstractContextManager[Checkpoint]]
"""Opens the checkpoint of a hub id for a `with`; raises HubError where it cannot be found."""


def checkpoint(source: str, of_hub: OfHub) -> AbstractContextManager[Checkpoint]:
    """The checkpoint of a local folder or a hub id.

    Its weights are fetched by `Checkpoint.fetch`, everything else when it is opened.
    """
    folder = Path(source)
    if folder.is_dir():
        return contextlib.nullcontext(Checkpoint(folder, size_of_weights(folder)))
    return of_hub(source)


@contextlib.contextmanager
def downloaded(repo: str) -> Generator[Checkpoint, None, None]:
    """The checkpoint of a hub id, fetched by huggingface_hub with its progress bars."""
    with asking():
        found = find(repo)

    def download() -> None:
        with asking():
            found.fetch()

    yield Checkpoint(found.folder, found.weights, sum(found.missing.values()), download)
