"""Whether anything grows while run follows run: objects, by type, and resident memory."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from app.service.service import Service
from benchmarks.load.page import Page
from benchmarks.load.questions import drawn
from benchmarks.serving import Server

BATCHES = 10
# Short answers: the same objects in less time.
_TOKENS = 4
_FEW_SESSIONS = 20
_DIFFERENT = 8
"""The number of different questions, used in turn."""


def objects() -> Counter[str]:
    """How many objects of each type the garbage collector knows."""
    urllib.parse.clear_cache()  # type: ignore[attr-defined]  # one entry for each address, at most 128
    gc.collect()
    found = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    del found["collections.Counter"]  # such as this one
    return found


def growing(counts: list[Counter[str]]) -> dict[str, int]:
    """Types of which each batch left more than the one before; by how many, from first to last."""
    return {
        name: counts[-1][name] - counts[0][name]
        for name in counts[-1]
        if all(late[name] > early[name] for early, late in pairwise(counts))
    }


def of_service(runs: int, report: Callable[[str], None]) -> dict[str, object]:
    """``runs`` runs in this process, without a page."""
    service = Service(answer_tokens=_TOKENS)
    service.load()
    counts, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        pictures = [Path(folder) / f"{number}.png" for number in range(_DIFFERENT)]
        prompts = []
        for number, path in enumerate(pictures):
            data, prompt = drawn(number)
            path.write_bytes(data)
            prompts.append(prompt)
        for batch in _batches(runs):
            for number in range(batch):
                at = number % _DIFFERENT
                for _ in service.explore(str(pictures[at]), prompts[at]):
                    pass
            counts.append(objects())
            memory.append(_resident_mb())
            report(f"service: {len(memory)} of {BATCHES}, {memory[-1]:.0f} MB")
    half = len(counts) // 2
    return {"runs": runs, "memory_mb": memory, "growing": growing(counts[half:])}


def of_server(runs: int, report: Callable[[str], None]) -> dict[str, object]:
    """``runs`` visitors of the page, one after the other, each with a run."""
    variables = {
        "VTW_ANSWER_TOKENS": str(_TOKENS), "VTW_SESSIONS": str(_FEW_SESSIONS),
        "VTW_RUNS_PER_MINUTE": "0",
    }  # fmt: skip
    memory = []
    with Server(variables) as server:
        for batch in _batches(runs):
            asyncio.run(_visits(server.address, batch))
            memory.append(server.resident_mb())
            report(f"server: {len(memory)} of {BATCHES}, {memory[-1]:.0f} MB")
    return {"runs": runs, "sessions": _FEW_SESSIONS, "memory_mb": memory}


async def _visits(address: str, count: int) -> None:
    for number in range(count):
        picture, prompt = drawn(number % _DIFFERENT)
        page = Page(address)
        try:
            await page.open()
            await page.upload("picture", "drawing.png", picture)
            page.put("question", prompt)
            await page.do("run", "click")
        finally:
            await page.close()


def _batches(runs: int) -> Iterator[int]:
    return iter([max(1, runs // BATCHES)] * BATCHES)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
