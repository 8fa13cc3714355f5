"""The progress of long work, passed to a callback, which may also cancel it."""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from vtw_core.errors import causes

Stage = Literal["check", "download", "processor", "weights"]


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
    """The caller cancelled the work; not an Exception, so that nothing handles it as a failure."""


class Report:
    """Reports the progress of work; raises Cancelled once the caller has cancelled it.

    Args:
        on_progress: the callback; None: the progress bars of other libraries show the progress.
    """

    def __init__(self, on_progress: Callable[[LoadProgress], None] | None = None) -> None:
        self._on_progress = on_progress
        self._cancelled = threading.Event()
        self._wake: Callable[[], None] | None = None

    def __call__(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        self.check()
        if self._on_progress is not None:
            self._on_progress(LoadProgress(stage, done, total))

    @property
    def replaces_bars(self) -> bool:
        """Whether the callback replaces the progress bars of other libraries."""
        return self._on_progress is not None

    def check(self) -> None:
        """Raises Cancelled once the caller has cancelled the work."""
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


def clear_frames(error: BaseException) -> None:
    """Release what the frames of an error hold, perhaps half a model; the error itself stays."""
    for one in causes(error):
        traceback.clear_frames(one.__traceback__)
