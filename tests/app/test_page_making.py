"""However many open the page at once, two are made at a time, and all get theirs."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse

from app.server.page_making import PageMaking


@pytest.mark.parametrize(("path", "most"), [("/", 2), ("/zh", 2), ("/vtw/zh/", 2), ("/config", 2),
                                            ("/theme.css", 6)])  # fmt: skip
def test_pages_are_made_two_at_a_time(path, most):
    now, seen = [], []

    async def makes(scope, receive, send):
        now.append(1)
        seen.append(len(now))
        await asyncio.sleep(0.02)
        now.pop()
        await PlainTextResponse(f"page of {scope['query_string'].decode()}")(scope, receive, send)

    async def visit():
        transport = httpx.ASGITransport(PageMaking(makes))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            answers = await asyncio.gather(*(client.get(f"{path}?{at}") for at in range(6)))
        return [answer.text for answer in answers]

    assert asyncio.run(visit()) == [f"page of {at}" for at in range(6)]
    assert max(seen) == most


def test_a_page_that_cannot_be_made_leaves_room():
    async def fails(scope, receive, send):
        raise RuntimeError("no page")

    async def visit():
        made = PageMaking(fails)
        for _ in range(5):
            with pytest.raises(RuntimeError):
                await made({"type": "http", "method": "GET", "path": "/"}, None, None)
        return made.room.locked()

    assert asyncio.run(visit()) is False
