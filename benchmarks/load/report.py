"""What the load tests measured, in words: a section of docs/load.md, from ``results.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.load.crowd import Seen

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = Path(__file__).with_name("results.json")
GUIDE = ROOT / "docs" / "load.md"
START, END = "<!-- load: made by `make load` -->", "<!-- end of load -->"
_PERCENTILES = (50, 90, 99)
TIMES = {
    "opened": "page opened",
    "waited": "waited for its turn",
    "ran": "run, from its turn to its end",
    "compared": "comparison of methods, from its turn to its end",
}


def summary(seen: Seen) -> dict[str, Any]:
    """The numbers that are kept of a crowd."""
    kept = np.array([mb for _, mb in seen.memory_mb])
    return {
        "count": {name: len(getattr(seen, name)) for name in TIMES},
        "seconds": {name: _percentiles(getattr(seen, name)) for name in TIMES},
        "left": seen.left,
        "refused": seen.refused,
        "wrong": seen.wrong,
        "memory_mb": {
            "first": kept[0], "greatest": kept.max(), "last": kept[-1],
            "quarters": [part.mean() for part in np.array_split(kept, 4)],
        },
    }  # fmt: skip


def _percentiles(values: Sequence[float]) -> list[float]:
    return [float(one) for one in np.percentile(values, _PERCENTILES)] if values else []


def section(results: dict[str, Any]) -> str:
    """Markdown between the two markers."""
    lines = [START]
    for name, words in (("crowd", _crowd), ("leaving", _leaving), ("plateau", _plateau)):
        if name in results:
            lines += [*words(results[name]), ""]
    return "\n".join([*lines, END])


def _crowd(result: dict[str, Any]) -> list[str]:
    facts, seen = result["machine"], result["seen"]
    quarters = ", ".join(f"{one:.0f}" for one in seen["memory_mb"]["quarters"])
    lines = [
        "### A crowd",
        f"{result['visitors']} visitors for {result['seconds']:.0f} s, a queue of "
        f"{result['queue']}; server and visitors on one machine: {facts['cores']} cores of "
        f"{facts['processor']}, torch {facts['torch']}, {facts['date']}, load "
        f"{result['load']:.1f} before it began. Seconds:",
        "",
        "| | times | " + " | ".join(f"{one} %" for one in _PERCENTILES) + " |",
        "|---|---:|" + "---:|" * len(_PERCENTILES),
    ]
    for name, words in TIMES.items():
        cells = " | ".join(f"{one:.2f}" for one in seen["seconds"][name])
        if cells:
            lines.append(f"| {words} | {seen['count'][name]} | {cells} |")
    refused = "; ".join(f"{count} × “{words}”" for words, count in seen["refused"].items())
    lines += [
        "",
        f"* Results that were not those of a direct run of the same picture and question: "
        f"**{len(seen['wrong'])}** of {seen['count']['ran'] + seen['count']['compared']}.",
        f"* Refused: {refused or 'no one'}.",
        f"* Left in the middle of a run: {seen['left']}.",
        f"* Resident memory of the server: {seen['memory_mb']['first']:.0f} MB before, at most "
        f"{seen['memory_mb']['greatest']:.0f} MB; mean of each quarter {quarters} MB.",
    ]
    return lines


def _leaving(result: dict[str, Any]) -> list[str]:
    words = {"closed": "a tab that is closed", "cancelled": "Cancel"}
    listed = "; ".join(
        f"{words[way]}: {', '.join(f'{one:.2f}' for one in seconds)}"
        for way, seconds in result.items()
    )
    return [
        "### Leaving",
        f"Seconds from the end of a visitor's run to the first step of the next one's: {listed}.",
    ]


def _plateau(result: dict[str, Any]) -> list[str]:
    lines = ["### Run after run"]
    names = {"service": "the service alone", "server": "the page, a session for each run"}
    for name, words in names.items():
        if name not in result:
            continue
        one = result[name]
        memory = ", ".join(f"{mb:.0f}" for mb in one["memory_mb"])
        grew = one.get("growing")
        growth = "" if grew is None else f" Types that grow with every batch: {grew or 'none'}."
        lines.append(
            f"* {one['runs']} runs of {words}: {memory} MB after each tenth of them.{growth}"
        )
    return lines
