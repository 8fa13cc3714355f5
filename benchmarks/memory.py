"""Peak memory of a run, as Linux counts it, in a process of its own.

``python -m benchmarks.memory WAY WIDTH`` prints the bytes; see ``benchmarks.claims.recording``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Large blocks shall come from the system and go back to it: what the allocator keeps for later
# would hide what a run takes.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "262144"}


def peak_bytes_alone(way: str, width: int) -> int:
    """``peak_bytes`` of one way to run a prefill, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", way, str(width)],
        env={**os.environ, **_ALLOCATOR}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


def peak_bytes(run: Callable[[], object]) -> int:
    """Bytes that a run needs at its peak the second time, over what is held before; Linux only."""
    run()
    before = kilobytes("VmRSS")
    _RESET.write_text("5")  # sets the high-water mark back to what is held now
    run()
    return (kilobytes("VmHWM") - before) * 1024


def kilobytes(name: str) -> int:
    """What Linux says of this process under a name, such as VmRSS or VmHWM."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"{_STATUS} does not name {name}")


if __name__ == "__main__":
    from benchmarks.claims import ways_to_prefill

    print(peak_bytes(ways_to_prefill(int(sys.argv[2]))[sys.argv[1]]))
