"""What is turned away before Gradio reads it: bodies too large to keep, and files from elsewhere.

Gradio holds the JSON of a request in memory whatever its size, and downloads what a request names
by an http address: from any component, and for whoever asks for ``/file=http...``. This server
fetches nothing for anybody; of files, a request may name those that were uploaded here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.uploads import keep_upload

MOST_BYTES = 4_000_000
"""Of a request that is no upload: the longest question and a drawing take far less."""
MOST_FILES = 8
"""Uploaded at once, each as large as one may be."""
# As `gradio_client.utils.is_http_url_like` sees an address.
_FILE_ELSEWHERE = re.compile(r"/file=https?://")

TOO_LARGE = "The request is larger than {limit:g} MB; send less."
ELSEWHERE = "Only a file that was uploaded here is opened; upload it."
NESTED = "The request is nested too deeply."


class Gate:
    """ASGI middleware; every other request passes through as it comes.

    Args:
        upload_mb: size of one upload in megabytes, which Gradio checks file by file.
    """

    def __init__(self, app: ASGIApp, upload_mb: int) -> None:
        self.app = app
        # Its parts have headers of their own.
        self.most_uploaded = MOST_FILES * upload_mb * 2**20 + MOST_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if _FILE_ELSEWHERE.search(scope["path"]):
            return await _refuse(403, ELSEWHERE, scope, receive, send)
        if scope["method"] != "POST":
            return await self.app(scope, receive, send)
        is_upload = scope["path"].rstrip("/").endswith("/upload")
        limit = self.most_uploaded if is_upload else MOST_BYTES
        told = Headers(scope=scope).get("content-length", "")
        too_large = TOO_LARGE.format(limit=limit / 1e6)
        if told.isdecimal() and int(told[:20]) > limit:
            return await _refuse(413, too_large, scope, receive, send)
        if is_upload:
            return await keep_upload(self.app, scope, _cut_off(receive, limit), send)
        body = await _whole(receive, limit)
        if body is None:
            return await _refuse(413, too_large, scope, receive, send)
        try:
            is_elsewhere = _names_file_elsewhere(json.loads(body))
        except RecursionError:
            return await _refuse(400, NESTED, scope, receive, send)
        except ValueError:
            is_elsewhere = False  # no JSON, so Gradio finds no file in it
        if is_elsewhere:
            return await _refuse(400, ELSEWHERE, scope, receive, send)
        await self.app(scope, _again(body, receive), send)


async def _refuse(status: int, words: str, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": words}, status)(scope, receive, send)


async def _whole(receive: Receive, limit: int) -> bytes | None:
    """The body; None when it is larger than the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hands the body on in one piece, then what comes behind it: that the client has gone."""
    is_told = False

    async def told() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return told


def _cut_off(receive: Receive, limit: int) -> Receive:
    """Hands on a body that did not tell its size, until it is too large."""
    seen = 0

    async def told() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= limit else {"type": "http.disconnect"}

    return told


def _names_file_elsewhere(document: Any) -> bool:
    """Whether something in it is a file, as Gradio understands it, that was not uploaded here."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and not _is_uploaded(path):
                return True
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return False


def _is_uploaded(path: str) -> bool:
    try:
        return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
    except (OSError, ValueError):
        return False
