"""Training data made by worker processes while the device trains."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch

Maker = Callable[[random.Random], Any]
"""Makes one batch."""


def _work(make: Maker, seed: int, queue: Any) -> None:
    torch.set_num_threads(1)
    rng = random.Random(seed)
    while True:
        queue.put(make(rng))


class Feed:
    """Batches of ``make``, from ``workers`` processes (0: made on the spot); a context manager."""

    def __init__(self, make: Maker, *, seed: int, workers: int, ahead: int = 24) -> None:
        self._make, self._rng = make, random.Random(seed)
        self._processes: list[Any] = []
        if workers:
            context = multiprocessing.get_context("fork")
            self._queue = context.Queue(ahead)
            self._processes = [
                context.Process(
                    target=_work, args=(make, seed * 1000 + i + 1, self._queue), daemon=True
                )
                for i in range(workers)
            ]

    def __enter__(self) -> Iterator[Any]:
        for process in self._processes:
            process.start()
        return self._batches()

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()

    def _batches(self) -> Iterator[Any]:
        while True:
            yield self._queue.get() if self._processes else self._make(self._rng)
