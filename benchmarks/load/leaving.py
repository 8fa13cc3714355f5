"""How soon the model is free when a visitor leaves, or cancels, in the middle of a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.load.page import Page, Watch

WAYS: dict[str, Callable[[Page], Awaitable[None]]] = {
    "closed": Page.close, "cancelled": Page.cancel,
}  # fmt: skip


async def seconds_until_free(address: str, way: str) -> float:
    """From the moment in which one visitor ends a run to the first step of the next one's.

    The first repeats the calibration, which is by far the longest run of the page.
    """
    first, second = Page(address, "10.1.0.1"), Page(address, "10.1.0.2")
    try:
        await asyncio.gather(first.open(), second.open())
        long, next_one = Watch(), Watch()
        running = asyncio.create_task(first.do("calibrate-bundled", "click", long))
        await _until(lambda: long.events > 2, running)
        waiting = asyncio.create_task(second.do("run", "click", next_one))
        await _until(lambda: next_one.joined, waiting)
        ended = time.perf_counter()
        await WAYS[way](first)
        await waiting
        await asyncio.gather(running, return_exceptions=True)
        if next_one.working is None:
            raise RuntimeError("the next run never began")
        return next_one.working - ended
    finally:
        await first.close()
        await second.close()


async def _until(condition: Callable[[], bool], task: asyncio.Task[None]) -> None:
    while not condition():
        if task.done():
            task.result()
            raise RuntimeError("a run ended too soon")
        await asyncio.sleep(0.02)
