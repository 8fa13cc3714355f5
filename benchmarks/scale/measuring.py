"""Ratios measured side by side in one process, and the cost of keeping records."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import runs
from benchmarks.claims import AFTER, BEFORE
from benchmarks.scale.theory import Shape, prefill_flops, sample_bytes, sample_flops
from benchmarks.shapes import random_llava, random_prompt
from benchmarks.timing import medians
from vtw_core.data.dataset import read_items

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
    prepared = random_prompt(vlm, before=BEFORE, after=AFTER)
    shape = Shape(BEFORE, side**2, AFTER, answer)

    def sample() -> Any:
        full = runs.full_run(vlm, prepared, answer)
        return full, (swept := runs.sweep(vlm, full)), runs.answers(vlm, full, swept, answer)

    full, swept, every = sample()
    seconds = medians(
        {"prefill": lambda: runs.prefill(vlm, prepared, layers), "sample": sample},
        rounds,
        # One thread of the CPU: what other programs take of it is not counted.
        time.perf_counter if torch.cuda.is_available() else time.process_time,
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
    """Calibrating 80 questions by so many processes of one thread: CPU seconds of all of them
    together, less those of a second run, which finds everything finished."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            json.dumps({"image": str(item.image), "prompt": f"{item.prompt}{end}"})
            for item in read_items(ROOT / "assets" / "calibration")
            for end in ("", " now ?", " please ?", " here ?")
        ]
        listing = Path(folder) / "questions.jsonl"
        listing.write_text("\n".join(lines))
        for count in counts:
            fresh, finished = (
                _calibrate(count, str(listing), f"{folder}/{count}") for _ in range(2)
            )
            found.append({"processes": count, "fresh": fresh, "finished": finished})
    return found


def _calibrate(count: int, data: str, out: str) -> float:
    before = _children()
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         f"--nproc_per_node={count}", "-m", "vtw_core", "calibrate", "--device", "cpu",
         "--data", data, "--out", out],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return _children() - before


def _children() -> float:
    """CPU seconds of all processes that ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
