"""How much of something each of many has had lately."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST_KEPT = 10_000
"""Visitors, and addresses, of whom anything is remembered; the oldest are forgotten."""
_MINUTE = 60.0
_HOUR = 3600.0


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

    def seconds_to_wait(self, who: str) -> int:
        """Until he may begin another; 0 when he may now."""
        times = self._times.get(who)
        if times is None or len(times) < self.most:
            return 0
        return math.ceil(max(0.0, times[0] + _MINUTE - self._clock()))

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


class Quota:
    """How many bytes each of many may still send: what was used comes back within an hour.

    Args:
        most: bytes; 0 for any number.
        clock: monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, who: str) -> float:
        """Bytes that he may send now."""
        return self.most - self._now(who) if self.most else math.inf

    def seconds_to_wait(self, who: str, size: int) -> int:
        """Until he may send so many bytes, or the whole quota, if that is less."""
        missing = min(size, self.most) - self.left(who)
        return math.ceil(missing / self.most * _HOUR) if missing > 0 else 0

    def add(self, who: str, size: int) -> None:
        """He has sent so many."""
        if not self.most:
            return
        self._used[who] = self._now(who) + size, self._clock()
        self._used.move_to_end(who)
        if len(self._used) > MOST_KEPT:
            self._used.popitem(last=False)

    def _now(self, who: str) -> float:
        used, at = self._used.get(who, (0.0, 0.0))
        return max(0.0, used - (self._clock() - at) / _HOUR * self.most)

    def __len__(self) -> int:
        return len(self._used)
