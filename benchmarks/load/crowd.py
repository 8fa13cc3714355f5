"""Many visitors at once, each with their own questions, for a bounded time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.words import page as text
from benchmarks.load.page import Page, Refused, Watch
from benchmarks.load.questions import Request

LEAVES, COMPARES = 0.15, 0.15
"""How often a visitor closes their tab in the middle of a run, or compares methods after it."""
_READS = (0.5, 4.0)  # seconds between a visitor's questions
_TRIES_AGAIN = (5.0, 15.0)  # seconds after a refusal: the page says "in a minute"


@dataclass
class Seen:
    """What all visitors met."""

    opened: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    ran: list[float] = field(default_factory=list)
    compared: list[float] = field(default_factory=list)
    left: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    memory_mb: list[tuple[float, float]] = field(default_factory=list)

    def note_refusal(self, words: str) -> None:
        self.refused[words] = self.refused.get(words, 0) + 1


async def visit_for(
    address: str,
    requests: Sequence[Request],
    seconds: float,
    *,
    seed: int = 0,
    pace: float = 1.0,
    memory_mb: Callable[[], float] | None = None,
) -> Seen:
    """One visitor for each of ``requests``; nothing new is started after ``seconds``.

    Args:
        pace: multiplies the pauses between requests.
        memory_mb: memory of the server, sampled once a second.
    """
    seen, start = Seen(), time.monotonic()
    tasks = [
        asyncio.create_task(
            _Visitor(
                address, one, number, seen, random.Random(f"{seed} {number}"), pace
            ).come_and_go(start + seconds)
        )
        for number, one in enumerate(requests)
    ]
    everyone = asyncio.gather(*tasks)
    while not everyone.done():
        if memory_mb is not None:
            seen.memory_mb.append((time.monotonic() - start, memory_mb()))
        await asyncio.wait([everyone], timeout=1.0)
    everyone.result()
    return seen


class _Visitor:
    def __init__(
        self,
        address: str,
        request: Request,
        number: int,
        seen: Seen,
        rng: random.Random,
        pace: float,
    ) -> None:
        self.address, self.request, self.seen, self.rng = address, request, seen, rng
        self.pace = pace
        self.network = f"10.0.{number // 250}.{number % 250 + 1}"

    async def come_and_go(self, until: float) -> None:
        await asyncio.sleep(self.rng.uniform(0, min(10.0, (until - time.monotonic()) / 4)))
        while time.monotonic() < until:
            began = time.perf_counter()
            page = Page(self.address, self.network)
            try:
                await page.open()
                self.seen.opened.append(time.perf_counter() - began)
                await self._stay(page, until)
            except httpx.HTTPError as problem:
                self.seen.wrong.append(f"the connection failed: {problem!r}")
            finally:
                await page.close()

    async def _stay(self, page: Page, until: float) -> None:
        """Ask one to three times, and go."""
        await page.upload("picture", "drawing.png", self.request.picture)
        page.put("question", self.request.prompt)
        for _ in range(self.rng.randint(1, 3)):
            if time.monotonic() > until:
                return
            if self.rng.random() < LEAVES:
                await self._leave_in_the_middle(page)
                return
            if not await self._run(page):
                await self._pause(_TRIES_AGAIN)
                continue
            if self.rng.random() < COMPARES:
                await self._compare(page)
            await self._pause(_READS)

    async def _pause(self, between: tuple[float, float]) -> None:
        await asyncio.sleep(self.pace * self.rng.uniform(*between))

    async def _run(self, page: Page) -> bool:
        watch = Watch()
        if not await self._taken(page, "run", watch, page_says=_notice):
            return False
        shown = page.value("workbench")
        difference = (
            self.request.difference(shown) if shown["phase"] == "done" else str(shown)[:200]
        )
        if difference:
            self.seen.wrong.append(difference)
        self._clock(watch, self.seen.ran)
        return True

    async def _compare(self, page: Page) -> None:
        watch = Watch()
        if not await self._taken(page, "methods-run", watch, page_says=_methods_notice):
            return
        cards = page.value("methods-answers")["cards"]
        answer = " ".join(words for words, _ in cards[0]["pieces"]).split() if cards else []
        expected = self.request.expected["answers"][-1]["baseline"]
        target = " ".join(words for words, _ in expected).split()
        if answer != target:
            self.seen.wrong.append(f"a comparison's baseline: {answer}, not {target}")
        self._clock(watch, self.seen.compared)

    async def _taken(
        self, page: Page, button: str, watch: Watch, page_says: Callable[[Page], Any]
    ) -> bool:
        """Whether a run was taken; if not, the page must say so in a sentence of its own."""
        try:
            await page.do(button, "click", watch)
            return True
        except Refused as refused:
            notice = page_says(page)
            known = notice in (text.QUEUE_IS_FULL, refused.words)
            if refused.status not in (429, 503) or not known:
                self.seen.wrong.append(f"{refused}; the page says: {notice}")
            self.seen.note_refusal(str(notice))
            return False

    async def _leave_in_the_middle(self, page: Page) -> None:
        running = asyncio.create_task(page.do("run", "click"))
        await asyncio.wait([running], timeout=self.rng.uniform(0.1, 3.0))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        self.seen.left += 1

    def _clock(self, watch: Watch, ran: list[float]) -> None:
        assert watch.started is not None
        assert watch.ended is not None
        self.seen.waited.append(watch.started - watch.requested)
        ran.append(watch.ended - watch.started)


def _notice(page: Page) -> Any:
    return (page.value("workbench").get("notice") or {}).get("text")


def _methods_notice(page: Page) -> Any:
    return (page.value("methods-answers").get("notice") or {}).get("text")
