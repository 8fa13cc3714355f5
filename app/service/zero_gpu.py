"""ZeroGPU on Hugging Face Spaces: a GPU for the seconds that a job takes.

There all models are loaded before the page starts; each job runs in a process forked from this one,
which is given a GPU. Arguments and results are pickled on their way, the model goes by its name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from typing import Any

Run = Callable[..., Generator[Any, None, None]]

_LONGEST = 120
_PER_ITEM = 6


def is_here(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the page runs on ZeroGPU."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def seconds(model: str, job: Callable[..., Any], *arguments: Any) -> int:
    """How long a GPU is asked for: the shorter, the sooner a visitor's turn comes.

    An estimate, never measured on a GPU: some seconds to bring weights there, and for each question
    what about four generations of its answer may take (measured on a CPU, `benchmarks`).
    """
    items = len(arguments[0]) if job.__name__ == "calibrate" else 1
    tokens = max((one for one in arguments if isinstance(one, int)), default=64)
    return min(_LONGEST, 15 + items * max(_PER_ITEM, tokens // 4))


def on_gpu(run: Run) -> Run:
    """What runs a job, on a GPU."""
    import spaces  # on Spaces only, and before anything touches CUDA

    def run_on_gpu(
        model: str, job: Callable[..., Any], *arguments: Any
    ) -> Generator[Any, None, None]:
        yield from run(model, job, *arguments)

    wrapped: Run = spaces.GPU(duration=seconds)(run_on_gpu)
    return wrapped
