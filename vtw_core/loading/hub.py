"""A model in a repository of the hub: what it holds, and its files in the hub's cache."""

import contextlib
import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.errors import causes
from vtw_core.loading.contents import ADAPTER, CONFIG, INDEX, MATRICES, SINGLE

# Beside the weights: config, processor, tokenizer, template. Those in sub-folders (onnx/,
# original/) belong to other programs.
SMALL_FILES = (".json", ".txt", ".model", ".jinja")


class HubError(Exception):
    """What could not be fetched from the hub, also in another process.

    Attributes:
        kinds: names of the exception's classes, and of those that caused it.
        errno: of the operating system, if it was an OSError.
        listing: what the repository holds, if that is no model: "files", "config" and "shards".
        started: whether some of the checkpoint had been fetched.
    """

    started = False

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


class NoModel(Exception):
    """The repository has other files than a model's.

    Attributes:
        files: their names.
        config: what its config.json holds; "" without one.
        shards: the files of weights that its index names.
    """

    def __init__(self, files: Iterable[str], config: str = "", shards: Iterable[str] = ()) -> None:
        super().__init__("no model in the repository")
        self.listing = {"files": sorted(files), "config": config, "shards": sorted(shards)}


@dataclass(frozen=True)
class Repository:
    """A repository whose config and processor are in the hub's cache.

    Attributes:
        name: its id.
        folder: of the cache.
        weights: bytes of its safetensors.
        missing: file of weights -> bytes, of those that the cache lacks.
    """

    name: str
    folder: Path
    weights: int
    missing: dict[str, int]

    def fetch(self) -> None:
        """Fetch the weights that are missing; raises what huggingface_hub raises."""
        from huggingface_hub import snapshot_download

        if self.missing:
            names = list(self.missing)
            snapshot_download(self.name, revision=self.folder.name, allow_patterns=names)


def find(repo: str) -> Repository:
    """Look into a repository, and fetch everything but its weights.

    Raises:
        NoModel: it holds none that can be loaded.
        Exception: whatever huggingface_hub raises.
    """
    from huggingface_hub import snapshot_download

    folder, small, weights = _from_hub(repo)
    if not all((folder / name).exists() for name in small):
        snapshot_download(repo, revision=folder.name, allow_patterns=small)
    missing = {name: size for name, size in weights.items() if not (folder / name).exists()}
    return Repository(repo, folder, sum(weights.values()) or size_of_weights(folder), missing)


def _from_hub(repo: str) -> tuple[Path, list[str], dict[str, int]]:
    """Folder of the snapshot (its config is there), names of its small files, and the size of each
    file of weights; no names where the hub cannot be reached and the cache has all weights."""
    from huggingface_hub import HfApi, hf_hub_download

    try:
        about = HfApi().model_info(repo, files_metadata=True)
    except Exception:
        folder = _cached_folder(repo)
        if folder is not None:
            return folder, [], {}
        raise
    sizes = {one.rfilename: one.size or 0 for one in about.siblings or ()}
    settings = [name for name in (CONFIG, ADAPTER) if name in sizes]
    # By its branch, so that the cache notes where the branch is, and can later do without the hub.
    paths = {name: Path(hf_hub_download(repo, name)) for name in settings}
    if not paths:
        raise NoModel(sizes)
    folder = next(iter(paths.values())).parent
    weights = {SINGLE} & set(sizes)
    if not weights and INDEX in sizes:
        weights = _shards(Path(hf_hub_download(repo, INDEX, revision=folder.name)))
    elif not weights and ADAPTER in sizes:
        weights = {MATRICES}
    if not weights or not weights <= set(sizes) or (ADAPTER in sizes and weights != {MATRICES}):
        config = paths[CONFIG].read_text("utf-8", "replace") if CONFIG in paths else ""
        raise NoModel(sizes, config, weights)
    small = [name for name in sizes if name.endswith(SMALL_FILES) and "/" not in name]
    return folder, small, {name: sizes[name] for name in weights}


def _shards(index: Path) -> set[str]:
    """The files of weights that an index names; none where it is damaged."""
    try:
        return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def is_fetched(repo: str) -> bool:
    """Whether the hub's cache has a repository's config and weights; no request to the hub."""
    return "/" in repo and _cached_folder(repo) is not None


def _cached_folder(repo: str) -> Path | None:
    """The folder of the cache that holds a repository's config, or its adapter's, and all
    weights."""
    from huggingface_hub import try_to_load_from_cache

    for name in (CONFIG, ADAPTER):
        path = try_to_load_from_cache(repo, name)
        if isinstance(path, str) and _has_weights(Path(path).parent):
            return Path(path).parent
    return None


def _has_weights(folder: Path) -> bool:
    if (folder / INDEX).exists():
        needed = _shards(folder / INDEX)
    else:
        needed = {MATRICES if (folder / ADAPTER).exists() else SINGLE}
    return bool(needed) and all((folder / name).exists() for name in needed)


def size_of_weights(folder: Path) -> int:
    """Bytes of the safetensors that are there; a link may lead nowhere."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors") if path.is_file())


def described(error: BaseException) -> dict[str, Any]:
    """The arguments of the HubError that an error is; they can be written as JSON."""
    chain = causes(error)
    return {
        "text": str(error),
        "kinds": sorted({cls.__name__ for one in chain for cls in type(one).__mro__}),
        "errno": next((one.errno for one in chain if isinstance(one, OSError)), None),
        "listing": getattr(error, "listing", None),
    }


@contextlib.contextmanager
def asking() -> Generator[None, None, None]:
    """Raise HubError for whatever goes wrong inside the block."""
    try:
        yield
    except Exception as error:
        raise HubError(**described(error)) from error
