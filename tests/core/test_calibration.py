"""Calibrating: the data, going on after a kill, and one process against three."""

import json
from pathlib import Path

import pytest
from conftest import PROMPT
from small_data import on, torchrun, write_small_data

from vtw_core import __main__ as command_line
from vtw_core.data.calibration import (
    Explored,
    calibrate,
    calibrate_steps,
    depends_on,
)
from vtw_core.data.dataset import Item, read_items
from vtw_core.data.fingerprint import fingerprint
from vtw_core.data.records import key_of
from vtw_core.data.shards import Shards
from vtw_core.errors import InputError
from vtw_core.results.calibration import Calibration, load_calibration

TOKENS = 2
BUNDLED = Path(__file__).resolve().parents[2] / "assets" / "calibration"


class Counting:
    """A model that counts its explorations, and dies at one of them if it is told to."""

    def __init__(self, vlm, die_at=None):
        self.vlm, self.die_at, self.calls = vlm, die_at, 0

    def __getattr__(self, name):
        return getattr(self.vlm, name)

    def explore(self, *args, **options):
        self.calls += 1
        if self.calls == self.die_at:
            raise KeyboardInterrupt
        return self.vlm.explore(*args, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def items(folder):
    return read_items(folder)


@pytest.fixture(scope="module")
def calibration(vlm, items):
    return calibrate(vlm, items, max_new_tokens=TOKENS)


def test_a_listing_is_read_with_its_answers(folder, items):
    assert [item.image.name for item in items] == ["0.png", "1.png", "2.png", "3.png"]
    assert [item.accepted for item in items] == [("no",), ("no", "yes"), (), ("no",)]
    assert items[2].prompt == f"{PROMPT} 2"
    assert items == read_items(folder / "samples.jsonl")


def test_a_folder_of_images_takes_sidecars_and_one_prompt_for_the_rest(image, tmp_path):
    for name in ("b.png", "a.JPG"):
        image.save(tmp_path / name)
    (tmp_path / "b.json").write_text('{"prompt": "own ?", "answer": "yes"}')
    first, second = read_items(tmp_path, prompt="shared ?")
    assert (first.image.name, first.prompt, first.accepted) == ("a.JPG", "shared ?", ())
    assert (second.image.name, second.prompt, second.accepted) == ("b.png", "own ?", ("yes",))
    with pytest.raises(InputError, match=r'a\.JPG has no "prompt"'):
        read_items(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "line 2 of .* is not JSON"),
        ("[1]", "line 2 .* no JSON object"),
        ("{}", 'line 2 .* has no "image"'),
        ('{"image": 5}', 'line 2 .* has no "image"'),
        ('{"image": "nowhere.png", "prompt": "p"}', "line 2 .* no image file"),
        ('{"image": "a\\u0000b", "prompt": "p"}', "line 2 .* no image file"),
        ('{"image": "https://x.org/a.png", "prompt": "p"}', "line 2 .* URL"),
        ('{"image": "data:image/png;base64,AAAA", "prompt": "p"}', "line 2 .* URL"),
        ('{"image": "0.png"}', 'line 2 .* has no "prompt"'),
        ('{"image": "0.png", "prompt": " "}', "line 2 .* empty"),
        ('{"image": "0.png", "prompt": 3}', "line 2 .* must be text"),
        ('{"image": "0.png", "prompt": "p", "answer": true}', 'line 2 .* "answer" is true; write'),
        ('{"image": "0.png", "prompt": "p", "answer": [["a"]]}', 'line 2 .* "answer" must be'),
        ('{"image": "0.png", "prompt": "p", "answer": "\\ud800"}', 'line 2 .* "answer" is not val'),
        ('{"image": ["0.png", "gone.png"], "prompt": "p"}', "line 2 .* no image file 'gone.png'"),
        ('{"image": [], "prompt": "p"}', 'line 2 .* has no "image"'),
        ('{"image": [null], "prompt": "p"}', 'line 2 .* has no "image"'),
        ('{"image": null, "prompt": "p"}', 'line 2 .* has no "image"'),
        ('{"image": "0.png", "prompt": "<image>"}', "line 2 .* empty"),
        ('{"image": "0.png", "prompt": "is <image> red ?"}', "line 2 .* middle of the prompt"),
        ('{"image": "0.png", "prompt": "<image><image> ?"}', "line 2 .* 2 times, but .* 1 images"),
    ],
)
def test_a_bad_line_is_named(folder, line, words):
    listing = folder / "bad.jsonl"
    listing.write_text('{"image": "0.png", "prompt": "p"}\n' + line + "\n")
    with pytest.raises(InputError, match=words):
        read_items(listing)
    listing.unlink()


def test_nothing_there_is_reported(tmp_path):
    with pytest.raises(InputError, match="no sample"):
        read_items(tmp_path)
    with pytest.raises(InputError, match="no folder or file"):
        read_items(tmp_path / "nowhere")
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="UTF-8"):
        read_items(tmp_path / "x.jsonl")


def test_a_sample_is_what_the_run_says(vlm, items, calibration):
    run = vlm.explore(items[1].image, items[1].prompt, max_new_tokens=TOKENS)
    sample = calibration.samples[1]
    assert sample.answers == run.answers
    assert sample.same_as_baseline == tuple(run.same_as_baseline.tolist())
    assert calibration.kl("answer_max", "full_withdrawn")[1].tolist() == (
        run.kl("answer_max", "full_withdrawn").tolist()
    )
    assert sample.flops == tuple(run.flops.tolist())
    assert calibration.read().samples == 4
    assert calibration.read().answered == 3


def test_a_damaged_image_names_its_line(vlm, folder, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes((folder / "0.png").read_bytes()[:60])
    with pytest.raises(InputError, match=r"line 7: .*damaged"):
        calibrate(vlm, [Item(bad, "p", (), "line 7")], max_new_tokens=TOKENS)
    with pytest.raises(InputError, match="at least one"):
        calibrate(vlm, [])


def test_a_second_run_makes_no_model_call(vlm, items, calibration, tmp_path):
    counting = Counting(vlm)
    for expected_calls in (4, 4):
        store = Shards(tmp_path, Explored.from_json)
        assert calibrate(counting, items, max_new_tokens=TOKENS, store=store) == calibration
        assert counting.calls == expected_calls


def test_a_killed_run_goes_on_where_it_was(vlm, items, calibration, tmp_path):
    dying = Counting(vlm, die_at=3)
    with pytest.raises(KeyboardInterrupt):
        calibrate(dying, items, max_new_tokens=TOKENS, store=Shards(tmp_path, Explored.from_json))
    going_on = Counting(vlm)
    store = Shards(tmp_path, Explored.from_json)
    assert calibrate(going_on, items, max_new_tokens=TOKENS, store=store) == calibration
    assert going_on.calls == 2


def test_damaged_records_are_redone_and_others_are_not(vlm, items, calibration, tmp_path):
    calibrate(vlm, items, max_new_tokens=TOKENS, store=Shards(tmp_path, Explored.from_json))
    (shard,) = tmp_path.iterdir()
    first, second, third, fourth = shard.read_bytes().splitlines(keepends=True)
    key = second[: second.index(b", ")]
    foreign = key + third[third.index(b", ") :].replace(b'"layers": ', b'"layers": 1')
    shard.write_bytes(first[:200] + b"\n" + foreign + third + fourth)
    for calls in (2, 0):
        counting, store = Counting(vlm), Shards(tmp_path, Explored.from_json)
        assert calibrate(counting, items, max_new_tokens=TOKENS, store=store) == calibration
        assert counting.calls == calls


def test_a_record_belongs_to_its_image_prompt_limit_and_weights(vlm, items):
    first, second = items[:2]
    basis = depends_on(vlm, TOKENS)
    key = key_of(first, basis)
    assert key_of(Item(first.image, first.prompt, ("other",)), basis) == key
    assert key_of(Item(first.image.read_bytes(), first.prompt), basis) == key
    assert key_of(Item(second.image, first.prompt), basis) != key
    assert key_of(Item(first.image, "another ?"), basis) != key
    assert key_of(first, depends_on(vlm, TOKENS + 1)) != key
    weight = vlm.model.lm_head.weight
    before, kept = fingerprint(vlm.model), weight.data[0, 0].clone()
    weight.data[0, 0] += 1
    changed = fingerprint(vlm.model)
    weight.data[0, 0] = kept  # adding and taking away again would leave another value
    assert changed != before


def test_a_calibration_can_be_closed_between_two_samples(vlm, items, tmp_path):
    store = Shards(tmp_path, Explored.from_json)
    steps = calibrate_steps(vlm, items, max_new_tokens=TOKENS, store=store)
    assert [next(steps).done, next(steps).done] == [0, 1]
    steps.close()
    (shard,) = tmp_path.iterdir()
    assert shard.read_bytes().count(b"\n") == 1


@pytest.fixture
def options(tiny_folder, folder):
    return ["calibrate", "--model", str(tiny_folder), "--data", str(folder), "--device", "cpu",
            "--max-new-tokens", str(TOKENS)]  # fmt: skip


def test_the_command_prints_one_json_object_and_a_bar_on_stderr(
    options, calibration, capsys, tmp_path
):
    saved, table = tmp_path / "c.json", tmp_path / "c.csv"
    assert command_line.main([*options, "--eta", "0.5", "--scope", "answer_mean", "--json",
                              "--save", str(saved), "--csv", str(table)]) == 0  # fmt: skip
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert json.loads(out) == calibration.to_json(eta=0.5, scope="answer_mean")
    assert "4/4" in err
    assert load_calibration(saved) == calibration
    assert len(table.read_text().splitlines()) == 6


def test_the_command_prints_a_table(options, capsys):
    assert command_line.main(options) == 0
    out, _ = capsys.readouterr()
    assert "K* = " in out
    assert sum(line[:4].strip().isdigit() for line in out.splitlines()) == 5


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "nowhere"),
        (["--eta", "-1"], "eta"),
        (["--rule", "last"], "--rule"),
        (["--direction", "up"], "--direction"),
        (["--prompt", " "], "empty"),
        (["--max-new-tokens", "0"], "max_new_tokens"),
        (["--csv", "/nowhere/at/all/t.csv"], "folder"),
        (["--save", "/"], "give --save a file name"),
        (["--out", "/proc/nowhere"], "cannot be made"),
    ],
)
def test_bad_input_ends_with_status_two_and_one_sentence(options, capsys, more, words):
    options = on("nowhere", options) if words == "nowhere" else options
    try:
        status = command_line.main([*options, *more])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    # The limit is checked by the first sample, when the bar stands already.
    said = err.splitlines()[-1]
    assert words in said
    assert "Traceback" not in err


def test_a_damaged_picture_can_be_passed_over(options, calibration, folder, tmp_path, capsys):
    lines = (folder / "samples.jsonl").read_text().split("\n\n")
    bad = lines[1].replace("1.png", "bad.png")
    absolute = [line.replace('"image": "', f'"image": "{folder}/') for line in lines]
    (tmp_path / "bad.png").write_bytes(b"no picture")
    listing = tmp_path / "some.jsonl"
    listing.write_text("\n".join([absolute[0], bad, *absolute[1:]]))
    assert command_line.main(on(listing, options)) == 2
    capsys.readouterr()
    assert command_line.main([*on(listing, options), "--json", "--skip-bad"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == calibration.to_json()
    assert "vtw_core: skipped line 2 of some.jsonl: This is not an image" in err
    assert err.endswith("vtw_core: skipped 1 of 5 rows\n")


@pytest.mark.parametrize("more", [["--json"], []])
def test_shards_that_do_not_belong_together_are_one_sentence(options, tmp_path, capsys, more):
    out = [*options, "--out", str(tmp_path)]
    assert command_line.main(out) == 0
    (shard,) = tmp_path.iterdir()
    lines = [json.loads(line) for line in shard.read_text().splitlines()]
    lines[2]["record"]["setting"]["dtype"] = "float64"
    shard.write_text(
        "".join(json.dumps({k: line[k] for k in ("key", "record")}) + "\n" for line in lines)
    )
    capsys.readouterr()
    assert command_line.main([*out, *more]) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.splitlines()[-1].startswith("vtw_core: The parts differ in model, versions")
    assert "by an earlier version: 4;" in said


@pytest.mark.slow
def test_three_processes_give_the_result_of_one_byte_for_byte(options, calibration, tmp_path):
    done = torchrun(3, "vtw_core", *options, "--json", "--out", str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == json.dumps(calibration.to_json()) + "\n"
    shards = sorted(path.name[:5] for path in (tmp_path / "store").iterdir())
    assert shards == ["00000", "00001", "00002"]


@pytest.mark.slow
def test_another_number_of_processes_goes_on_after_a_kill(options, calibration, tmp_path, folder):
    first = tmp_path / "first.jsonl"
    lines = (folder / "samples.jsonl").read_text().split("\n\n")
    first.write_text("\n".join(lines[1:3]).replace('"image": "', f'"image": "{folder}/'))
    out = ["--out", str(tmp_path / "store")]
    assert torchrun(2, "vtw_core", *on(first, options), *out).returncode == 0
    (torn,) = (tmp_path / "store").glob("00001-*")
    torn.write_bytes(torn.read_bytes()[:-20])
    assert command_line.main([*options, *out, "--save", str(tmp_path / "whole.json")]) == 0
    assert load_calibration(tmp_path / "whole.json") == calibration


@pytest.mark.slow
def test_of_several_processes_one_says_what_is_wrong(options, tmp_path):
    done = torchrun(2, "vtw_core", *on(tmp_path, options))
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("holds no sample") == 1


def test_the_bundled_set_and_its_recorded_calibration_fit_together():
    items = read_items(BUNDLED)
    recorded = load_calibration(BUNDLED / "embedded.vtwc")
    assert isinstance(recorded, Calibration)
    assert [(s.image, s.prompt, s.accepted) for s in recorded.samples] == [
        (i.image.name, i.prompt, i.accepted) for i in items
    ]
    assert all(item.accepted for item in items)
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 300_000
