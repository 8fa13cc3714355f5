"""A calibration as a pure function of its records, with numbers one can check by hand."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from saved_files import Saved
from small_budgets import made_up_comparison

from vtw_core.errors import InputError
from vtw_core.families.adapters import ADAPTERS, _from_layer_zero
from vtw_core.measures.bootstrap import bootstrap_band
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.results import calibration
from vtw_core.results.calibration import (
    Calibration,
    Sample,
    Setting,
    is_right,
    load_calibration,
)
from vtw_core.results.equal_budget import load_budget_comparison
from vtw_core.results.older_files import FIRST_LAYERS_NEEDED
from vtw_core.results.run import DIRECTIONS, RULES, SCOPES, choose_k

BUNDLED = Path(__file__).resolve().parents[2] / "assets" / "calibration" / "embedded.vtwc"
SETTING = Setting("m", "llava", 3, 8, "some convention", "float32", "cpu", (("torch", "2"),))


def sample(kl, answers="abcd", accepted=("d",), flops=(1.0, 2.0, 3.0, 4.0)):
    """A sample with L = 3; the answer means are twice, the maxima four times the first token's,
    the reverse direction ten times the forward one."""
    curves = tuple(
        tuple(tuple(v * scope * way for v in kl) for scope in (1, 2, 4)) for way in (1, 10)
    )
    same = tuple(answer == answers[-1] for answer in answers)
    return Sample("x.png", "what ?", accepted, 5, 7, curves, tuple(answers), same, flops)


@pytest.fixture
def two():
    return Calibration(
        SETTING,
        (
            sample((0.8, 0.2, 0.0, 0), answers="xydd"),
            sample((0.4, 0.4, 0.002, 0), answers=("e ", "E", "f", "g"), accepted=("e", "E!"),
                   flops=(4.0, 4.0, 4.0, 8.0)),
        ),
    )  # fmt: skip


def test_the_mean_curve_the_shares_and_the_histogram_by_hand(two):
    reading = two.read(eta=0.25)
    assert reading.kl_mean == pytest.approx([0.6, 0.3, 0.001, 0])
    assert reading.k_star == two.choose_k(0.25) == 2
    assert reading.k_stars.tolist() == [1, 2]
    assert reading.histogram.tolist() == [0, 1, 1, 0]
    assert reading.agreement.tolist() == [0, 0, 0.5, 1]
    assert reading.accuracy.tolist() == [0.5, 0.5, 0.5, 0.5]
    assert reading.flops_share.tolist() == [0.375, 0.5, 0.625, 1]


def test_k_star_is_that_of_the_mean_curve_not_the_mean_of_k_star():
    calibration = Calibration(SETTING, (sample((0, 0, 0, 0)), sample((9, 9, 9, 0))))
    reading = calibration.read(eta=1)
    assert reading.k_stars.tolist() == [0, 3]
    assert reading.k_star == 3


def test_scope_direction_and_rule_are_each_obeyed(two):
    for s, scope in enumerate(SCOPES):
        for d, direction in enumerate(DIRECTIONS):
            assert two.kl(scope, direction)[0, 1] == pytest.approx(0.2 * (1, 2, 4)[s] * (1, 10)[d])
    bumpy = Calibration(SETTING, (sample((0.1, 0.9, 0.1, 0)),))
    assert [bumpy.choose_k(0.5, rule=rule) for rule in RULES] == [0, 2, 3]


def test_at_k_equal_to_l_the_curve_is_zero_and_everything_agrees(two):
    for scope in SCOPES:
        for direction in DIRECTIONS:
            reading = two.read(0.0, scope, "stays_below", direction)
            assert reading.kl_mean[-1] == 0
            assert reading.kl_band[:, -1].tolist() == [0, 0]
            assert reading.agreement[-1] == reading.flops_share[-1] == 1
            assert reading.histogram.sum() == 2


def test_the_band_holds_the_mean_stays_in_the_range_and_is_the_same_each_time():
    curves = np.random.default_rng(1).gamma(0.5, size=(12, 4))
    low, high = bootstrap_band(curves)
    mean = curves.mean(axis=0)
    assert (low < mean).all()
    assert (mean < high).all()
    assert (low >= curves.min(axis=0)).all()
    assert (high <= curves.max(axis=0)).all()
    assert np.array_equal(bootstrap_band(curves), (low, high))


def test_the_band_of_many_even_draws_is_near_the_normal_one():
    values = np.random.default_rng(2).normal(5, 2, size=(400, 1))
    low, high = bootstrap_band(values)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.05)
    assert high == pytest.approx(values.mean() + half, abs=0.05)


def test_equal_samples_have_a_band_of_no_width_and_one_sample_has_none(two):
    same = bootstrap_band(np.array([[2.0, 1.0], [2.0, 1.0]]))
    assert same == pytest.approx(np.array([[2, 1], [2, 1]]))
    single = Calibration(SETTING, two.samples[:1])
    assert single.read().kl_band is None
    assert single.to_json()["kl_band"] is None


def test_without_answers_there_is_agreement_but_no_accuracy(two):
    blank = Calibration(SETTING, tuple(replace(s, accepted=()) for s in two.samples))
    reading = blank.read()
    assert reading.accuracy is None
    assert reading.answered == 0
    assert json.loads(json.dumps(blank.to_json()))["per_sample"][0]["right"] is None
    mixed = Calibration(SETTING, (two.samples[0], blank.samples[1]))
    assert mixed.read().accuracy.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("answer", "accepted", "right"),
    [(" Red\n", ("red",), True), ("STRASSE", ("straße",), True), ("red", ("blue", "red "), True),
     ("red.", ("red",), False), ("", ("red",), False), ("a red one", ("red",), False)],
)  # fmt: skip
def test_right_is_equal_after_strip_and_casefold(answer, accepted, right):
    assert is_right(answer, accepted) is right


def test_the_table_has_a_line_for_each_k_and_gives_the_numbers_back_exactly(two):
    reading = two.read(eta=0.25)
    header, *rows = csv.reader(io.StringIO(reading.to_csv()))
    assert len(rows) == 4
    assert {len(row) for row in rows} == {len(header)}
    assert [float(row[1]) for row in rows] == reading.kl_mean.tolist()
    assert [int(row[-1]) for row in rows] == [0, 0, 1, 0]


def test_json_names_what_was_read_and_holds_every_sample(two):
    document = json.loads(json.dumps(two.to_json(eta=0.25, scope="answer_max")))
    assert document["scope"] == "answer_max"
    assert document["kl_direction"] == "KL(P_withdrawn || P_full), nats"
    assert document["k_star"] == choose_k(document["kl_mean"], 0.25)
    assert [entry["prompt"] for entry in document["per_sample"]] == ["what ?", "what ?"]
    assert "bootstrap" in document["kl_band"]["method"]
    assert "casefold" in document["answer_match"]


def test_what_is_saved_is_read_back_exactly(two, tmp_path):
    assert load_calibration(two.save(tmp_path / "c.vtwc")) == two


def test_json_in_pieces_is_the_same_text(two):
    pieces = list(two.json_pieces(eta=0.25, rule="stays_below"))
    assert "".join(pieces) == json.dumps(two.to_json(eta=0.25, rule="stays_below"))
    assert len(pieces) > len(two.samples)


def test_a_file_that_could_not_be_read_back_is_not_written(two, tmp_path, monkeypatch):
    small = replace(calibration._FORMAT, most_array_bytes=300)
    monkeypatch.setattr("vtw_core.results.calibration._FORMAT", small)
    with pytest.raises(InputError, match="too much for one file; the shards of --out"):
        two.save(tmp_path / "c.vtwc")


def test_the_band_is_the_same_whatever_is_drawn_at_a_time(monkeypatch):
    curves = np.random.default_rng(1).gamma(0.5, size=(12, 4))
    whole = bootstrap_band(curves)
    monkeypatch.setattr("vtw_core.measures.bootstrap._MOST_DRAWS", 100)
    assert np.array_equal(bootstrap_band(curves), whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kl": sample((1, 1, 0)).kl}, r"should have the shape \[2, 3, L\+1\]"),
        ({"kl": sample((1, 1, 1, 1)).kl}, "0 at K = L"),
        ({"kl": sample((-1, 1, 1, 0)).kl}, "not negative"),
        ({"kl": sample((float("nan"), 1, 1, 0)).kl}, "finite"),
        ({"flops": (0.0, 1.0, 1.0, 1.0)}, "FLOPs"),
        ({"answers": ("a",)}, r"\[L\+1\] = \[4\], not \[1\]"),
        ({"same_as_baseline": (True, True, True, False)}, "baseline"),
        ({"visual_tokens": 0}, "at least 1"),
    ],
)
def test_records_that_cannot_come_from_a_run_are_refused(two, change, words):
    with pytest.raises(InputError, match=words):
        Calibration(SETTING, (two.samples[0], replace(two.samples[1], **change)))
    with pytest.raises(InputError, match="no sample"):
        Calibration(SETTING, ())


def test_no_byte_of_a_saved_file_can_change_without_being_noticed(two, tmp_path):
    budget = made_up_comparison()
    files = (two.save(tmp_path / "c"), load_calibration), (
        budget.save(tmp_path / "b"), load_budget_comparison,
    )  # fmt: skip
    for file, load in files:
        written = file.read_bytes()
        places = range(0, len(written), max(1, len(written) // 1500))
        for place in places:
            changed = bytearray(written)
            changed[place] ^= 1
            file.write_bytes(changed)
            with pytest.raises(InputError):
                load(file)


def test_the_families_that_need_their_first_layers_are_known():
    needed = {kind for kind, row in ADAPTERS.items() if row.k_min is not _from_layer_zero}
    assert needed == set(FIRST_LAYERS_NEEDED)


def test_k_star_of_a_calibration_is_never_below_k_min(two):
    later = replace(two, k_min=2)
    for rule in RULES:
        reading = later.read(eta=100.0, rule=rule)
        assert (
            reading.k_star == later.choose_k(100.0, rule=rule) == (3 if rule == "released" else 2)
        )
        assert reading.k_stars.min() >= 2
    document = later.to_json(eta=100.0, rule="released")
    assert (document["rule"], document["k_min"]) == ("released", 2)
    assert document["k_star_rule"] == (
        "the first K from 5 on whose KL is at most eta, as in VTW's released code"
    )


def test_the_released_rule_differs_on_the_bundled_set_where_it_should():
    recorded = load_calibration(BUNDLED)
    every = recorded.read(rule="first").k_stars
    released = recorded.read(rule="released").k_stars
    assert (every != released).sum() == 4
    assert (released == np.maximum(every, 5))[every != released].all()
    assert (released >= 5).all()


def damage(document, *path, value):
    *way, last = path
    for step in way:
        document = document[step]
    document[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [(("samples",), {}), (("samples",), []),
     (("setting", "layers"), True), (("setting", "layers"), "3"), (("setting", "extra"), 1),
     (("samples", 0), None), (("samples", 0, "flops"), ["1", "2", "3", "4"]),
     (("samples", 0, "kl"), {}), (("samples", 0, "answers"), [1, 2, 3, 4]),
     (("samples", 0, "kl"), [[[1, None, 0, 0]] * 3] * 2)],
)  # fmt: skip
def test_a_damaged_file_is_one_sentence(two, tmp_path, path, value):
    file = two.save(tmp_path / "c")
    saved = Saved.of(file.read_bytes())
    saved.tensors.pop(".".join(map(str, path)), None)
    damage(saved.document, *path, value=value)
    file.write_bytes(saved.raw())
    with pytest.raises(InputError, match=r"^(?!.*not those that were saved)"):
        load_calibration(file)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": NaN}', "[" * 100_000, "\xff"])
def test_a_file_that_is_no_calibration_is_one_sentence(tmp_path, text):
    file = tmp_path / "c.vtwc"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"c\.json"):
        load_calibration(file)
    with pytest.raises(InputError, match="There is no file"):
        load_calibration(tmp_path / "nowhere.json")


def test_the_published_thresholds_have_a_source_each():
    known = {preset.model: (preset.eta, preset.k) for preset in ETA_PRESETS}
    assert known["LLaVA-1.5-7B"] == (0.003, 16)
    assert known["LLaVA-1.5-13B"] == (0.0005, 20)
    assert known["LLaVA-1.6-7B"][0] == 0.0001
    assert all("VTW" in preset.source for preset in ETA_PRESETS)
