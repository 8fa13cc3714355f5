"""An upload that is too much, or ends too soon: what was written of it goes; its sender is told."""

from __future__ import annotations

import logging

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..gradio_internals import delete_half_written
from ..requests.faults import disk_fault
from ..requests.refusals import RequestRefused
from ..requests.upload_limits import UploadLimits
from .upload_parts import Parts

log = logging.getLogger(__name__)

MOST_FILES = 8
"""Uploaded at once, each as large as one may be."""


async def keep_upload(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, limits: UploadLimits, most: int
) -> None:
    """Hand an upload on; where it is too much or cannot be written, answer with one sentence.

    Args:
        most: bytes of the whole request.
    """
    is_whole, is_answered, seen = False, False, 0
    headers = Headers(scope=scope)
    parts = Parts(headers.get("content-type", ""))
    size = headers.get("content-length", "")

    async def counted() -> Message:
        nonlocal is_whole, seen
        message = await receive()
        is_whole = not message.get("more_body", False)
        piece = message.get("body", b"")
        seen += len(piece)
        if seen > most:
            raise RequestRefused(413, "REQUEST_TOO_LARGE", limit=f"{most / 1e6:.4g} MB")
        limits.add(scope, len(piece))
        parts.add(piece)
        return message

    async def answered(message: Message) -> None:
        nonlocal is_answered
        is_answered = True
        await send(message)

    try:
        limits.begin(scope, int(size[:20]) if size.isdecimal() else 0)
        return await app(scope, counted, answered)
    except BaseException as problem:
        delete_half_written(problem)
        if isinstance(problem, ClientDisconnect):
            return None
        if isinstance(problem, RequestRefused) and not is_answered:
            refusal = problem
        elif isinstance(problem, OSError) and not is_answered:
            log.error("an upload could not be kept: %s", problem)
            refusal = RequestRefused(507, disk_fault(problem))
        else:
            raise
    await refusal.answer(scope, receive, send, drain=not is_whole)
