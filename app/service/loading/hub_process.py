"""The one program that talks to the hub: fetches a checkpoint into the hub's cache.

It runs as a process of its own (`.download` starts it), because a download can hang in a place from
which no thread can be called back; a process can be ended at any moment. What it says goes to
stdout, one JSON object a line:

    {"found": {"folder": ..., "weights": bytes, "missing": bytes}}  all but the weights is there
    {"done": bytes}                                                of the missing ones, repeatedly
    {"ready": folder}
    {"error": {...}}                                               the arguments of a HubError

Weights are fetched once a line comes from stdin. When stdin closes it removes its unfinished files
and ends. huggingface_hub keeps finished files, and starts unfinished ones again.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from vtw_core.loading.hub import Repository, described, find

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
        say(error=described(error))
    finally:
        _remove(opened)
        out.flush()
        # Threads of the downloader may still wait for their socket.
        os._exit(0)


def _run(repo: str, say: Callable[..., None], wanted: threading.Event, opened: set[str]) -> None:
    found = find(repo)
    folder, to_fetch = str(found.folder), sum(found.missing.values())
    say(found={"folder": folder, "weights": found.weights, "missing": to_fetch})
    wanted.wait()
    if found.missing:
        threading.Thread(target=_report, args=(say, found, opened), daemon=True).start()
        found.fetch()
        say(done=to_fetch)
    say(ready=folder)


def _report(say: Callable[..., None], found: Repository, opened: set[str]) -> None:
    """Say what is on the disk; the downloader's own bars count by its back end."""
    waiting = threading.Event()
    while True:
        done = sum(size for name, size in found.missing.items() if (found.folder / name).exists())
        for path in tuple(opened):
            with contextlib.suppress(OSError):  # finished, and moved to its place
                done += os.stat(path).st_size
        say(done=min(done, sum(found.missing.values())))
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


if __name__ == "__main__":
    main(sys.argv[1])
