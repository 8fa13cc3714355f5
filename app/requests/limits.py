"""How often a visitor may run the model or have a file made, and how much of his may wait at once.

What is counted is all that was let into Gradio's queue, the one way to the model: by the page's
session, and more loosely by network address, since a class often shares one. Runs and all else are
counted apart: who waits for an answer may save what he has.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import HTTPException

from ..gradio_internals import (
    Queued,
    events_in_queue,
    forget_gone_sessions,
    guard_queue,
    queue_of,
)
from ..words import faults as text
from ..words.language import speaking
from .events import RUN_QUEUES, WAIT_QUEUES
from .rates import MOST_KEPT, Starts
from .visitors import Networks, language_at

if TYPE_CHECKING:
    import gradio as gr

RUNS_PER_MINUTE = 30
WAITING = 4
ADDRESS_RUNS = 10
"""As many visitors may share one address, each at his limit."""
ADDRESS_SHARE = 0.75
"""Of the queue: the rest of it stays for other addresses."""


@dataclass(frozen=True)
class Refusal:
    """Why a run may not begin, and how many seconds later it may; None where nobody knows."""

    why: str
    seconds: int | None = None


@dataclass(frozen=True)
class Waiting:
    """Something that waits in the queue, or is being done."""

    session: str
    address: str
    is_of_model: bool


class RunLimits:
    """The limits of one server. Used in the server's own thread alone.

    Args:
        runs_per_minute: of one session, and as much else that goes through the queue; an address
            may begin `ADDRESS_RUNS` times as many. 0: any.
        waiting: runs of one session that may wait or run at once, and as much else.
        networks: where visitors come from; one that is not known has no limits as an address.
    """

    def __init__(
        self,
        runs_per_minute: int = RUNS_PER_MINUTE,
        waiting: int = WAITING,
        *,
        networks: Networks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.waiting = waiting
        self.networks = Networks() if networks is None else networks
        self.sessions = Starts(runs_per_minute, clock)
        self.addresses = Starts(runs_per_minute * ADDRESS_RUNS, clock)
        self.files = Starts(runs_per_minute, clock)
        self.address_files = Starts(runs_per_minute * ADDRESS_RUNS, clock)
        self._refused: OrderedDict[str, str] = OrderedDict()

    def guard(self, demo: gr.Blocks) -> None:
        """Let nothing into the queue but what may begin; to be called after ``demo.queue``."""
        queue = queue_of(demo)

        def admit(event: Queued | None, queue_size: int | None) -> Callable[[], None]:
            forget_gone_sessions(queue, MOST_KEPT)
            if event is None:
                raise HTTPException(404, text.NO_SUCH_EVENT)
            asked = self._seen(event)
            # What waits for a model counts as a run when it runs.
            starts = event.concurrency_id not in WAIT_QUEUES - RUN_QUEUES
            waiting = [self._seen(one) for one in events_in_queue(queue)]
            with speaking(language_at(event.page)):
                refusal = self.refusal(asked, waiting, queue_size, starts=starts)
            if refusal is not None:
                self._remember(asked.session, refusal.why)
                later = {} if refusal.seconds is None else {"Retry-After": str(refusal.seconds)}
                raise HTTPException(429, refusal.why, later)
            return lambda: self._count(asked) if starts else None

        guard_queue(demo, admit)

    def _seen(self, event: Queued) -> Waiting:
        """Who names no session, such as a program's single call, has his address alone."""
        address = self.networks.of(event.request)
        return Waiting(event.session, address, event.concurrency_id in WAIT_QUEUES)

    def _count(self, asked: Waiting) -> None:
        """It is in the queue now."""
        for counted, who, _ in self._counted(asked):
            if who:
                counted.add(who)

    def _counted(self, asked: Waiting) -> list[tuple[Starts, str, str]]:
        """Who is counted for it, and the sentence when it was too often."""
        if asked.is_of_model:
            return [
                (self.sessions, asked.session, text.TOO_OFTEN),
                (self.addresses, asked.address, text.TOO_OFTEN_HERE),
            ]
        return [
            (self.files, asked.session, text.FILES_TOO_OFTEN),
            (self.address_files, asked.address, text.FILES_TOO_OFTEN_HERE),
        ]

    def refusal(
        self,
        asked: Waiting,
        waiting: list[Waiting],
        queue_size: int | None,
        *,
        starts: bool = True,
    ) -> Refusal | None:
        """Why something may not begin; None where it may.

        Args:
            waiting: all that waits or is being done.
            queue_size: how many may wait at all.
            starts: whether it is counted as begun; else it waits for a model alone.
        """
        alike = [one for one in waiting if one.is_of_model == asked.is_of_model]
        if asked.session and sum(one.session == asked.session for one in alike) >= self.waiting:
            words = text.TOO_MANY_WAIT if asked.is_of_model else text.TOO_MANY_FILES_WAIT
            return Refusal(words.format(most=self.waiting))
        for counted, who, words in self._counted(asked) if starts else ():
            seconds = counted.seconds_to_wait(who) if who else 0
            if seconds:
                return Refusal(words.format(most=counted.most, seconds=seconds), seconds)
        share = math.inf if queue_size is None else max(1, queue_size * ADDRESS_SHARE)
        if asked.address and sum(one.address == asked.address for one in waiting) >= share:
            return Refusal(text.ADDRESS_WAITS)
        return None

    def why_refused(self, session: str | None, otherwise: str) -> str:
        """What that session was refused for last, told once; else ``otherwise``."""
        return self._refused.pop(session or "", otherwise)

    def _remember(self, session: str, why: str) -> None:
        self._refused[session] = why
        if len(self._refused) > MOST_KEPT:
            self._refused.popitem(last=False)
