"""The page as it leaves the server says which language it is in, and so does its browser.

Gradio writes ``<html lang="en">`` for everybody and takes its own words ("Drop File Here") from
``navigator.language``: from the visitor's browser, whatever the page speaks.
"""

from __future__ import annotations

import json
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.language import LANGUAGES

_TAGS = {language.path: language.tag for language in LANGUAGES.values()}


class PageLanguage:
    """Sets both in the HTML of a page; everything else passes through as it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        # The page may stand behind a prefix.
        tag = _TAGS.get(scope["path"].rstrip("/").rpartition("/")[2]) if is_read else None
        if tag is None:
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def send_in_language(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_plain_html(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = in_language(body.decode("utf-8"), tag).encode("utf-8")
            MutableHeaders(scope=start)["content-length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, send_in_language)


def in_language(page: str, tag: str) -> str:
    """The HTML of a page that is in a language, whatever the browser prefers.

    What the visitor prefers stays in ``navigator.languages``, by which the switch of languages
    goes.
    """
    page = re.sub(r'(<html\b[^>]*?\blang=)"[^"]*"', rf'\1"{tag}"', page, count=1)
    told = f"Object.defineProperty(navigator, 'language', {{ value: {json.dumps(tag)} }});"
    return re.sub(r"(<head\b[^>]*>)", rf"\1<script>{told}</script>", page, count=1)


def _is_plain_html(message: Message) -> bool:
    headers = MutableHeaders(scope=message)
    is_html = headers.get("content-type", "").startswith("text/html")
    return is_html and "content-encoding" not in headers
