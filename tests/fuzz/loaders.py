"""Fuzz what opens strangers' files, guided by coverage: ``python tests/fuzz/loaders.py run``.

Also ``comparison``, ``calibration``, ``image``, and ``old_run``, ``old_comparison`` and
``old_calibration`` for files of earlier versions; what stands behind is libFuzzer's, such as
``-max_total_time=300``. Needs atheris (not among the requirements: ``pip install atheris``), numpy,
pillow and pillow-heif. Whatever the bytes, a loader may only refuse them by an `InputError`, and
what it opens must go through everything that the page and the command line make of it at once.
"""

import copy
import json
import random
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

with atheris.instrument_imports(include=["vtw_core", "app.presenters.view"]):
    from hostile_archives import members, whole
    from hostile_pictures import PICTURES
    from saved_files import Saved, packed
    from small_comparisons import small_comparison
    from small_records import small_run, with_random_inside

    from app.presenters.view import every_k_rows, show_run
    from vtw_core.analysis.sinks import sink_verdict
    from vtw_core.errors import InputError
    from vtw_core.pictures.images import load_image
    from vtw_core.results.calibration import load_calibration
    from vtw_core.results.comparison import load_comparison
    from vtw_core.results.run import load_run

OLDER = Path(__file__).resolve().parents[1] / "older"
ODD = (None, True, 0, 1, -1, 2, 3, 7, 10**9, -(10**18), 2**63, 10**400, 0.5, -0.5, 1e-300, 1e300,
       "", "a", "\ud800", "0", [], {}, [[]], [0], [1, 2, 3], {"a": 1})  # fmt: skip
FOLDER = tempfile.TemporaryDirectory()


def places(document, path=()):
    """Every place in a document."""
    yield path
    inner = document.items() if isinstance(document, dict) else (
        enumerate(document) if isinstance(document, list) else ())  # fmt: skip
    for key, value in inner:
        yield from places(value, (*path, key))


def changed(document, data):
    """The document with a few places replaced, emptied, doubled or left out."""
    document = json.loads(json.dumps(document))
    for _ in range(data.ConsumeIntInRange(1, 4)):
        every = list(places(document))[1:]
        if not every:
            break
        *path, key = data.PickValueInList(every)
        holder = document
        for one in path:
            holder = holder[one]
        what = data.ConsumeIntInRange(0, 5)
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif what == 2:
            holder[key] = data.ConsumeUnicode(8)
        elif what == 3:
            holder[key] = data.ConsumeInt(9)
        elif what == 4:
            holder[key] = data.ConsumeFloat()
        else:
            holder[key] = copy.deepcopy(data.PickValueInList(list(ODD)))
    return json.dumps(document).encode()


def saved(result, name):
    return Saved.of(Path(result.save(Path(FOLDER.name) / name)).read_bytes())


class Results:
    """Saved results: bytes of any kind, or a good file whose document, arrays or bytes under the
    digest were changed."""

    def __init__(self, goods, load, use):
        self.goods, self.load, self.use = goods, load, use

    def bytes_of(self, data):
        if data.ConsumeIntInRange(0, 9) == 0:
            return data.ConsumeBytes(4096)
        good = data.PickValueInList(self.goods)
        if data.ConsumeIntInRange(0, 3) == 0:
            body = bytearray(good.body())
            for _ in range(data.ConsumeIntInRange(1, 8)):
                body[data.ConsumeIntInRange(0, len(body) - 1)] = data.ConsumeIntInRange(0, 255)
            return packed(
                bytes(body[: data.ConsumeIntInRange(0, len(body))]), good.name, good.version
            )
        return good.raw(changed(good.document, data).decode())


class Archives:
    """Runs and comparisons of earlier versions, whose document was changed."""

    def __init__(self, good, load, use):
        self.good, self.load, self.use = members(good.read_bytes()), load, use

    def bytes_of(self, data):
        parts, entry = self.good
        return whole(parts | {entry: changed(json.loads(parts[entry]), data)})


class Documents:
    """Calibrations of the first version, which had no digest."""

    def __init__(self, good, load, use):
        self.good, self.load, self.use = good, load, use

    def bytes_of(self, data):
        return changed(self.good, data)


class Pictures:
    """Pictures: a few bytes of a good or hostile file changed, cut or written twice."""

    def __init__(self):
        made = (one.make() for one in PICTURES.values())
        self.goods = [raw for raw in made if len(raw) < 20_000]
        self.load = load_image
        self.use = lambda picture: picture.tobytes()

    def bytes_of(self, data):
        raw = bytearray(data.PickValueInList(self.goods))
        for _ in range(data.ConsumeIntInRange(0, 12)):
            if not raw:
                break
            at = data.ConsumeIntInRange(0, min(len(raw) - 1, 400))
            raw[at : at + data.ConsumeIntInRange(0, 2)] = data.ConsumeBytes(4)
        return bytes(raw[: data.ConsumeIntInRange(0, len(raw))] if data.ConsumeBool() else raw)


def use_run(run):
    json.dumps(show_run(run, origin="opened"), allow_nan=False)
    every_k_rows(run)
    json.dumps(run.to_json(0.003))
    if run.inside is not None:
        sink_verdict(run)


def use_calibration(calibration):
    reading = calibration.read()
    reading.to_csv()
    json.dumps(calibration.to_json())


def old_calibration():
    document = json.loads((OLDER / "calibration.json").read_text(encoding="utf-8"))
    del document["sha256"]
    return document | {"version": 1}


def use_comparison(comparison):
    json.dumps(comparison.to_json())


TARGETS = {
    "run": lambda: Results(
        [saved(small_run(), "a.vtw"), saved(with_random_inside(small_run()), "b.vtw")],
        load_run, use_run,
    ),
    "comparison": lambda: Results(
        [saved(small_comparison(), "a.vtwm")], load_comparison, use_comparison
    ),
    "calibration": lambda: Results(
        [saved(load_calibration(OLDER / "calibration.json"), "a")],
        load_calibration, use_calibration,
    ),
    "old_run": lambda: Archives(OLDER / "run.vtw", load_run, use_run),
    "old_comparison": lambda: Archives(OLDER / "comparison.vtwm", load_comparison, use_comparison),
    "old_calibration": lambda: Documents(old_calibration(), load_calibration, use_calibration),
    "image": Pictures,
}  # fmt: skip


def main():
    name = sys.argv.pop(1)
    target = TARGETS[name]()
    path = Path(FOLDER.name) / f"fuzzed.{name}"

    def once(raw):
        path.write_bytes(target.bytes_of(atheris.FuzzedDataProvider(raw)))
        try:
            opened = target.load(path)
        except InputError as refused:
            sentence = str(refused)
        else:
            return target.use(opened)
        assert "\n" not in sentence
        assert len(sentence) < 600

    # From nothing, libFuzzer would try inputs of a few bytes for a long time: a choice is a byte.
    seeds = Path(FOLDER.name) / "seeds"
    seeds.mkdir()
    for number in range(64):
        (seeds / str(number)).write_bytes(random.Random(number).randbytes(4 * number + 4))
    limits = ("-rss_limit_mb=3000", "-timeout=20", "-len_control=0", "-max_len=512")
    atheris.Setup([sys.argv[0], *limits, *sys.argv[1:], str(seeds)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
