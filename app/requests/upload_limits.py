"""How often, and how much, may be uploaded from one network address.

An upload names no session, so the address is all that is known of its sender. Where that is not
known either, all such visitors together have what many addresses have.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import Scope

from .rates import Quota, Starts
from .refusals import RequestRefused
from .visitors import Networks

UPLOADS_PER_MINUTE = 300
QUOTA_MB = 1000
_UNKNOWN = 10
"""As many addresses may hide behind one that is not known."""


class UploadLimits:
    """The limits of one server. Used in the server's own thread alone.

    Args:
        per_minute: uploads of one address; 0: any number.
        quota_mb: megabytes that it may upload; they come back within an hour. 0: any number.
    """

    def __init__(
        self,
        per_minute: int = UPLOADS_PER_MINUTE,
        quota_mb: int = QUOTA_MB,
        networks: Networks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.networks = Networks() if networks is None else networks
        self._starts, self._quota = (
            {known: Starts(per_minute * share, clock) for known, share in _SHARES.items()},
            {known: Quota(quota_mb * share * 10**6, clock) for known, share in _SHARES.items()},
        )

    def begin(self, scope: Scope, size: int) -> None:
        """One upload begins; raises RequestRefused where it may not.

        Args:
            size: bytes, as the request tells it; 0 where it does not.
        """
        who = self.networks.of_scope(scope)
        starts = self._starts[bool(who)]
        if seconds := starts.seconds_to_wait(who):
            raise RequestRefused(429, "UPLOADS_TOO_OFTEN", seconds, most=starts.most)
        self._check_size(who, max(size, 1))
        starts.add(who)

    def add(self, scope: Scope, size: int) -> None:
        """So many bytes have come; raises RequestRefused when that was too much."""
        who = self.networks.of_scope(scope)
        self._check_size(who, size)
        self._quota[bool(who)].add(who, size)

    def _check_size(self, who: str, size: int) -> None:
        quota = self._quota[bool(who)]
        if size > quota.left(who):
            seconds = quota.seconds_to_wait(who, size)
            raise RequestRefused(429, "UPLOADED_TOO_MUCH", seconds, most=quota.most // 10**6)


_SHARES = {True: 1, False: _UNKNOWN}
"""Whether an address is known -> how many it counts for."""
