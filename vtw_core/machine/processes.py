"""Which of several processes this one is, and how their results come together (torchrun)."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from vtw_core.errors import VTWError

T = TypeVar("T")
# The fastest process waits for the slowest: as long as a long calibration takes.
PATIENCE = timedelta(days=7)


def rank() -> int:
    """0 in the first process, and where there is only one."""
    return int(os.environ.get("RANK", "0"))


def size() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_device() -> str | None:
    """With several processes on one machine and several GPUs, each takes its own."""
    import torch

    if size() == 1 or not torch.cuda.is_available():
        return None
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"


def leave() -> None:
    """Part from the other processes, at the end of a program."""
    if size() > 1:
        import torch.distributed as dist

        if dist.is_initialized():
            dist.destroy_process_group()


def gathered(work: Callable[[], T]) -> list[T] | None:
    """Do the work in every process; give process 0 what each made, in order, and the others None.

    Process 0 also speaks for all: a VTWError of any process is raised there, once.
    """
    if size() == 1:
        return [work()]
    import torch.distributed as dist

    dist.init_process_group("gloo", timeout=PATIENCE)
    try:
        outcome: tuple[T | None, VTWError | None]
        try:
            outcome = (work(), None)
        except VTWError as error:
            outcome = (None, error)
        outcomes: list[Any] | None = [None] * size() if rank() == 0 else None
        dist.gather_object(outcome, outcomes)
    finally:
        dist.destroy_process_group()
    if outcomes is None:
        return None
    for _, problem in outcomes:
        if problem is not None:
            raise problem
    return [value for value, _ in outcomes]
