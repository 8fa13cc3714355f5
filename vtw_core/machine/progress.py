"""How far a long piece of work is, told to a callback, which may also end it."""

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
    """Nobody wants the work any more; no Exception, so that nothing takes it for a failure."""


class Report:
    """What work calls to say how far it is; raises Cancelled once nobody listens.

    Args:
        listen: is told everything; None: the progress bars of other libraries are left to tell.
    """

    def __init__(self, listen: Callable[[LoadProgress], None] | None = None) -> None:
        self._listen = listen
        self._cancelled = threading.Event()
        self._wake: Callable[[], None] | None = None

    def __call__(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        self.check()
        if self._listen is not None:
            self._listen(LoadProgress(stage, done, total))

    @property
    def replaces_bars(self) -> bool:
        """Whether somebody is told what progress bars would show."""
        return self._listen is not None

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


def clear_frames(error: BaseException) -> None:
    """Let go of what the frames of an error hold, half a model perhaps; the error itself stays."""
    for one in causes(error):
        traceback.clear_frames(one.__traceback__)
