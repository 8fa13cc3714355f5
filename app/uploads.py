"""An upload that ends too soon: what was written of it goes, and who sent it is told why.

Gradio deletes the parts of an upload that is malformed or too large. Those of one that is broken
off, or that finds the disk full, it would leave for ever.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from traceback import walk_tb

from gradio.route_utils import GradioMultiPartParser
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.faults import disk_in_words

log = logging.getLogger(__name__)


async def keep_upload(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand an upload on; where it cannot be written, answer with one sentence."""
    is_whole, is_answered = False, False

    async def heard() -> Message:
        nonlocal is_whole
        message = await receive()
        is_whole = not message.get("more_body", False)
        return message

    async def told(message: Message) -> None:
        nonlocal is_answered
        is_answered = True
        await send(message)

    try:
        return await app(scope, heard, told)
    except BaseException as problem:
        _forget_parts(problem)
        if isinstance(problem, ClientDisconnect):
            return None
        if is_answered or not isinstance(problem, OSError):
            raise
        log.error("an upload could not be kept: %s", problem)
        words = disk_in_words(problem)
    # Who is cut off in the middle of his file sees no answer.
    while not is_whole:
        await heard()
    await JSONResponse({"detail": words}, 507)(scope, receive, send)


def _forget_parts(problem: BaseException) -> None:
    """Delete the files that Gradio was writing when it failed."""
    for frame, _ in walk_tb(problem.__traceback__):
        parser = frame.f_locals.get("self")
        if isinstance(parser, GradioMultiPartParser):
            for file in parser._files_to_close_on_error:
                with suppress(OSError):  # it writes what it still holds, to the full disk
                    file.close()
                Path(file.name).unlink(missing_ok=True)
