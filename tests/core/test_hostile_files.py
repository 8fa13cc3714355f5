"""Files that strangers send: each is read or refused in one sentence, within bounded memory."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hostile_archives import ARCHIVES, members, whole
from hostile_pictures import PICTURES
from hostile_saved import SAVED
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from saved_files import Saved, packed, with_header
from small_budgets import made_up_comparison
from small_comparisons import small_comparison
from small_records import small_run, with_random_inside

from vtw_core import InputError, load_image, load_run
from vtw_core.results.calibration import Calibration, Sample, Setting, load_calibration
from vtw_core.results.comparison import load_comparison
from vtw_core.results.equal_budget import load_budget_comparison

QUICK = settings(max_examples=60, derandomize=True, deadline=None, database=None)
OLDER = Path(__file__).resolve().parents[1] / "older"
LOADERS = {".vtw": load_run, ".vtwm": load_comparison}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_read_or_refused_in_one_sentence(tmp_path, name):
    row, path = PICTURES[name], tmp_path / "picture"
    path.write_bytes(row.make())
    if row.refused:
        with pytest.raises(InputError) as refused:
            load_image(path)
        assert str(refused.value) == row.refused
    else:
        picture = load_image(path)
        assert (picture.mode, picture.size) == ("RGB", row.size)


_MEASURE = """
import resource, sys
import vtw_core
load = getattr(vtw_core, sys.argv[1])
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
load(sys.argv[2])
before = peak()
for path in sys.argv[3:]:
    try: load(path)
    except vtw_core.InputError: pass
print(peak() - before)
"""


def megabytes_for(*paths, load="load_image"):
    """How much more memory a process of its own needs for them than for the first."""
    told = subprocess.run(
        [sys.executable, "-c", _MEASURE, load, *map(str, paths)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(told.stdout)


def test_what_is_refused_takes_next_to_no_memory(tmp_path):
    paths = [tmp_path / "one.png"]
    Image.new("RGB", (50, 40)).save(paths[0])
    for name, row in PICTURES.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(row.make())
    # The bombs would take 100 MB to 17 GB.
    assert megabytes_for(*paths) < 60


def test_a_picture_takes_at_most_twenty_bytes_a_pixel_whatever_its_mode(tmp_path):
    side = 1600
    paths = [tmp_path / "one.png"]
    Image.new("RGB", (50, 40)).save(paths[0])
    for mode, kind in (("I;16", "png"), ("F", "tiff"), ("LA", "png"), ("RGBA", "webp"),
                       ("CMYK", "jpeg"), ("P", "gif")):  # fmt: skip
        paths.append(tmp_path / f"{mode[0]}.{kind}")
        Image.new(mode, (side, side)).save(paths[-1])
    assert megabytes_for(*paths) < 20 + 20 * side * side / 2**20


def test_a_saved_run_takes_bounded_memory_whatever_it_expands_to(tmp_path):
    path = with_random_inside(small_run()).save(tmp_path / "good.vtw")
    good = Saved.of(path.read_bytes())
    # All of the arrays in one, and as many values as there may be, of the dearest kind.
    good.document["tokens"] = ["aa"] * 480_000
    largest = good.with_tensor("inside.attention.mass", np.zeros(30 * 2**20, np.float16))
    strings = "[" + '"aa",' * 3_000_000 + '"aa"]'
    empty = {f"{number}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
             for number in range(200_000)}  # fmt: skip
    paths = [path]
    for name, raw in (
        ("largest", largest.raw()),
        ("strings", largest.raw(strings)),
        ("wide", largest.raw(json.dumps("\U0001f600" + "a" * (15 * 2**20)))),
        ("tensors", with_header(empty, bytes(60 * 2**20))),
        ("nothing", packed(bytes(80 * 2**20))),
    ):
        paths.append(tmp_path / f"{name}.vtw")
        paths[-1].write_bytes(raw)
    assert all(path.stat().st_size < 1_000_000 for path in paths)
    assert megabytes_for(*paths, load="load_run") < 260


def test_an_old_run_takes_bounded_memory_whatever_it_expands_to(tmp_path):
    good = OLDER / "run.vtw"
    parts, entry = members(good.read_bytes())
    arrays = {"arrays.bin": bytes(64 * 2**20)}
    document = json.loads(parts[entry])
    # All of the arrays in one, and as many values as there may be, of the dearest kind.
    document["run"]["tokens"] = ["aa"] * 490_000
    document["run"]["inside"]["attention"]["mass"] |= {"shape": [2**24], "at": 0}
    largest = tmp_path / "largest.vtw"
    largest.write_bytes(whole(parts | {entry: json.dumps(document).encode()} | arrays))
    paths = [good, largest]
    wide = "\U0001f600".encode() + b"a" * (15 * 2**20)
    for name, text in (("strings", b'["' + b'aa","' * 6_000_000 + b'"]'), ("wide", wide)):
        paths.append(tmp_path / f"{name}.vtw")
        paths[-1].write_bytes(whole(parts | {entry: text} | arrays))
    assert all(path.stat().st_size < 1_000_000 for path in paths)
    # 600 MB each before there was a limit of values.
    assert megabytes_for(*paths, load="load_run") < 260


def test_no_bytes_of_the_arrays_are_had_twice(tmp_path):
    path = tmp_path / "x.vtw"
    parts, entry = members((OLDER / "run.vtw").read_bytes())
    document = json.loads(parts[entry])
    tests = document["run"]["inside"]["counterfactuals"]
    tests += tests * 1000
    path.write_bytes(whole(parts | {entry: json.dumps(document).encode()}))
    with pytest.raises(InputError, match="does not have the size that it declares"):
        load_run(path)


def test_a_long_string_among_numbers_does_not_make_the_others_as_long(tmp_path):
    path = with_random_inside(small_run()).save(tmp_path / "x.vtw")
    good = Saved.of(path.read_bytes())
    del good.tensors["flops"]
    good.document["flops"] = ["a" * 1_000_000, *["1"] * 400_000]  # 1.6 TB in one array
    path.write_bytes(good.raw())
    with pytest.raises(InputError, match="flops should hold float"):
        load_run(path)


@pytest.fixture(scope="module", params=LOADERS)
def good(request, tmp_path_factory):
    """A place for a file of each kind, its loader, and what a good one holds."""
    record = with_random_inside(small_run()) if request.param == ".vtw" else small_comparison()
    path = record.save(tmp_path_factory.mktemp("good") / f"x{request.param}")
    return path, LOADERS[request.param], path.read_bytes()


@pytest.fixture(scope="module", params=LOADERS)
def old(request, tmp_path_factory):
    """A place for a file of an earlier version, its loader, a good one's bytes and members."""
    name = {".vtw": "run.vtw", ".vtwm": "comparison.vtwm"}[request.param]
    raw = (OLDER / name).read_bytes()
    place = tmp_path_factory.mktemp("old") / f"x{request.param}"
    return place, LOADERS[request.param], raw, *members(raw)


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_file_is_refused_in_one_sentence(good, name):
    path, load, raw = good
    path.write_bytes(SAVED[name].make(Saved.of(raw)))
    with pytest.raises(InputError) as refused:
        load(path)
    assert str(refused.value) == SAVED[name].sentence(path.name)


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_old_file_is_refused_in_one_sentence(old, name):
    path, load, _, parts, entry = old
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that occurs twice
        path.write_bytes(ARCHIVES[name].make(parts, entry))
    with pytest.raises(InputError) as refused:
        load(path)
    assert str(refused.value) == ARCHIVES[name].sentence(path.name)


def test_no_byte_of_a_saved_file_can_change_without_being_noticed(good):
    path, load, raw = good
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(InputError):
            load(path)


def outcome(load, path, raw):
    """What a loader makes of some bytes: a result, or one sentence, and never anything else."""
    path.write_bytes(raw)
    said = ""
    try:
        load(path)
    except InputError as refused:
        said = str(refused)
    assert "\n" not in said
    assert len(said) < 500


def changed_bytes(raw, data):
    """Cut, and a few bytes changed."""
    changed = bytearray(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    places = st.integers(0, max(0, len(changed) - 1))
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        if changed:
            changed[at] = value
    return bytes(changed)


@QUICK
@given(data=st.data())
def test_changed_bytes_of_a_saved_file_are_a_result_or_a_sentence(good, data):
    path, load, raw = good
    outcome(load, path, changed_bytes(raw, data))
    saved = Saved.of(raw)
    # Under a digest that is right, the safetensors file itself.
    outcome(load, path, packed(changed_bytes(saved.body(), data), saved.name, saved.version))


@QUICK
@given(data=st.data())
def test_changed_bytes_of_an_old_file_are_a_result_or_a_sentence(old, data):
    path, load, raw, *_ = old
    outcome(load, path, changed_bytes(raw, data))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    LEAVES | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


def changed_somewhere(document, data):
    """The document with one value, however deep, replaced, left out or doubled."""
    here = document
    while True:
        keys = list(here) if isinstance(here, dict) else range(len(here))
        key = data.draw(st.sampled_from(keys))
        inner = here[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 3)) == 0:
            break
        here = inner
    match data.draw(st.sampled_from(["replace", "remove", "wrap"])):
        case "replace":
            here[key] = data.draw(ANYTHING)
        case "remove":
            del here[key]
        case "wrap":
            here[key] = [inner, inner]
    return json.dumps(document)


@QUICK
@given(data=st.data())
def test_a_changed_document_of_a_saved_file_is_a_result_or_a_sentence(good, data):
    path, load, raw = good
    saved = Saved.of(raw)
    outcome(load, path, saved.raw(changed_somewhere(saved.document, data)))


@QUICK
@given(data=st.data())
def test_a_changed_document_of_an_old_file_is_a_result_or_a_sentence(old, data):
    path, load, _, parts, entry = old
    document = json.loads(parts[entry])
    result = document["run" if path.suffix == ".vtw" else "comparison"]
    inner = data.draw(st.sampled_from([document, result]))
    changed_somewhere(inner, data)
    outcome(load, path, whole(parts | {entry: json.dumps(document).encode()}))


def small_calibration():
    curve = (1.0, 0.5, 0.1, 0.0)
    sample = Sample("a.png", "what ?", ("red",), 4, 3, ((curve,) * 3,) * 2, ("a", "b", "c", "red"),
                    (False, False, True, True), (1.0, 2.0, 3.0, 4.0))  # fmt: skip
    setting = Setting("embedded", "llava", 3, 8, "by hand", "float32", "cpu", (("torch", "2"),))
    return Calibration(setting, (sample, sample))


DOCUMENTS = {
    "calibration": (small_calibration, load_calibration, "calibration.json"),
    "budget": (made_up_comparison, load_budget_comparison, "budget.json"),
}


@pytest.fixture(scope="module", params=DOCUMENTS)
def of_many(request, tmp_path_factory):
    """A place for a file, its loader, a good one, and one of an earlier version."""
    make, load, older = DOCUMENTS[request.param]
    path = make().save(tmp_path_factory.mktemp("many") / "x")
    return path, load, path.read_bytes(), (OLDER / older).read_bytes()


@QUICK
@given(data=st.data())
def test_a_changed_result_over_many_questions_is_a_result_or_a_sentence(of_many, data):
    path, load, raw, older = of_many
    saved = Saved.of(raw)
    outcome(load, path, saved.raw(changed_somewhere(saved.document, data)))
    document = json.loads(older) | {"version": 1}
    del document["sha256"]
    outcome(load, path, changed_somewhere(document, data).encode())


@QUICK
@given(data=st.data())
def test_a_changed_picture_is_a_picture_or_a_sentence(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "changed.picture"
    raw = bytearray(PICTURES[data.draw(st.sampled_from(FUZZED))].make())
    places = st.integers(0, len(raw) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        raw[at] = value
    outcome(load_image, path, bytes(raw))


FUZZED = ["deep", "float", "cmyk", "palette", "alpha", "animated_gif", "animated_webp",
          "animated_png", "turned"]  # fmt: skip
