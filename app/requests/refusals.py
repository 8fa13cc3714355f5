"""How a request is refused: a status and one sentence, in the visitor's language."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from ..words import faults as text_faults
from ..words.language import speaking
from .visitors import language_of

_DRAINED = 200_000_000


class RequestRefused(Exception):
    """A request is refused.

    Args:
        status: of the answer.
        name: of the sentence, in `app.words.faults`.
        seconds: after which the request may be sent again.
        words: values of the sentence's placeholders.
    """

    def __init__(self, status: int, name: str, seconds: int = 0, **words: object) -> None:
        super().__init__(name)
        self.status, self.name, self.seconds, self.words = status, name, seconds, words

    async def answer(self, scope: Scope, receive: Receive, send: Send, *, drain: bool) -> None:
        """Send the refusal.

        Args:
            drain: whether to read the rest of the body first, up to a usual size: a browser that is
                still sending does not read the answer.
        """
        left = _DRAINED
        while drain and left > 0:
            message: Message = await receive()
            left -= len(message.get("body", b""))
            drain = bool(message.get("more_body", False))
        with speaking(language_of(scope)):
            sentence = getattr(text_faults, self.name).format(
                **self.words | ({"seconds": self.seconds} if self.seconds else {})
            )
        later = {"Retry-After": str(self.seconds)} if self.seconds else None
        await JSONResponse({"detail": sentence}, self.status, later)(scope, receive, send)
