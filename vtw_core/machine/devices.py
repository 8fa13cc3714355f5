"""What this machine offers a model: device, dtype, free memory."""

import os
import re
from pathlib import Path
from typing import Any

MEMINFO = Path("/proc/meminfo")
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def best_device() -> str:
    """ "cuda" if there is one, else "mps", else "cpu"."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_dtype(device: str) -> str:
    """The dtype to run in: "bfloat16" where the device computes in it, "float32" on the CPU.

    On a CPU float32 is the dtype whose results the laws of docs/families.json were checked in (to
    1e-5), and the only one that is fast on every CPU; bfloat16, which halves the memory, is there
    on request. A CUDA device without bfloat16 gets float16.
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        # Every GPU of AMD's that torch runs on has it, of Nvidia's those from Ampere (8.0) on.
        has_bfloat16 = torch.version.hip or torch.cuda.get_device_capability(device) >= (8, 0)
        return "bfloat16" if has_bfloat16 else "float16"
    return "float16" if kind == "mps" else "float32"


def free_memory(device: str) -> int | None:
    """Bytes that can be taken on a device now, None where that is not known.

    On the CPU: what the system has available, or what is left under the process's cgroup limits
    (a container's) if that is less. On cuda: of that GPU alone.
    """
    kind = device.split(":")[0]
    if kind == "cpu":
        known = [free for free in (_available(), *_left_in_cgroups()) if free is not None]
        return min(known, default=None)
    import torch

    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(torch.device(device))
        # What torch holds in reserve it can give to the next model.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if kind == "mps":
        left: Any = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return int(left)
    return None


def _available() -> int | None:
    """Linux counts pages that it can take back as available; elsewhere free pages alone."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMINFO.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not every system has them
        return None


def _left_in_cgroups() -> list[int]:
    """What is left under the memory limit of the process's cgroup and of each one above it."""
    try:
        lines = OWN_CGROUP.read_text().splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            folder, names = CGROUPS, ("memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            folder = CGROUPS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        else:
            continue
        # In a container the path may lead nowhere; then the limit is at the root.
        inside = folder / path.strip("/")
        for place in (inside, *inside.parents):
            if place.is_relative_to(folder):
                left += _left(place, *names)
    return left


def _left(place: Path, limit: str, usage: str, prefix: str) -> list[int]:
    try:
        most = int((place / limit).read_text())
        used = int((place / usage).read_text())
        counts = dict(line.split() for line in (place / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no limit, or "max"
        return []
    # Pages of files are freed before anything is killed.
    files = sum(int(counts.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
    return [most - used + files]
