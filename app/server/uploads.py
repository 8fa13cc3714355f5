"""An upload that is too much, or ends too soon: what was written of it goes; its sender is told.

Gradio deletes the parts of an upload that is malformed or too large. Those of one that is broken
off, or that finds the disk full, it would leave for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from traceback import walk_tb

from gradio.route_utils import GradioMultiPartParser
from gradio.routes import file_upload_statuses
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..requests.faults import disk_fault
from ..requests.refusals import TurnedAway
from ..requests.upload_limits import UploadLimits
from .upload_parts import Parts

log = logging.getLogger(__name__)

MOST_FILES = 8
"""Uploaded at once, each as large as one may be."""
MOST_PROGRESS = 1_000


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

    async def heard() -> Message:
        nonlocal is_whole, seen
        message = await receive()
        is_whole = not message.get("more_body", False)
        piece = message.get("body", b"")
        seen += len(piece)
        if seen > most:
            raise TurnedAway(413, "REQUEST_TOO_LARGE", limit=f"{most / 1e6:.4g} MB")
        limits.add(scope, len(piece))
        parts.add(piece)
        return message

    async def told(message: Message) -> None:
        nonlocal is_answered
        is_answered = True
        await send(message)

    try:
        limits.begin(scope, int(size[:20]) if size.isdecimal() else 0)
        return await app(scope, heard, told)
    except BaseException as problem:
        _forget_parts(problem)
        if isinstance(problem, ClientDisconnect):
            return None
        if isinstance(problem, TurnedAway) and not is_answered:
            refusal = problem
        elif isinstance(problem, OSError) and not is_answered:
            log.error("an upload could not be kept: %s", problem)
            refusal = TurnedAway(507, disk_fault(problem))
        else:
            raise
    await refusal.answer(scope, receive, send, drain=not is_whole)


def _forget_parts(problem: BaseException) -> None:
    """Delete the files that Gradio was writing when it failed."""
    for frame, _ in walk_tb(problem.__traceback__):
        parser = frame.f_locals.get("self")
        if isinstance(parser, GradioMultiPartParser):
            for file in parser._files_to_close_on_error:
                with suppress(OSError):  # it writes what it still holds, to the full disk
                    file.close()
                Path(file.name).unlink(missing_ok=True)


def forget_progress() -> None:
    """Gradio remembers the name of each upload until somebody asks how far it is, and of whoever
    asks."""
    kept: tuple[Mapping[str, object], ...] = (
        file_upload_statuses._statuses, file_upload_statuses._signals,
    )  # fmt: skip
    for names in kept:
        for name in list(names)[:-MOST_PROGRESS]:
            del names[name]  # type: ignore[attr-defined]
