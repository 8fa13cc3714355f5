"""Whether the server still knows the page that a request comes from.

Gradio keeps what each page has done under a name of the page's. Where that is gone (the server was
restarted, newer visitors took the room, the page slept for more than an hour), it goes on with the
page as it opens, without a word.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from ..gradio_internals import is_forgotten
from .refusals import RequestRefused

HEADER = "X-VTW-Known"
"""Sent by a page that was answered before (components/kept_visit.js); programs need not."""


def check_known(scope: Scope, session: str) -> None:
    """Raises RequestRefused when a page that was answered before is not known any more."""
    is_known_page = session and HEADER in Headers(scope=scope)
    if is_known_page and is_forgotten(scope.get("app"), session):
        raise RequestRefused(410, "FORGOTTEN")
