"""A comparison as a file: read back exactly, and refused where it lies."""

import dataclasses
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from small_comparisons import small_comparison

from vtw_core.errors import InputError
from vtw_core.results.comparison import load_comparison


def same(one, other):
    """Whether two values are equal, arrays bit for bit."""
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name))
                   for f in dataclasses.fields(one))  # fmt: skip
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype != bool)
    return one == other


@pytest.fixture
def good(tmp_path):
    return small_comparison().save(tmp_path / "good.vtwm")


def refused(path):
    with pytest.raises(InputError) as caught:
        load_comparison(path)
    assert "\n" not in str(caught.value)


def rewritten(path, change=None, arrays=None):
    """The same archive with a changed document or other arrays."""
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("comparison.json"))
        kept = archive.read("arrays.bin")
    if change is not None:
        change(document)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("comparison.json", json.dumps(document))
        archive.writestr("arrays.bin", kept if arrays is None else arrays(kept))
    return path


def test_it_is_read_back_exactly(good):
    assert same(load_comparison(good), small_comparison())


def test_nothing_in_it_can_be_changed():
    compared = small_comparison()
    with pytest.raises(dataclasses.FrozenInstanceError):
        compared.layers = 4
    for array in (compared.entries[0].kl_positions, compared.entries[1].fates.decisions[0].scores):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_what_follows_from_it():
    compared = small_comparison()
    vtw, mustdrop = compared.entries
    assert (vtw.kl_first_token, vtw.kl_answer, vtw.kl_answer_max) == (0.5, 1.5, 2.5)
    assert vtw.agreement == 0.5
    assert vtw.mean_visual_tokens == pytest.approx(4 / 3)
    assert [compared.same_answer(one) for one in compared.everyone] == [True, False, True]
    assert compared.flops_share(vtw) == 0.5
    assert compared.kv_share(mustdrop) == 0.5
    document = compared.to_json()
    assert json.loads(json.dumps(document)) == document
    assert [one["same_answer"] for one in document["methods"]] == [True, False, True]


def test_a_truncated_or_damaged_file_is_refused_in_one_sentence(good):
    raw = good.read_bytes()
    rng = np.random.default_rng(0)
    for length in range(0, len(raw), 61):
        good.write_bytes(raw[:length])
        refused(good)
    for _ in range(150):
        damaged = bytearray(raw)
        for index in rng.integers(0, len(raw), 4):
            damaged[index] = rng.integers(0, 256)
        good.write_bytes(bytes(damaged))
        try:
            load_comparison(good)
        except InputError:
            continue


def test_a_saved_run_is_no_comparison(tmp_path):
    from small_records import small_run

    with pytest.raises(InputError, match="not a saved comparison"):
        load_comparison(small_run().save(tmp_path / "run.vtw"))


def every_place(value, path=()):
    """Every field of a document, however deep."""
    if isinstance(value, dict) and "name" not in value:  # parameters of a strategy are free
        for key, inner in value.items():
            yield (*path, key)
            yield from every_place(inner, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from every_place(inner, (*path, index))


@pytest.mark.parametrize("value", [None, "x", -1, True, [], {}, 1.5, [["x"]], 10**30])
def test_any_field_with_a_wrong_value_is_refused(good, value):
    with zipfile.ZipFile(good) as archive:
        document = json.loads(archive.read("comparison.json"))["comparison"]
    raw = good.read_bytes()
    free = {"label", "answer", "versions", "entries", "fates", "vision", "tokens_wanted",
            "decisions", "reasons", "names", "seed", "sampling", "flops", "seconds", "encode",
            "prefill", "decode", "temperature"}  # fmt: skip
    for place in every_place(document):
        target = document
        for step in place:
            target = target[step]
        if place[-1] in free or (isinstance(target, str) and isinstance(value, str)):
            continue
        if value is True and place[-1] == "stopped":
            continue

        def change(whole, place=place):
            here = whole["comparison"]
            for step in place[:-1]:
                here = here[step]
            here[place[-1]] = value

        refused(rewritten(good, change))
        good.write_bytes(raw)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("baseline", "kl_positions"), [0.0, 0.1]),
        (("baseline", "agrees"), [True, False]),
        (("entries", 0, "kl_positions"), [-0.5, 1.0]),
        (("entries", 0, "kl_positions"), [0.5]),
        (("entries", 0, "kl_positions"), ["0.5", "1"]),
        (("entries", 0, "visual_tokens_per_layer"), [4, 0, 1]),
        (("entries", 0, "cached_visual_tokens_per_layer"), [4, 1, 0]),
        (("entries", 0, "strategy"), {"k": 1}),
        (("entries", 0, "strategy"), {"name": 3}),
        (("entries", 0, "flops"), 0.0),
        (("entries", 0, "label"), "baseline"),
        (("entries", 0, "tokens"), ["a"]),
        (("entries", 0, "token_ids"), [1] * 99),
        (("entries", 1, "tokens_wanted"), -1.0),
        (("entries", 1, "vision"), {"patches": 4}),
        (("entries", 1, "visual_tokens_per_layer"), [3, 2, 1]),
        (("entries", 1, "fates", "decisions", 0, "layer"), 3),
        (("entries", 1, "fates", "sizes", "at"), 0),
        (("entries", 1, "fates", "token_maps"), []),
        (("versions",), [["one", "two", "three"]]),
    ],
)
def test_values_that_do_not_fit_together_are_refused(good, place, value):
    def change(document):
        here = document["comparison"]
        for step in place[:-1]:
            here = here[step]
        here[place[-1]] = value

    refused(rewritten(good, change))


def test_arrays_that_are_cut_short_or_no_shares_are_refused(good):
    raw = good.read_bytes()
    refused(rewritten(good, arrays=lambda data: data[:-1]))
    good.write_bytes(raw)
    with zipfile.ZipFile(good) as archive:
        record = json.loads(archive.read("comparison.json"))["comparison"]["entries"][1]["fates"]
    for name, bad in (
        ("scores", np.float64(np.inf)), ("scores", np.float64(np.nan)),
        ("fate", np.int8(17)), ("fate", np.int8(-1)), ("fate", np.int8(0)),
    ):  # fmt: skip
        at = record["decisions"][0][name]["at"]
        good.write_bytes(raw)
        refused(
            rewritten(
                good,
                arrays=lambda data, at=at, bad=bad: (
                    data[:at] + bad.tobytes() + data[at + bad.nbytes :]
                ),
            )
        )


def test_a_file_that_kept_the_fates_of_one_strategy_alone_is_read_as_ever(good):
    def older(document):
        for entry in (document["comparison"]["baseline"], *document["comparison"]["entries"]):
            record = entry.pop("fates")
            entry["mustdrop"] = record
            if record is None:
                continue
            record["filters"] = record.pop("decisions")
            for one in record["filters"]:
                scores, where = one.pop("scores"), one.pop("thresholds")
                assert where["shape"] == [2]
                count = scores["shape"][1]
                flat = {"shape": [count], "type": "float64"}
                one["share"] = {**flat, "at": scores["at"]}
                one["peak"] = {**flat, "at": scores["at"] + 8 * count}
                del one["names"], one["reasons"]

    assert same(load_comparison(rewritten(good, older)), small_comparison())


def test_a_bomb_of_arrays_is_not_unpacked(good):
    path = rewritten(good, arrays=lambda data: bytes(50 * 2**20))
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="more than 48 MB"):
        load_comparison(path)


def test_neither_saving_nor_loading_needs_torch(good):
    code = (
        "import sys; from vtw_core.results.comparison import load_comparison; "
        "load_comparison(sys.argv[1]).save(sys.argv[1]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(good)], check=True)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="saved"):
        small_comparison().save(tmp_path / "nowhere" / "x.vtwm")
    with pytest.raises(InputError, match="no file"):
        load_comparison(tmp_path / "none.vtwm")
