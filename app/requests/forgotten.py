"""Whether the server still knows the page that a request comes from.

Gradio keeps what each page has done under a name of the page's. Where that is gone (the server was
restarted, newer visitors took the room, the page slept for more than an hour), it goes on with the
page as it opens, without a word.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from .refusals import TurnedAway

HEADER = "X-VTW-Known"
"""Sent by a page that was answered before (components/kept_visit.js); programs need not."""


def check_known(scope: Scope, session: str) -> None:
    """Raises TurnedAway when a page that was answered before is not known any more."""
    holder = getattr(scope.get("app"), "state_holder", None)
    if holder is None or not session or HEADER not in Headers(scope=scope):
        return
    state = holder.session_data.get(session)
    if state is None or _has_lost_some(state):
        raise TurnedAway(410, "FORGOTTEN")


def _has_lost_some(state: Any) -> bool:
    """Whether Gradio has deleted what an event had left; it keeps the note of when that was."""
    return any(key not in state.state_data for key in state._state_ttl)
