"""A comparison as a file: read back exactly, and refused where it lies."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from saved_files import Saved
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


def rewritten(path, change=None, tensors=None):
    """The same file with a changed document or other arrays."""
    saved = Saved.of(path.read_bytes())
    if change is not None:
        change(saved.document)
    saved.tensors |= tensors or {}
    path.write_bytes(saved.raw())
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


def test_a_truncated_file_is_refused_in_one_sentence(good):
    raw = good.read_bytes()
    for length in range(0, len(raw), 61):
        good.write_bytes(raw[:length])
        refused(good)


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
    raw = good.read_bytes()
    document = Saved.of(raw).document
    free = {"label", "answer", "versions", "entries", "fates", "vision", "tokens_wanted",
            "decisions", "reasons", "names", "seed", "sampling", "flops", "seconds", "encode",
            "prefill", "images", "decode", "temperature"}  # fmt: skip
    for place in every_place(document):
        target = document
        for step in place:
            target = target[step]
        if place[-1] in free or (isinstance(target, str) and isinstance(value, str)):
            continue
        if value is True and place[-1] == "stopped":
            continue
        if value == -1 and place[-1] == "layer":  # before the first
            continue

        def change(whole, place=place):
            here = whole
            for step in place[:-1]:
                here = here[step]
            here[place[-1]] = value

        refused(rewritten(good, change))
        good.write_bytes(raw)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("entries", 0, "strategy"), {"k": 1}),
        (("entries", 0, "strategy"), {"name": 3}),
        (("entries", 0, "flops"), 0.0),
        (("entries", 0, "label"), "baseline"),
        (("entries", 0, "tokens"), ["a"]),
        (("entries", 1, "tokens_wanted"), -1.0),
        (("entries", 1, "vision"), {"patches": 4}),
        (("entries", 1, "fates", "decisions", 0, "layer"), 3),
        (("entries", 1, "fates", "token_maps"), []),
        (("versions",), [["one", "two", "three"]]),
    ],
)
def test_values_that_do_not_fit_together_are_refused(good, place, value):
    def change(document):
        here = document
        for step in place[:-1]:
            here = here[step]
        here[place[-1]] = value

    refused(rewritten(good, change))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("baseline.kl_positions", [0.0, 0.1]),
        ("baseline.agrees", [True, False]),
        ("entries.0.kl_positions", [-0.5, 1.0]),
        ("entries.0.kl_positions", [0.5]),
        ("entries.0.kl_positions", [1, 2]),
        ("entries.0.visual_tokens_per_layer", [4, 0, 1]),
        ("entries.0.cached_visual_tokens_per_layer", [4, 1, 0]),
        ("entries.0.token_ids", [1] * 99),
        ("entries.1.visual_tokens_per_layer", [3, 2, 1]),
        ("entries.1.fates.sizes", [1, 1, 1]),
        ("entries.1.fates.sizes", [2, 1]),
        ("entries.1.fates.token_maps.0", [0, 0, 1, 2]),
        ("entries.1.fates.decisions.0.scores", [[np.inf, 0.02, 0.97], [0.0, 0.01, 0.6]]),
        ("entries.1.fates.decisions.0.scores", [[0.01, 0.02, 0.97], [np.nan, 0.01, 0.6]]),
        ("entries.1.fates.decisions.0.fate", np.array([17, 1, 2], np.int8)),
        ("entries.1.fates.decisions.0.fate", np.array([-1, 1, 2], np.int8)),
        ("entries.1.fates.decisions.0.fate", np.array([0, 1, 2], np.int8)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(good, name, values):
    assert name in Saved.of(good.read_bytes()).tensors
    refused(rewritten(good, tensors={name: np.array(values)}))


def test_neither_saving_nor_loading_needs_torch(good):
    code = (
        "import sys; from vtw_core.results.comparison import load_comparison; "
        "load_comparison(sys.argv[1]).save(sys.argv[1]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(good)], check=True)


def test_a_folder_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(InputError, match="saved"):
        small_comparison().save(tmp_path / "nowhere" / "x.vtwm")
    with pytest.raises(InputError, match="no file"):
        load_comparison(tmp_path / "none.vtwm")
