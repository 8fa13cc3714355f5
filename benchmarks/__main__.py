"""``python -m benchmarks``: measure, keep the result with the machine's facts, write the document.

Takes about ten minutes on one thread. ``--dry`` prints the section and changes no file.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch

from benchmarks import claims, report
from benchmarks.machine import machine
from vtw_core.files.replacing import replace_file


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dry", action="store_true", help="change no file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {"machine": machine()}
    for name, measure in (
        ("curve_576_short", lambda: claims.curve(24, claims.SHORT, rounds=3)),
        ("curve_576", lambda: claims.curve(24, claims.AFTER, rounds=3)),
        ("curve_2916", lambda: claims.curve(54, claims.AFTER, rounds=1)),
        ("prefill_576", lambda: claims.prefill(24, rounds=9)),
        ("prefill_2304", lambda: claims.prefill(48, rounds=3)),
        ("recording_512", lambda: claims.recording(512, rounds=5)),
        ("recording_1024", lambda: claims.recording(1024, rounds=3)),
        ("inside_embedded", lambda: claims.inside_of_the_embedded_model(rounds=9)),
        ("answers_embedded", lambda: claims.answers_of_the_embedded_model(rounds=9)),
        ("answers_deep", lambda: claims.answers_of_a_deep_model(rounds=3)),
        ("memory", claims.memory),
        ("growth", lambda: claims.growth(rounds=3)),
    ):
        results[name] = measure()
        print(name, json.dumps(results[name]), flush=True)
    if not arguments.dry:
        replace_file(report.RESULTS, json.dumps(results, indent=1) + "\n")
        report.write(results)


if __name__ == "__main__":
    main()
