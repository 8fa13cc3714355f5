"""``python -m benchmarks.scale``: how cost grows, measured, and what that means for large models.

Takes about ten minutes on one thread and 700 MB of disk for a while. Keeps the numbers in
``benchmarks/scale/results.json`` and writes the sections of ``docs/scale.md`` and its figure.
``--report`` writes them again without measuring.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch

from benchmarks.machine import machine
from benchmarks.scale import measuring, report
from vtw_core.files.replacing import replace_file


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--report", action="store_true", help="write it again, measure nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.report:
        results: dict[str, Any] = {"machine": machine()}
        for name, measure in (
            ("growth", lambda: measuring.growth(rounds=5)),
            ("records", lambda: measuring.records((1_000, 10_000, 100_000))),
            ("processes", lambda: measuring.processes((1, 2, 4))),
        ):
            results[name] = measure()
            print(name, json.dumps(results[name]), flush=True)
        replace_file(report.RESULTS, json.dumps(results, indent=1) + "\n")
    report.write(json.loads(report.RESULTS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
