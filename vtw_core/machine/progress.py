"""A long piece of work as a stream of how far it is, which whoever reads it can close."""

import queue
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeVar

from vtw_core.errors import causes
from vtw_core.machine.memory import give_memory_back

Stage = Literal["check", "download", "processor", "weights"]
T = TypeVar("T")

# A stream that waits says again how far it is, so that its reader gets to close it.
HEARTBEAT = 0.25


@dataclass(frozen=True)
class LoadProgress:
    """How far loading a model is.

    Attributes:
        stage: "check" (name, config, packages, memory), then "processor", "download" (of weights
            of the hub that are not in its cache) and "weights".
        done, total: bytes of this stage; a total of 0 is not known.
    """

    stage: Stage
    done: int = 0
    total: int = 0


class Cancelled(BaseException):
    """Nobody wants the work any more; no Exception, so that nothing takes it for a failure."""


class Report:
    """What work calls to say how far it is; raises Cancelled once nobody listens.

    Args:
        listen: is told everything.
    """

    def __init__(self, listen: Callable[[LoadProgress], None] = lambda said: None) -> None:
        self._listen = listen
        self._cancelled = threading.Event()
        self._wake: Callable[[], None] | None = None

    def __call__(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        self.check()
        self._listen(LoadProgress(stage, done, total))

    def check(self) -> None:
        """Raises Cancelled once nobody listens."""
        if self._cancelled.is_set():
            raise Cancelled

    def on_cancel(self, wake: Callable[[], None] | None) -> None:
        """Have ``wake`` called, from another thread, when the work is to end; None: no longer."""
        self._wake = wake
        if wake is not None:  # else what could have been woken has ended
            self.check()

    def cancel(self) -> None:
        """The work is to end."""
        self._cancelled.set()
        wake = self._wake
        if wake is not None:
            wake()


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
    heard: queue.SimpleQueue[LoadProgress | _Ended] = queue.SimpleQueue()
    report = Report(heard.put)

    def run() -> None:
        try:
            ended = _Ended(work(report))
        except BaseException as error:
            clear_frames(error)
            ended = _Ended(error=error)
        heard.put(ended)

    thread = threading.Thread(target=run, name="load-model", daemon=True)
    thread.start()
    last = LoadProgress("check")
    try:
        while True:
            try:
                said = heard.get(timeout=HEARTBEAT)
            except queue.Empty:
                yield last
                continue
            if isinstance(said, LoadProgress):
                last = said
                yield last
                continue
            if said.error is not None:
                raise said.error
            yield said.result  # type: ignore[misc]
            return
    finally:
        report.cancel()
        thread.join()
        give_memory_back()


def clear_frames(error: BaseException) -> None:
    """Let go of what the frames of an error hold, half a model perhaps; the error itself stays."""
    for one in causes(error):
        traceback.clear_frames(one.__traceback__)
