"""Files of every earlier format version open, are written anew, or say why not."""

import json
import zipfile

import numpy as np
import pytest
from small_budgets import made_up_comparison
from small_comparisons import small_comparison
from small_records import small_run, with_random_inside

from vtw_core import InputError, load_calibration, load_comparison, load_run
from vtw_core.__main__ import main
from vtw_core.results.calibration import Calibration, Sample, Setting
from vtw_core.results.equal_budget import load_budget_comparison

# What each version wrote behind the one before it.
SECOND = ("k_min", "sampling", "positions", "first_tokens", "first_probabilities")


def old_run(path, version, **changes):
    """A run as an earlier version saved it: one member, fewer fields."""
    newest = small_run().save(path)
    with zipfile.ZipFile(newest) as archive:
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
    with pytest.raises(InputError, match=r"format version 4, this program reads versions up to 3;"):
        load_run(old_run(tmp_path / "new.vtw", 4))
    for version, changes in ((1, {"seconds": 3}), (1, {"answers": None}), (2, {"k_min": "x"}),
                             (1, {"seconds": {"decode": "x"}})):  # fmt: skip
        with pytest.raises(InputError, match="cannot be used"):
            load_run(old_run(tmp_path / "bad.vtw", version, **changes))


def members(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_run_is_written_anew_in_its_place_or_beside_it(tmp_path, capsys, version):
    path = old_run(tmp_path / "old.vtw", version)
    before = load_run(path).to_json()
    assert main(["convert", str(path), "--out", str(tmp_path / "new.vtw")]) == 0
    assert members(path) == ["run.json"]
    assert main(["convert", str(path), "--json"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{tmp_path / 'new.vtw'}: saved run, written anew"
    assert json.loads(told[1]) == {"converted": [{"file": str(path), "kind": "saved run"}]}
    for written in (path, tmp_path / "new.vtw"):
        assert members(written) == ["run.json", "arrays.bin"]
        assert load_run(written).to_json() == before


def test_every_kind_of_saved_file_can_be_written_anew(tmp_path, capsys):
    run = with_random_inside(small_run())
    calibration = Calibration(Setting.of(run), (Sample.of(run, "a.png", ()),))
    saved = {
        "run.vtw": (run, load_run),
        "methods.vtwm": (small_comparison(), load_comparison),
        "c.json": (calibration, load_calibration),
        "b.json": (made_up_comparison(), load_budget_comparison),
    }
    files = [result.save(tmp_path / name) for name, (result, _) in saved.items()]
    written = [file.read_bytes() for file in files]
    document = json.loads(files[2].read_text()) | {"version": 1}
    del document["sha256"], document["k_min"]
    files[2].write_text(json.dumps(document))
    assert main(["convert", *map(str, files)]) == 0
    kinds = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()]
    assert [kind.split(",")[0] for kind in kinds] == [
        "saved run", "saved comparison of methods", "calibration",
        "comparison of methods over questions",
    ]  # fmt: skip
    assert files[2].read_bytes() == written[2]
    assert load_run(files[0]).to_json() == run.to_json()
    assert load_comparison(files[1]).to_json() == small_comparison().to_json()
    assert files[3].read_bytes() == written[3]


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
