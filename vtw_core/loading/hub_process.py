"""The one program that talks to the hub: fetches a checkpoint into the hub's cache.

It runs as a process of its own (`vtw_core.loading.download` starts it), because a download can hang
in a place from which no thread can be called back; a process can be ended at any moment. What it
says goes to stdout, one JSON object a line:

    {"found": {"folder": ..., "weights": bytes, "missing": bytes}}  all but the weights is there
    {"done": bytes}                                                of the missing ones, repeatedly
    {"ready": folder}
    {"error": {"kinds": [names of exception classes], "errno": ..., "text": ...,
               "listing": null, or of what is no model {"files": [...], "config": "...",
                                                        "shards": [...]}}}

Weights are fetched once a line comes from stdin. When stdin closes it removes its unfinished files
and ends. huggingface_hub keeps finished files, and begins one that was not finished anew.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

CONFIG, INDEX, SINGLE = "config.json", "model.safetensors.index.json", "model.safetensors"
ADAPTER, MATRICES = "adapter_config.json", "adapter_model.safetensors"
# Beside the weights: config, processor, tokenizer, template. Those in sub-folders (onnx/,
# original/) belong to other programs.
SMALL_FILES = (".json", ".txt", ".model", ".jinja")
REPORT_SECONDS = 0.25


def main(repo: str) -> None:
    """Find a repository's checkpoint, wait for the word, fetch it."""
    out = sys.stdout
    # Warnings and bars of other libraries must not mix with what is said here.
    sys.stdout = sys.stderr

    def say(**what: Any) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    opened: set[str] = set()
    sys.addaudithook(lambda event, details: _note_unfinished(event, details, opened))
    wanted = threading.Event()
    threading.Thread(target=_listen, args=(wanted, opened), daemon=True).start()
    try:
        _run(repo, say, wanted, opened)
    except Exception as error:
        say(error=_described(error))
    finally:
        _remove(opened)
        out.flush()
        # Threads of the downloader may still wait for their socket.
        os._exit(0)


def _run(repo: str, say: Callable[..., None], wanted: threading.Event, opened: set[str]) -> None:
    from huggingface_hub import snapshot_download

    folder, small, weights = _from_hub(repo)
    if not all((folder / name).exists() for name in small):
        snapshot_download(repo, revision=folder.name, allow_patterns=small)
    missing = {name: size for name, size in weights.items() if not (folder / name).exists()}
    to_fetch = sum(missing.values())
    stored = sum(weights.values()) or size_of_weights(folder)
    say(found={"folder": str(folder), "weights": stored, "missing": to_fetch})
    wanted.wait()
    if missing:
        threading.Thread(target=_report, args=(say, folder, missing, opened), daemon=True).start()
        snapshot_download(repo, revision=folder.name, allow_patterns=list(missing))
        say(done=to_fetch)
    say(ready=str(folder))


def _from_hub(repo: str) -> tuple[Path, list[str], dict[str, int]]:
    """Folder of the snapshot (its config is there), names of its small files, and the size of each
    file of weights; no names where the hub cannot be asked and the cache has all weights."""
    from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache

    try:
        about = HfApi().model_info(repo, files_metadata=True)
    except Exception:
        folder = cached_folder(repo, try_to_load_from_cache)
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


def cached_folder(repo: str, in_cache: Callable[[str, str], Any]) -> Path | None:
    """The folder of the cache that holds a repository's config, or its adapter's, and all weights.

    Args:
        in_cache: huggingface_hub's `try_to_load_from_cache`.
    """
    for name in (CONFIG, ADAPTER):
        path = in_cache(repo, name)
        if isinstance(path, str) and _has_weights(Path(path).parent):
            return Path(path).parent
    return None


def _has_weights(folder: Path) -> bool:
    if (folder / INDEX).exists():
        needed = _shards(folder / INDEX)
    else:
        needed = {MATRICES if (folder / ADAPTER).exists() else SINGLE}
    return bool(needed) and all((folder / name).exists() for name in needed)


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


def size_of_weights(folder: Path) -> int:
    """Bytes of the safetensors that are there; a link may lead nowhere."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors") if path.is_file())


def _report(
    say: Callable[..., None], folder: Path, missing: dict[str, int], opened: set[str]
) -> None:
    """Say what is on the disk; the downloader's own bars count by its back end."""
    waiting = threading.Event()
    while True:
        done = sum(size for name, size in missing.items() if (folder / name).exists())
        for path in tuple(opened):
            with contextlib.suppress(OSError):  # finished, and moved to its place
                done += os.stat(path).st_size
        say(done=min(done, sum(missing.values())))
        waiting.wait(REPORT_SECONDS)


def _note_unfinished(event: str, details: tuple[Any, ...], opened: set[str]) -> None:
    """An audit hook: which unfinished files this process, and no other, has opened."""
    if event == "open" and isinstance(details[0], str | os.PathLike):
        path = os.fspath(details[0])
        if isinstance(path, str) and path.endswith(".incomplete"):
            opened.add(path)


def _listen(wanted: threading.Event, opened: set[str]) -> None:
    for _ in sys.stdin:
        wanted.set()
    _remove(opened)
    os._exit(1)


def _remove(opened: set[str]) -> None:
    for path in tuple(opened):
        with contextlib.suppress(OSError):  # finished, and moved to its place
            os.unlink(path)


def _described(error: BaseException) -> dict[str, Any]:
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return {
        "kinds": sorted({cls.__name__ for one in chain for cls in type(one).__mro__}),
        "errno": next((one.errno for one in chain if isinstance(one, OSError)), None),
        "text": str(error),
        "listing": getattr(error, "listing", None),
    }


if __name__ == "__main__":
    main(sys.argv[1])
