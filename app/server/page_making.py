"""Pages are made two at a time.

Gradio copies the whole page for each visitor who opens it, in a thread of its own for each: twenty
at once would hold up whoever is on the page already for as long as all of them take, and take a
hundred megabytes.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..gradio_internals import CONFIG
from ..words.language import LANGUAGES

_AT_ONCE = 2
_MADE = {*(language.path for language in LANGUAGES.values()), CONFIG}


class PageMaking:
    """ASGI middleware; everything else passes through as it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.room = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        # The page may stand behind a prefix.
        if not is_read or scope["path"].rstrip("/").rpartition("/")[2] not in _MADE:
            return await self.app(scope, receive, send)
        made: list[Message] = []

        async def keep(message: Message) -> None:
            made.append(message)

        async with self.room:
            await self.app(scope, receive, keep)
        # A slow client keeps nobody waiting.
        for message in made:
            await send(message)
