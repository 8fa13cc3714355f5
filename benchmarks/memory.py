"""Peak memory of a run, as Linux counts it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

_M_MMAP_THRESHOLD = -3
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(run: Callable[[], object]) -> int:
    """Bytes that a run needs at its peak, over what the process held before; Linux only."""
    # What the allocator keeps for later would hide what the run takes: large blocks shall come
    # from the system and go back to it. That takes time, so measure times before.
    allocator = ctypes.CDLL(None)
    allocator.mallopt(_M_MMAP_THRESHOLD, 2**18)
    run()
    gc.collect()
    allocator.malloc_trim(0)
    before = _kilobytes("VmRSS")
    _RESET.write_text("5")  # sets the high-water mark back to what is held now
    run()
    return (_kilobytes("VmHWM") - before) * 1024


def _kilobytes(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"{_STATUS} does not name {name}")
