"""What keeping records costs.

``python -m benchmarks.scale.records COUNT``: seconds to append COUNT records of a 32-layer model,
to find them again, and to read the whole calibration; bytes on disk, and in memory beyond what
the process held before.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.memory import kilobytes
from vtw_core.data.calibration import Explored, Samples
from vtw_core.data.records import Entry, Part, Records
from vtw_core.data.shards import Shards
from vtw_core.results.calibration import Calibration, Sample, load_calibration

BUNDLED = Path(__file__).resolve().parents[2] / "assets" / "calibration" / "embedded.vtwc"
LAYERS = 32


def main() -> None:
    count, before = int(sys.argv[1]), _peak()
    recorded = load_calibration(BUNDLED)
    setting = replace(recorded.setting, layers=LAYERS)
    samples = [_stretched(sample, recorded.layers) for sample in recorded.samples]
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        store: Shards[Explored] = Shards(folder, Explored.from_json)
        for number, key in enumerate(keys):
            store.put(key, Explored(setting, samples[number % len(samples)], 0))
        append = time.process_time() - start
        written = sum(path.stat().st_size for path in Path(folder).iterdir())
        del store
        start = time.process_time()
        found: Shards[Explored] = Shards(folder, Explored.from_json)
        find = time.process_time() - start
        start = time.process_time()
        entries = tuple(Entry(key, "x.png", ("a",)) for key in keys)
        lazy = Samples(Records([Part(entries, found)]))
        Calibration(lazy.setting, lazy).read()
        read = time.process_time() - start
        print(append, find, read, written, _peak() - before)


def _stretched(sample: Sample, layers: int) -> Sample:
    """A sample of a deeper model: the first entries are repeated."""
    more = LAYERS - layers

    def longer(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*values[:more], *values)

    return replace(
        sample,
        kl=tuple(tuple(longer(curve) for curve in way) for way in sample.kl),
        answers=longer(sample.answers),
        same_as_baseline=longer(sample.same_as_baseline),
        flops=longer(sample.flops),
    )


def _peak() -> int:
    # Not getrusage: a child starts with its parent's.
    return kilobytes("VmHWM") * 1024


if __name__ == "__main__":
    main()
