"""The end of the server: who runs may finish, who waits is told, and then the process goes."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING

from vtw_core.errors import ModelError

from ..gradio_internals import is_busy, queue_of
from ..words import page as text

if TYPE_CHECKING:
    import gradio as gr

GRACE = 4.0
"""Seconds that a run which is on its way may take to finish."""
_TO_TELL = 1.5
"""Seconds to tell those who waited after it."""
_BEHIND = 1.0
"""Seconds for the last answers to arrive, and for what a page requests after them."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Whether the server is being stopped, and until when a run may go on."""

    def __init__(self) -> None:
        # No lock and no event: a signal's handler may interrupt whoever holds them.
        self._until: float | None = None

    @property
    def is_asked(self) -> bool:
        return self._until is not None

    def ask(self, grace: float = GRACE) -> None:
        """From now on no run begins; one that runs may go on for ``grace`` seconds."""
        self._until = time.monotonic() + grace

    def check_begin(self) -> None:
        """Raises ModelError when no run may begin any more."""
        if self.is_asked:
            raise ModelError(text.STOPPING)

    def check_go_on(self) -> None:
        """Raises ModelError when a run has had its time."""
        if self._until is not None and time.monotonic() > self._until:
            raise ModelError(text.STOPPING)


def serve_until_stopped(demo: gr.Blocks, stopping: Stopping) -> None:
    """Wait for SIGTERM or SIGINT, let the last visitors be answered, and end the process.

    A second signal ends it at once. To be called in the main thread; it never returns.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        stopping.ask()

    for each in _SIGNALS:
        signal.signal(each, stop)
    while not stopping.is_asked:
        time.sleep(0.1)
    print("Stopping: whoever waits is told. Once more, and it ends at once.", flush=True)
    _drain(demo, GRACE + _TO_TELL)
    demo.close(verbose=False)
    sys.stdout.flush()
    sys.stderr.flush()
    # One step of a large model cannot be interrupted, and its thread would keep the process.
    os._exit(0)


def _drain(demo: gr.Blocks, seconds: float) -> None:
    """Wait until every visitor has his last answer, but no longer than that."""
    queue, until = queue_of(demo), time.monotonic() + seconds
    if not is_busy(queue):
        return
    while is_busy(queue) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(_BEHIND)
