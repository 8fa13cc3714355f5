"""How often a visitor may run the model, and how many of his runs may wait at once.

What is counted are runs that were let into Gradio's queue, the one way to the model: by the page's
session, and more loosely by network address, since a class often shares one.
"""

from __future__ import annotations

import ipaddress
import math
import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from app import text_faults as text
from app.events import RUN_QUEUES, WAIT_QUEUES
from app.language import FIRST, LANGUAGES, speaking

if TYPE_CHECKING:
    from gradio.queueing import Event, Queue

RUNS_PER_MINUTE = 30
WAITING = 4
ADDRESS_RUNS = 10
"""As many visitors may share one address, each at his limit."""
ADDRESS_SHARE = 0.75
"""Of the queue: the rest of it stays for other addresses."""
MOST_KEPT = 10_000
"""Visitors, and addresses, of whom anything is remembered; the oldest are forgotten."""
_MINUTE = 60.0


class Starts:
    """When each of many began his last runs.

    Args:
        most: in a minute; 0 for any number.
        clock: monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def seconds_to_wait(self, who: str) -> float:
        """Until he may begin another; 0 when he may now."""
        times = self._times.get(who)
        if times is None or len(times) < self.most:
            return 0.0
        return max(0.0, times[0] + _MINUTE - self._clock())

    def add(self, who: str) -> None:
        """He begins one now."""
        if not self.most:
            return
        self._times.setdefault(who, deque(maxlen=self.most)).append(self._clock())
        self._times.move_to_end(who)
        if len(self._times) > MOST_KEPT:
            self._times.popitem(last=False)

    def __len__(self) -> int:
        return len(self._times)


@dataclass(frozen=True)
class Refusal:
    """Why a run may not begin, and how many seconds later it may; None where nobody knows."""

    why: str
    seconds: int | None = None


class RunLimits:
    """The limits of one server. Used in the server's own thread alone.

    Args:
        runs_per_minute: of one session; an address may begin `ADDRESS_RUNS` times as many. 0: any.
        waiting: runs of one session that may wait or run at once.
        knows_addresses: whether the addresses are those of visitors, not of a proxy.
    """

    def __init__(
        self,
        runs_per_minute: int = RUNS_PER_MINUTE,
        waiting: int = WAITING,
        *,
        knows_addresses: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.waiting = waiting
        self.knows_addresses = knows_addresses
        self.sessions = Starts(runs_per_minute, clock)
        self.addresses = Starts(runs_per_minute * ADDRESS_RUNS if knows_addresses else 0, clock)
        self._refused: OrderedDict[str, str] = OrderedDict()

    def guard(self, queue: Queue) -> None:
        """Let nothing into the queue but what may begin; to be called behind ``demo.queue``."""
        push = queue.push

        async def guarded(body: Any, request: Any, username: str | None) -> Any:
            fn = queue.blocks.fns.get(body.fn_index)
            _forget_gone(queue)
            if fn is None or fn.concurrency_id not in WAIT_QUEUES:
                return await push(body, request, username)
            is_run = fn.concurrency_id in RUN_QUEUES
            # Who names no session, such as a program's single call, has his address alone.
            session, address = body.session_hash or "", _network(request)
            with speaking(_language_of(fn.page)):
                waiting = _waiting(queue)
                refusal = self.refusal(session, address, waiting, queue.max_size, is_run=is_run)
            if refusal is not None:
                self._remember(session, refusal.why)
                later = {} if refusal.seconds is None else {"Retry-After": str(refusal.seconds)}
                raise HTTPException(429, refusal.why, later)
            pushed = await push(body, request, username)
            if pushed[0] and is_run:
                self.sessions.add(session)
                self.addresses.add(address)
            return pushed

        queue.push = guarded  # type: ignore[method-assign]

    def refusal(
        self,
        session: str,
        address: str,
        waiting: list[tuple[str, str]],
        queue_size: int | None,
        *,
        is_run: bool = True,
    ) -> Refusal | None:
        """Why a run may not begin; None where it may.

        Args:
            waiting: (session, address) of all runs that wait or run.
            queue_size: how many may wait at all.
            is_run: whether it counts as one; else it waits for a model alone.
        """
        if session and sum(one == session for one, _ in waiting) >= self.waiting:
            return Refusal(text.TOO_MANY_WAIT.format(most=self.waiting))
        for starts, who, words in (
            (self.sessions, session, text.TOO_OFTEN),
            (self.addresses, address, text.TOO_OFTEN_HERE),
        ):
            seconds = math.ceil(starts.seconds_to_wait(who)) if who and is_run else 0
            if seconds:
                return Refusal(words.format(most=starts.most, seconds=seconds), seconds)
        share = math.inf if queue_size is None else max(1, queue_size * ADDRESS_SHARE)
        if self.knows_addresses and sum(one == address for _, one in waiting) >= share:
            return Refusal(text.ADDRESS_WAITS)
        return None

    def why_refused(self, session: str | None, otherwise: str) -> str:
        """What that session was refused for last, told once; else ``otherwise``."""
        return self._refused.pop(session or "", otherwise)

    def _remember(self, session: str, why: str) -> None:
        self._refused[session] = why
        if len(self._refused) > MOST_KEPT:
            self._refused.popitem(last=False)


def addresses_are_visitors(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a connection's address is its visitor's: on Spaces it is a proxy's, until uvicorn is
    told by FORWARDED_ALLOW_IPS to believe that proxy."""
    return "SPACE_ID" not in environment or "FORWARDED_ALLOW_IPS" in environment


def _waiting(queue: Queue) -> list[tuple[str, str]]:
    return [(event.session_hash, _network(event.request)) for event in _model_events(queue)]


def _model_events(queue: Queue) -> Iterator[Event]:
    """Who waits for a model, then who runs one. Gradio itself forgets those who leave."""
    for name in WAIT_QUEUES & queue.event_queue_per_concurrency_id.keys():
        yield from queue.event_queue_per_concurrency_id[name].queue
    for job in queue.active_jobs:
        yield from (event for event in job or () if event.concurrency_id in WAIT_QUEUES)


def _forget_gone(queue: Queue) -> None:
    """Gradio keeps a set for every session that ever ran anything."""
    pending = queue.pending_event_ids_session
    if len(pending) > MOST_KEPT:
        for session, events in list(pending.items()):
            if events.isdisjoint(queue.event_ids_to_events):
                del pending[session]


def _network(request: Any) -> str:
    """Where a request comes from; of IPv6, where one household has 2**64 addresses, their part in
    common."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def _language_of(page: str) -> str:
    codes = {one.path: code for code, one in LANGUAGES.items()}
    return codes.get(page, FIRST)
