"""``python -m benchmarks.load``: many visitors at once on the real page.

Starts the page on this machine alone, lets visitors ask, wait, leave and compare for a bounded
time, and holds every result against a direct run of the same picture and question. Ends with status
1 if one is not its visitor's own. Keeps the numbers in ``results.json`` and writes docs/load.md.
``--plateau 500`` measures instead whether memory grows over so many runs; ``--dry`` prints and
changes no file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from benchmarks.load import plateau
from benchmarks.load.crowd import visit_for
from benchmarks.load.leaving import WAYS, seconds_until_free
from benchmarks.load.questions import direct
from benchmarks.load.report import END, GUIDE, RESULTS, START, section, summary
from benchmarks.machine import machine
from benchmarks.report import put_between
from benchmarks.serving import Server
from vtw_core import load_model
from vtw_core.files.replacing import replace_file

_ROUNDS = 5


def crowd(visitors: int, seconds: float, queue: int) -> dict[str, Any]:
    """One crowd, and how soon the model is free when a visitor leaves."""
    load = os.getloadavg()[0]
    vlm = load_model("embedded")
    vlm.limit_threads()
    _report(f"{visitors} direct runs, to compare the page with ...")
    requests = [direct(vlm, number, 64) for number in range(visitors)]
    with Server({"VTW_QUEUE": str(queue)}) as server:
        leaving = {
            way: [asyncio.run(seconds_until_free(server.address, way)) for _ in range(_ROUNDS)]
            for way in WAYS
        }
        _report(f"the model is free after {leaving}; now the crowd ...")
        seen = asyncio.run(
            visit_for(server.address, requests, seconds, memory_mb=server.resident_mb)
        )
        if "Traceback" in server.log:
            seen.wrong.append(f"the server's log: {server.log[-2000:]}")
    result = {
        "visitors": visitors, "seconds": seconds, "queue": queue, "machine": machine(),
        "load": load, "seen": summary(seen),
    }  # fmt: skip
    return {"crowd": result, "leaving": leaving}


def _report(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--queue", type=int, default=32, help="VTW_QUEUE")
    parser.add_argument("--plateau", type=int, metavar="RUNS")
    parser.add_argument("--dry", action="store_true")
    chosen = parser.parse_args()
    if chosen.plateau:
        measured: dict[str, Any] = {
            "plateau": {
                "server": plateau.of_server(chosen.plateau, _report),
                "service": plateau.of_service(chosen.plateau, _report),
            }
        }
    else:
        measured = crowd(chosen.visitors, chosen.seconds, chosen.queue)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    print(section(measured))
    if not chosen.dry:
        kept |= measured
        replace_file(RESULTS, json.dumps(kept, indent=1) + "\n")
        put_between(GUIDE, START, END, section(kept))
    wrong = measured["crowd"]["seen"]["wrong"] if "crowd" in measured else []
    for one in wrong:
        _report(f"WRONG: {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
