"""Ratios measured side by side in one process, and the cost of keeping records."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import runs
from benchmarks.claims import BEFORE, BEHIND
from benchmarks.scale.theory import Shape, prefill_flops, sample_bytes, sample_flops
from benchmarks.shapes import random_llava, random_prompt
from benchmarks.timing import medians

ROOT = Path(__file__).resolve().parents[2]
_BASE = {"side": 16, "layers": 16, "answer": 4}


def growth(rounds: int) -> list[dict[str, Any]]:
    """One sample of a calibration, in prefills, beside what FLOPs predict."""
    points = []
    for varies, values in (
        ("side", (8, 16, 24, 32)),
        ("layers", (8, 16, 24, 32)),
        ("answer", (1, 4, 8, 16)),
    ):
        for value in values:
            points.append({"varies": varies, **_sample(**{**_BASE, varies: value}, rounds=rounds)})
    return points


def _sample(side: int, layers: int, answer: int, rounds: int) -> dict[str, Any]:
    vlm = random_llava(layers=layers, width=256, patches_per_side=side)
    prepared = random_prompt(vlm, before=BEFORE, behind=BEHIND)
    shape = Shape(BEFORE, side**2, BEHIND, answer)

    def sample() -> Any:
        full = runs.full_run(vlm, prepared, answer)
        return full, (swept := runs.sweep(vlm, full)), runs.answers(vlm, full, swept, answer)

    full, swept, every = sample()
    seconds = medians(
        {"prefill": lambda: runs.prefill(vlm, prepared, layers), "sample": sample}, rounds
    )
    kept = full.kept_bytes + sum(kv.numel() * 4 for kv in (*swept.keys, *swept.values))
    return {
        "visual": side**2,
        "layers": layers,
        "answer": answer,
        "leave": sum(branch.leaves is not None for branch in every.branches),
        "measured": seconds["sample"] / seconds["prefill"],
        "predicted": sample_flops(vlm.dims, shape) / prefill_flops(vlm.dims, shape),
        "bytes": kept,
        "bytes_predicted": sample_bytes(vlm.dims, shape, 4),
    }


def records(counts: tuple[int, ...]) -> list[dict[str, Any]]:
    """Keeping and putting together so many records of a 32-layer model, each in a fresh process."""
    found = []
    for count in counts:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.scale.records", str(count)],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        names = ("append", "find", "read", "bytes", "peak")
        found.append(
            {"count": count, **dict(zip(names, map(float, done.stdout.split()), strict=True))}
        )
    return found


def processes(counts: tuple[int, ...]) -> list[dict[str, Any]]:
    """Calibrating the bundled set by so many processes of one thread: seconds less those of a
    second run, which finds everything finished."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            fresh, finished = (_calibrate(count, f"{folder}/{count}") for _ in range(2))
            found.append({"processes": count, "fresh": fresh, "finished": finished})
    return found


def _calibrate(count: int, out: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         f"--nproc_per_node={count}", "-m", "vtw_core", "calibrate", "--device", "cpu",
         "--data", "assets/calibration", "--out", out],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - start
