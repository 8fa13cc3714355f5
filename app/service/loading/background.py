"""A long piece of work as a stream of how far it is, which whoever reads it can close."""

import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from vtw_core.machine.memory import give_memory_back
from vtw_core.machine.progress import LoadProgress, Report, clear_frames

T = TypeVar("T")

# A stream that waits says again how far it is, so that its reader gets to close it.
HEARTBEAT = 0.25


@dataclass(frozen=True)
class _Ended:
    result: object = None
    error: BaseException | None = None


def in_background(work: Callable[[Report], T]) -> Generator[LoadProgress | T, None, None]:
    """Run work in a thread of its own; yields what it reports, and at last what it returns.

    Closing the generator ends the work at its next report and waits for the thread's end.

    Raises:
        BaseException: whatever the work raises.
    """
    reports: queue.SimpleQueue[LoadProgress | _Ended] = queue.SimpleQueue()
    report = Report(reports.put)

    def run() -> None:
        try:
            ended = _Ended(work(report))
        except BaseException as error:
            clear_frames(error)
            ended = _Ended(error=error)
        reports.put(ended)

    thread = threading.Thread(target=run, name="load-model", daemon=True)
    thread.start()
    last = LoadProgress("check")
    try:
        while True:
            try:
                report_or_end = reports.get(timeout=HEARTBEAT)
            except queue.Empty:
                yield last
                continue
            if isinstance(report_or_end, LoadProgress):
                last = report_or_end
                yield last
                continue
            if report_or_end.error is not None:
                raise report_or_end.error
            yield report_or_end.result  # type: ignore[misc]
            return
    finally:
        report.cancel()
        thread.join()
        give_memory_back()
