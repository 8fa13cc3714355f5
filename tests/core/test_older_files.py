"""Files of every earlier format version open, are converted, or say why not."""

import dataclasses
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from saved_files import Saved
from small_budgets import made_up_comparison
from small_comparisons import small_comparison
from small_records import small_run, with_random_inside

from vtw_core import InputError, load_calibration, load_comparison, load_run
from vtw_core.__main__ import main
from vtw_core.data.calibration import Explored
from vtw_core.data.shards import Shards
from vtw_core.results.calibration import Calibration, Sample, Setting
from vtw_core.results.equal_budget import load_budget_comparison

OLDER = Path(__file__).resolve().parents[1] / "older"
# What each version wrote after the one before it.
SECOND = ("k_min", "sampling", "positions", "first_tokens", "first_probabilities")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def old_run(path, version, **changes):
    """A run as one of the first two versions saved it: one member, fewer fields."""
    with zipfile.ZipFile(OLDER / "run.vtw") as archive:
        document = json.loads(archive.read("run.json"))
    run = document["run"]
    del run["inside"]
    if version == 1:
        for name in SECOND:
            del run[name]
        del run["seconds"]["answers"]
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "run.json", json.dumps(document | {"version": version, "run": run | changes})
        )
    return path


def old_calibration():
    """What lies in ``older/calibration.json``."""
    curve = (1.0, 0.5, 0.1, 0.0)
    sample = Sample(
        "a.png", "what ?", ("red",), 4, 3,
        ((curve, (2.0, 1.0, 0.2, 0.0), curve), (curve, curve, tuple(3 * one for one in curve))),
        ("a", "b", "c", "red"), (False, False, True, True), (1.0, 2.0, 3.0, 4.0),
    )  # fmt: skip
    setting = Setting("embedded", "llava", 3, 8, "by hand", "float32", "cpu", (("torch", "2"),))
    return Calibration(setting, (sample, replace(sample, image="b.png", accepted=())), 1)


def rounded(comparison):
    """As version 2 saved it: numbers to four digits."""
    contenders = tuple(
        replace(one, values={
            name: [float(f"{value:.4g}") for value in values] for name, values in one.values.items()
        })
        for one in comparison.contenders
    )  # fmt: skip
    return replace(comparison, contenders=contenders)


# File of an earlier version -> its loader, its kind, and what was saved there.
NEWEST_BEFORE = {
    "run.vtw": (load_run, "saved run", lambda: with_random_inside(small_run())),
    "comparison.vtwm": (load_comparison, "saved comparison of methods", small_comparison),
    "calibration.json": (load_calibration, "calibration", old_calibration),
    "budget.json": (
        load_budget_comparison, "comparison of methods over questions",
        lambda: rounded(made_up_comparison(2)),
    ),
}  # fmt: skip


def same(one, other):
    """Whether two results are equal, arrays bit for bit."""
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", NEWEST_BEFORE)
def test_a_file_of_the_version_before_is_read_and_converted_bit_for_bit(tmp_path, capsys, name):
    load, kind, made = NEWEST_BEFORE[name]
    assert same(load(OLDER / name), made())
    new = tmp_path / name
    assert main(["convert", str(OLDER / name), "--out", str(new)]) == 0
    assert capsys.readouterr().out == f"{new}: {kind}, converted\n"
    assert same(load(new), made())
    assert Saved.of(new.read_bytes()).document
    # Again, in its place: nothing changes.
    written = new.read_bytes()
    assert main(["convert", str(new)]) == 0
    assert new.read_bytes() == written
    assert new.stat().st_size < 2 * (OLDER / name).stat().st_size


def test_a_shard_of_the_version_before_is_read_and_converted(tmp_path):
    samples = old_calibration().samples
    for place in (tmp_path / "old", tmp_path / "new"):
        place.mkdir()
        (place / "00000-0.jsonl").write_bytes((OLDER / "shard.jsonl").read_bytes())
    shard = tmp_path / "new" / "00000-0.jsonl"
    assert main(["convert", str(shard)]) == 0
    record = json.loads(shard.read_text().splitlines()[0])["record"]
    assert "right" not in record["sample"]
    for place in (tmp_path / "old", tmp_path / "new"):
        store = Shards(place, Explored.from_json)
        found = [store.get(f"{number:064x}") for number in range(2)]
        assert [one.sample for one in found] == list(samples)
        assert {one.k_min for one in found} == {1}
        assert store.notes == ()


def test_a_calibration_of_the_first_version_is_read(tmp_path):
    file = tmp_path / "c.json"
    document = json.loads((OLDER / "calibration.json").read_text()) | {"version": 1}
    del document["sha256"], document["k_min"]
    file.write_text(json.dumps(document))
    assert load_calibration(file) == replace(old_calibration(), k_min=0)
    document["setting"]["model_type"] = "qwen3_vl"
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match="from which K on"):
        load_calibration(file)


@pytest.mark.parametrize("name", ["calibration.json", "budget.json"])
def test_no_byte_of_an_old_file_can_change_without_being_noticed(tmp_path, name):
    load = NEWEST_BEFORE[name][0]
    written = (OLDER / name).read_bytes()
    for place in range(0, len(written), max(1, len(written) // 500)):
        changed = bytearray(written)
        changed[place] ^= 1
        (tmp_path / "x").write_bytes(changed)
        with pytest.raises(InputError):
            load(tmp_path / "x")


def test_a_run_of_the_second_version_opens(tmp_path):
    run, newest = load_run(old_run(tmp_path / "old.vtw", 2)), small_run()
    assert run.to_json() == newest.to_json()
    assert run.inside is None


def test_a_run_of_the_first_version_opens_and_nothing_is_made_up(tmp_path):
    run, newest = load_run(old_run(tmp_path / "old.vtw", 1)), small_run()
    assert (run.answers, run.k_min, run.positions) == (newest.answers, 0, "keep")
    assert np.array_equal(run.kl_positions, newest.kl_positions)
    assert run.sampling.temperature == 0
    assert run.first_tokens == ((), (), (), ())
    assert run.seconds.answers == newest.seconds.decode.sum()
    assert run.to_json()["first_tokens"] == [[], [], [], []]


def test_what_cannot_be_opened_says_so_in_one_sentence(tmp_path):
    deepstack = old_run(tmp_path / "deep.vtw", 1, model_type="qwen3_vl")
    with pytest.raises(InputError, match="from which K on its model can do without the image"):
        load_run(deepstack)
    with pytest.raises(InputError, match="of no version that this kind of file ever had"):
        load_run(old_run(tmp_path / "new.vtw", 4))
    for version, changes in ((1, {"seconds": 3}), (1, {"answers": None}), (2, {"k_min": "x"}),
                             (1, {"seconds": {"decode": "x"}})):  # fmt: skip
        with pytest.raises(InputError, match="cannot be used"):
            load_run(old_run(tmp_path / "bad.vtw", version, **changes))


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_run_is_converted_in_place_or_beside_it(tmp_path, capsys, version):
    path = old_run(tmp_path / "old.vtw", version)
    before = load_run(path).to_json()
    assert main(["convert", str(path), "--out", str(tmp_path / "new.vtw")]) == 0
    assert members(path) == ["run.json"]
    assert main(["convert", str(path), "--json"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{tmp_path / 'new.vtw'}: saved run, converted"
    assert json.loads(told[1]) == {"converted": [{"file": str(path), "kind": "saved run"}]}
    for written in (path, tmp_path / "new.vtw"):
        assert Saved.of(written.read_bytes()).version == 4
        assert load_run(written).to_json() == before


def test_records_without_a_checksum_get_one(tmp_path, capsys):
    shard = tmp_path / "00000-0.jsonl"
    old = [json.dumps({"key": f"{n:064x}", "record": {"n": n}}) + "\n" for n in range(2)]
    shard.write_text("".join([*old, "torn"]))
    assert main(["convert", str(shard)]) == 0
    lines = shard.read_text().splitlines()
    assert [json.loads(line)["record"] for line in lines] == [{"n": 0}, {"n": 1}]
    assert all(len(json.loads(line)["sha256"]) == 64 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.vtw"], "cannot be converted: No such file"),
        (["text.txt"], "is not a file that can be converted"),
        (["a", "b", "--out", "c"], "takes one file"),
        (["text.txt", "--out", "/nowhere/at/all"], "does not exist"),
    ],
)
def test_what_cannot_be_converted_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("hello")
    assert main(["convert", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
