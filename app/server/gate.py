"""What is turned away before Gradio reads it: what is too large, and files from elsewhere.

Gradio holds the JSON of a request in memory whatever its size, goes through it several times in the
loop that answers everybody, and downloads what a request names by an http address: from any
component, and for whoever asks for ``/file=http...``. This server fetches nothing for anybody; of
files, a request may name those that were uploaded here.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..gradio_internals import (
    DRAWING,
    FILE_ELSEWHERE,
    RECORDING,
    UPLOAD,
    UPLOAD_PROGRESS,
    forget_upload_progress,
)
from ..requests.forgotten import check_known
from ..requests.refusals import RequestRefused
from ..requests.upload_limits import UploadLimits
from .bodies import MOST_BYTES, Uploads, check_body
from .upload_parts import Parts
from .uploads import MOST_FILES, keep_upload

MOST_DRAWN = 4_000_000
"""Of what the canvas sends."""
# Of an address and of all headers, which uvicorn's own limit need not bound.
_LONGEST_PATH, _LONGEST_QUERY, _LONGEST_HEADERS = 4_096, 32_768, 65_536
# Of an upload, and of who asks how far it is: Gradio keeps the name that stands there.
_LONGEST_OF_UPLOAD = 500
# Of uploads it is remembered how far they are.
_MOST_PROGRESS = 1_000


class Gate:
    """ASGI middleware; every other request passes through as it comes.

    Args:
        upload_mb: size of one upload in megabytes, which Gradio checks file by file.
        limits: how much may be uploaded; None sets none.
    """

    def __init__(self, app: ASGIApp, upload_mb: int, limits: UploadLimits | None = None) -> None:
        self.app = app
        # Its parts have headers of their own.
        self.most = MOST_FILES * upload_mb * 2**20 + MOST_BYTES
        self.limits = UploadLimits(0, 0) if limits is None else limits
        self.uploads = Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            _check_head(scope)
            if scope["method"] != "POST":
                return await self.app(scope, receive, send)
            where = _last_part(scope)
            if where == UPLOAD:
                _check_content_length(scope, self.most)
                return await keep_upload(self.app, scope, receive, send, self.limits, self.most)
            is_drawing = where == DRAWING and _is_multipart(scope)
            limit = MOST_DRAWN if is_drawing else MOST_BYTES
            _check_content_length(scope, limit)
            body = await _whole(receive, limit)
            if is_drawing:
                self.limits.add(scope, len(body))
                Parts(Headers(scope=scope)["content-type"]).add(body)
            else:
                check_known(scope, check_body(body, self.uploads))
        except RequestRefused as refusal:
            return await refusal.answer(scope, receive, send, drain=False)
        await self.app(scope, _again(body, receive), send)


def _check_head(scope: Scope) -> None:
    """Refuse too long an address or headers, a file elsewhere, and Gradio's screen recordings.

    Recordings would run a program on what is sent and keep a file.

    Raises:
        RequestRefused: for any of these.
    """
    path, query = scope["path"], scope.get("query_string", b"")
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    of_upload = _last_part(scope) in (UPLOAD, UPLOAD_PROGRESS)
    longest = _LONGEST_OF_UPLOAD if of_upload else _LONGEST_QUERY
    if (
        len(scope.get("raw_path") or path) > _LONGEST_PATH
        or len(query) > longest
        or headers > _LONGEST_HEADERS
    ):
        raise RequestRefused(414, "ADDRESS_TOO_LONG")
    if of_upload:
        forget_upload_progress(_MOST_PROGRESS)
    if _last_part(scope) == RECORDING:
        raise RequestRefused(404, "NO_SUCH_EVENT")
    if FILE_ELSEWHERE.search(path):
        raise RequestRefused(403, "ELSEWHERE")


def _last_part(scope: Scope) -> str:
    """The last part of the path: the page may be behind a prefix."""
    last: str = scope["path"].rstrip("/").rpartition("/")[2]
    return last


def _check_content_length(scope: Scope, limit: int) -> None:
    """Raises RequestRefused when the Content-Length header exceeds the limit."""
    length = Headers(scope=scope).get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise RequestRefused(413, "REQUEST_TOO_LARGE", limit=_size(limit))


def _size(limit: int) -> str:
    return f"{limit / 1e6:.4g} MB" if limit >= 1e6 else f"{limit / 1e3:.4g} kB"


def _is_multipart(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-type", "").startswith("multipart/form-data")


async def _whole(receive: Receive, limit: int) -> bytes:
    """The body; raises RequestRefused when it is larger than the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise RequestRefused(413, "REQUEST_TOO_LARGE", limit=_size(limit))
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """A receiver that passes the body in one piece, then the messages after it: the disconnect."""
    is_passed = False

    async def replayed() -> Message:
        nonlocal is_passed
        if is_passed:
            return await receive()
        is_passed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
