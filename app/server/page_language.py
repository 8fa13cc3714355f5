"""The page as it leaves the server says which language it is in, and so does its browser; who wants
another language is taken there at once, and sees it in the colours that he chose last.

Gradio takes its own words ("Drop File Here") from ``navigator.language``: from the visitor's
browser, whatever the page speaks.
"""

from __future__ import annotations

import json

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..components import theme_switch
from ..components.language import arrival
from ..gradio_internals import in_head
from ..words.language import FIRST, LANGUAGES

_CODES = {language.path: code for code, language in LANGUAGES.items()}


class PageLanguage:
    """Writes it into the HTML of a page; everything else passes through as it comes.

    Args:
        usual: as for `app.components.language.language_switch`.
    """

    def __init__(self, app: ASGIApp, usual: str = FIRST) -> None:
        self.app = app
        self.usual = usual

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        # The page may stand behind a prefix.
        code = _CODES.get(scope["path"].rstrip("/").rpartition("/")[2]) if is_read else None
        if code is None:
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
            page = in_language(body.decode("utf-8"), code, self.usual).encode("utf-8")
            MutableHeaders(scope=start)["content-length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, send_in_language)


def in_language(page: str, code: str, usual: str) -> str:
    """The HTML of a page that is in a language, whatever the browser prefers.

    What the visitor prefers stays in ``navigator.languages``, by which the switch of languages
    goes.
    """
    tag = LANGUAGES[code].tag
    told = f"Object.defineProperty(navigator, 'language', {{ value: {json.dumps(tag)} }});"
    head = f"<script>{told}\n{arrival(code, usual)}\n{theme_switch.arrival()}</script>"
    # A browser that is told of no icon looks for it outside of a proxy's prefix.
    return in_head(page, tag, head + '<link rel="icon" href="./favicon.ico">')


def _is_plain_html(message: Message) -> bool:
    headers = MutableHeaders(scope=message)
    is_html = headers.get("content-type", "").startswith("text/html")
    return is_html and "content-encoding" not in headers
