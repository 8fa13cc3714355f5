"""What the web server adds to the page: a health check, headers that keep it to itself, a gate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..requests.upload_limits import UploadLimits
from ..settings import UPLOAD_MB
from ..words.language import FIRST, LANGUAGES
from .gate import Gate
from .page_language import PageLanguage
from .page_making import PageMaking

if TYPE_CHECKING:
    from ..service.service import Service

# Scripts may be inline and evaluated, because Gradio's own and those of `gr.HTML` are; what the
# policy gives is that no page of ours, whatever stands in it, talks to another server.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def app_arguments(
    service: Service,
    environment: Mapping[str, str] = os.environ,
    *,
    upload_mb: int = UPLOAD_MB,
    uploads: UploadLimits | None = None,
    usual_language: str = FIRST,
) -> dict[str, Any]:
    """What `launch(app_kwargs=...)` takes.

    Args:
        upload_mb: size of one upload in megabytes.
        uploads: how much may be uploaded; None sets no limit.
        usual_language: as for `app.ui.build_demo`.

    On Spaces the page lies in a frame whose script comes from another server, so there the content
    policy is left out.
    """
    headers = dict(HEADERS)
    if "SPACE_ID" not in environment:
        headers["Content-Security-Policy"] = _POLICY

    def health(request: Request) -> Response:
        """200 while the page can be used or will be; 503 when the model could not be loaded, and
        while the server is being stopped."""
        state = service.state
        status = 503 if state in ("failed", "stopping") else 200
        return JSONResponse({"status": state, "model": service.model_name}, status)

    def is_there(request: Request) -> Response:
        """To a question without a wish for the page. Gradio asks it when it starts, and gives up
        where a busy machine takes longer than three seconds to make a page that nobody reads."""
        return Response(media_type="text/html")

    def without_slash(request: Request) -> Response:
        """To a page's own address, told from where the request came to: Gradio would lead out of
        the prefix that a proxy has taken away, and forget the view."""
        name = request.url.path.rstrip("/").rpartition("/")[2]
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"../{name}{query}")

    pages = [Route(f"/{one.path}/", without_slash) for one in LANGUAGES.values() if one.path]
    return {
        "routes": [Route("/healthz", health), Route("/", is_there, methods=["HEAD"]), *pages],
        "middleware": [
            Middleware(_WithHeaders, headers=headers),
            Middleware(Gate, upload_mb=upload_mb, limits=uploads),
            Middleware(PageMaking), Middleware(PageLanguage, usual=usual_language),
        ],
    }  # fmt: skip


class _WithHeaders:
    """Adds headers to every response; a stream passes through as it comes."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    answered.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)
