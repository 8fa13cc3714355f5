"""A download of the hub that can be cancelled at any moment: in a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import vtw_core
from vtw_core.loading.checkpoints import Checkpoint
from vtw_core.loading.hub import HubError
from vtw_core.machine.progress import Report

# How long the process of a download that is not wanted any more may take to tidy up.
PATIENCE = 2.0
_PROGRAM = Path(__file__).with_name("hub_process.py")


@contextlib.contextmanager
def cancellable(repo: str, report: Report) -> Generator[Checkpoint, None, None]:
    """The checkpoint of a hub id, as `vtw_core.loading.checkpoints.downloaded`.

    Reports how far it is. On leaving, the process that talks to the hub has ended.

    Raises:
        HubError: it cannot be found.
    """
    # By path and with -P: found wherever the page was installed; of the folders of the parent's
    # sys.path it needs the library's alone.
    places = [str(Path(vtw_core.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM), repo],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))},
    )  # fmt: skip
    try:
        report.on_cancel(lambda: _end(process))
        found = _next(process, report)["found"]
        missing = found["missing"]
        yield Checkpoint(
            Path(found["folder"]), found["weights"], missing,
            lambda: _download(process, missing, report),
        )  # fmt: skip
    finally:
        _end(process)
        report.on_cancel(None)
        assert process.stdout is not None
        process.stdout.close()


def _download(process: "subprocess.Popen[str]", missing: int, report: Report) -> None:
    """Have the process fetch the weights, and report how far it is."""
    assert process.stdin is not None
    # It has ended and said why, or its stdin was closed to end it.
    with contextlib.suppress(OSError, ValueError):
        process.stdin.write("go\n")
        process.stdin.flush()
    while "ready" not in (said := _next(process, report)):
        report("download", said["done"], missing)


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
