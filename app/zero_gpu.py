"""ZeroGPU on Hugging Face Spaces: a GPU for the seconds that a job takes.

There the model is loaded before the page starts; each job runs in a process forked from this one,
which is given a GPU; arguments and results are pickled on their way.
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


def seconds(job: Callable[..., Any], *arguments: Any) -> int:
    """How long a GPU is asked for: the shorter, the sooner a visitor's turn comes.

    A question costs about four generations of its answer (`benchmarks`), and loading weights onto
    the GPU a few seconds; a calibration as much for each of its questions.
    """
    items = len(arguments[0]) if job.__name__ == "calibrate" else 1
    tokens = max((one for one in arguments if isinstance(one, int)), default=64)
    return min(_LONGEST, 15 + items * max(_PER_ITEM, tokens // 4))


def on_gpu(run: Run) -> Run:
    """What runs a job, on a GPU."""
    import spaces  # on Spaces only, and before anything touches CUDA

    def run_on_gpu(job: Callable[..., Any], *arguments: Any) -> Generator[Any, None, None]:
        yield from run(job, *arguments)

    wrapped: Run = spaces.GPU(duration=seconds)(run_on_gpu)
    return wrapped
