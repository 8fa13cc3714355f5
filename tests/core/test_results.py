"""Results: choosing K, saving, loading, and refusing files that lie."""

import copy
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from saved_files import Saved
from small_records import small_run, with_random_inside

from vtw_core import InputError, Run, choose_k, load_run
from vtw_core.results.run import RULES, Seconds, rule_in_words

T = 2


def reach(document, path):
    for step in path:
        document = document[step]
    return document


def same(one, other):
    """Whether two values of a run are equal, arrays bit for bit."""
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, tuple) and any(map(dataclasses.is_dataclass, one)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


class TestChooseK:
    def test_by_hand(self):
        kl = [4.0, 0.002, 0.5, 0.001, 0.0]
        assert choose_k(kl, 0.003) == 1
        assert choose_k(kl, 0.003, rule="stays_below") == 3
        assert choose_k(kl, 0.0015) == 3
        assert choose_k(kl, 5) == 0
        assert choose_k(kl, 5, rule="stays_below") == 0

    def test_the_threshold_itself_qualifies(self):
        assert choose_k([1.0, 0.5, 0.0], 0.5) == 1

    def test_it_is_l_when_nothing_can_be_withdrawn(self):
        assert choose_k([4.0, 3.0, 2.0, 0.0], 0.003) == 3
        assert choose_k([4.0, 3.0, 2.0, 0.0], 0) == 3
        assert choose_k([4.0, 3.0, 2.0, 0.0], 0, rule="stays_below") == 3

    @pytest.mark.parametrize("eta", [-1, float("nan"), float("inf"), "0.1", None, True])
    def test_a_bad_eta_is_refused(self, eta):
        with pytest.raises(InputError, match="eta"):
            choose_k([1.0, 0.0], eta)

    def test_a_bad_rule_scope_or_direction_is_refused(self):
        with pytest.raises(InputError, match="rule"):
            choose_k([1.0, 0.0], 0.1, rule="last")
        with pytest.raises(InputError, match="scope"):
            small_run().choose_k(0.1, scope="everything")
        with pytest.raises(InputError, match="direction"):
            small_run().choose_k(0.1, direction="sideways")

    def test_no_rule_answers_a_k_that_cannot_be_withdrawn_at(self):
        for rule in RULES:
            for k_min in range(4):
                low = [0.0] * 4
                assert choose_k(low, 0.003, rule, k_min) == (3 if rule == "released" else k_min)
                assert small_run(k_min=k_min).choose_k(99, rule=rule) >= k_min
        assert choose_k([9, 0, 9, 0, 9, 0], 1, "stays_below", 2) == 5
        with pytest.raises(InputError, match="k_min must be a K from 0 to 3, not 4"):
            choose_k([0.0] * 4, 1, k_min=4)

    def test_the_released_codes_candidates_begin_at_five(self):
        low = [9.0, 0, 0, 0, 0, 0.001, 0, 0]
        assert choose_k(low, 0.003, "first") == 1
        assert choose_k(low, 0.003, "released") == 5
        assert choose_k(low, 0.003, "released", k_min=6) == 6
        assert choose_k([0.0] * 4, 0.003, "released") == 3  # no layer 5: L, as where none fits

    def test_each_rule_says_what_it_is(self):
        document = small_run(k_min=1).to_json(rule="released")
        assert document["k_star_rule"] == rule_in_words("released", 1)
        assert rule_in_words("first", 2) == "the first K from 2 on whose KL is at most eta"
        assert "every later K" in rule_in_words("stays_below")
        with pytest.raises(InputError, match="first, stays_below, released"):
            rule_in_words("last")

    def test_a_bad_curve_is_refused(self):
        with pytest.raises(InputError, match="kl"):
            choose_k([], 0.1)

    def test_scopes_and_directions_of_a_run(self):
        run = small_run()
        assert run.choose_k(0.003) == 1
        assert run.choose_k(0.003, scope="answer_mean") == 3
        assert run.choose_k(0.3, scope="answer_mean") == 2
        assert run.choose_k(1.0, scope="answer_max") == 1
        assert run.choose_k(0.003, direction="full_withdrawn") == 3
        assert run.choose_k(1.0, scope="answer_max", direction="full_withdrawn") == 2


class TestDerived:
    def test_curves(self):
        run = small_run()
        assert run.kl_first_token.tolist() == [4.0, 0.002, 0.5, 0.0]
        assert run.kl_answer.tolist() == [6.0, 0.501, 0.3, 0.0]
        assert run.kl_answer_max.tolist() == [8.0, 1.0, 0.5, 0.0]
        assert run.kl_answer_max_reverse.tolist() == [16.0, 2.0, 1.0, 0.0]
        assert run.kl_first_token_reverse.tolist() == [8.0, 0.004, 1.0, 0.0]
        assert run.kl_answer_reverse[0] == 12.0

    def test_same_as_baseline(self):
        assert small_run().same_as_baseline.tolist() == [False, True, False, True]

    def test_counts_and_times(self):
        run = small_run()
        assert run.prompt_tokens == 5
        assert run.baseline_answer == "a ball"
        assert np.isnan(run.decode_seconds_per_token[0])  # one token: no decode step
        assert run.decode_seconds_per_token[1:].tolist() == [1.0, 1.0, 1.0]
        assert run.to_json()["seconds"]["decode_per_token_at_k"][0] is None

    def test_nothing_in_it_can_be_changed(self):
        run = small_run()
        with pytest.raises(dataclasses.FrozenInstanceError):
            run.layers = 4
        for array in (run.kl_positions, run.kl_first_token, run.flops, run.seconds.prefill):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1

    def test_it_keeps_no_hold_on_the_arrays_it_was_given(self):
        flops = np.array([1.0, 2.0, 3.0, 4.0])
        run = small_run(flops=flops)
        flops[0] = 99
        assert run.flops[0] == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": 4},
        {"layers": 0},
        {"answers": ("a",)},
        {"tokens": ("a",)},
        {"segments": ("bos", "system", "visual", "visual", "answer?")},
        {"segments": ("bos", "system", "visual", "question", "question")},
        {"kl_positions": np.full((4, T), np.nan)},
        {"kl_positions": np.full((4, T), -1.0)},
        {"kl_positions": np.ones((4, T))},
        {"kl_positions": np.zeros((4, 5))},
        {"answer_ids": ((), (6, 7), (6, 8), (6, 7))},
        {"answer_ids": ((5, 5), (6, 7), (6, 8), (6, 7))},
        {"max_new_tokens": 1},
        {"flops": np.array([1.0, 2.0, np.inf, 4.0])},
        {"kv_bytes": np.array([1, 2, 3, -4])},
        {"seconds": Seconds(-1.0, np.ones(4), np.ones(4), 0.5, 0.6, 9.0)},
        {"seconds": Seconds(1.0, np.ones(3), np.ones(4), 0.5, 0.6, 9.0)},
        {"grid": (0, 2)},
        {"k_min": 4},
        {"first_probabilities": np.full((4, 2), 1.5)},
        {"first_probabilities": np.full((4, 3), 0.1)},
        {"first_tokens": (("no", "a"),) * 3},
    ],
)
def test_values_that_do_not_fit_together_are_refused(changes):
    with pytest.raises(InputError, match="coherent"):
        small_run(**changes)


def test_json_has_the_keys_and_lengths_of_the_contract():
    document = json.loads(json.dumps(small_run().to_json(eta=0.003), allow_nan=False))
    assert document["k_star"] == 1
    assert document["kl_direction"] == "KL(P_withdrawn || P_full), nats"
    assert document["baseline"]["answer"] == "a ball"
    assert document["baseline"]["tokens"] == ["a", " ball"]
    for key in ("kl_first_token", "kl_answer_mean", "kl_answer_max", "answers"):
        assert len(document[key]) == 4
    for key in ("flops", "kv_bytes"):
        assert len(document[key]["at_k"]) == 4
        assert document[key]["baseline"] == document[key]["at_k"][-1]
    assert document["flops"]["convention"]
    assert {"model", "layers", "prompt_tokens", "visual_tokens", "eta", "seconds"} <= set(document)


def test_json_in_the_other_direction_says_so():
    document = small_run().to_json(direction="full_withdrawn")
    assert document["kl_direction"] == "KL(P_full || P_withdrawn), nats"
    assert document["kl_first_token"][0] == 8.0


class TestSaving:
    def test_a_round_trip_changes_nothing(self, run, tmp_path):
        path = run.save(tmp_path / "run.vtw")
        again = load_run(path)
        for f in dataclasses.fields(Run):
            assert same(getattr(run, f.name), getattr(again, f.name)), f.name

    def test_a_round_trip_keeps_its_inside(self, tmp_path):
        run = with_random_inside(small_run())
        assert same(run.inside, load_run(run.save(tmp_path / "run.vtw")).inside)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match="saved"):
            small_run().save(tmp_path / "nowhere" / "run.vtw")

    def test_a_file_that_is_not_there_or_is_a_folder(self, tmp_path):
        for path in (tmp_path / "none.vtw", tmp_path):
            with pytest.raises(InputError):
                load_run(path)

    def test_neither_saving_nor_loading_needs_torch(self, tmp_path):
        path = small_run().save(tmp_path / "run.vtw")
        code = (
            "import sys; from vtw_core import load_run; load_run(sys.argv[1]).save(sys.argv[1]); "
            "assert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)


class TestHostileFiles:
    @pytest.fixture
    def good(self, tmp_path):
        return Saved.of(with_random_inside(small_run()).save(tmp_path / "good.vtw").read_bytes())

    def write(self, path, saved):
        path.write_bytes(saved.raw())
        return path

    def refused(self, path):
        with pytest.raises(InputError) as caught:
            load_run(path)
        assert "\n" not in str(caught.value)

    def test_the_file_that_the_tests_make_is_the_librarys(self, tmp_path, good):
        raw = (tmp_path / "good.vtw").read_bytes()
        assert good.raw(json.dumps(good.document, separators=(",", ":"))) == raw

    def test_bytes_that_are_no_run(self, tmp_path):
        for raw in (b"", b"hello", b"PK\x03\x04" + b"\0" * 50, b"\x80\x04\x95pickle"):
            (tmp_path / "x").write_bytes(raw)
            self.refused(tmp_path / "x")

    def test_a_truncated_file(self, tmp_path, good):
        raw = good.raw()
        for length in range(0, len(raw), 97):
            (tmp_path / "x").write_bytes(raw[:length])
            self.refused(tmp_path / "x")

    def test_a_file_of_something_else(self, tmp_path, good):
        for document in ({}, [1, 2], "text", 3, None):
            good.document = document
            self.refused(self.write(tmp_path / "x", good))

    @pytest.mark.parametrize("value", [None, "x", -1, True, [], {}, 1.5, [["x"]], 10**30])
    def test_any_field_with_a_wrong_value(self, tmp_path, good, value):
        document = dict(good.document)
        for name, was in document.items():
            if type(value) is type(was) and not isinstance(value, (int, list, dict)):
                continue  # another string is a fine prompt
            if (name, value) in (("versions", []), ("inside", None), ("further_images", [])):
                continue
            good.document = {**document, name: value}
            self.refused(self.write(tmp_path / "x", good))

    def test_a_missing_or_an_extra_field(self, tmp_path, good):
        document = dict(good.document)
        for name in document.keys() - {"inside", "further_images"}:
            good.document = {key: v for key, v in document.items() if key != name}
            self.refused(self.write(tmp_path / "x", good))
        good.document = {**document, "extra": 1}
        self.refused(self.write(tmp_path / "x", good))

    @pytest.mark.parametrize("value", [None, "x", -1, {}, 1.5, [["x"]], {"shape": [2]}])
    def test_any_field_of_its_inside_with_a_wrong_value(self, tmp_path, good, value):
        parts = [(), ("attention",), ("lens",), ("counterfactuals", 0)]
        document = copy.deepcopy(good.document)
        for part in parts:
            for name in reach(document["inside"], part):
                if (name, value) == ("name", "x") or value == reach(document["inside"], part)[name]:
                    continue  # one with another name, or no change
                good.document = copy.deepcopy(document)
                reach(good.document["inside"], part)[name] = value
                self.refused(self.write(tmp_path / "x", good))

    def test_an_array_that_is_missing_or_of_another_type_or_shape(self, tmp_path, good):
        for name, array in good.tensors.items():
            if name == "inside.images":
                continue  # all of the first image, where nothing is said
            left = {key: one for key, one in good.tensors.items() if key != name}
            others = [left, *(left | {name: one} for one in (array[..., None], array.astype("i2")))]
            if array.size:
                others.append(left | {name: array[:-1]})
            for tensors in others:
                self.refused(self.write(tmp_path / "x", dataclasses.replace(good, tensors=tensors)))

    def test_an_array_with_a_number_that_is_not_finite_or_no_share(self, tmp_path, good):
        for bad in (np.nan, np.inf, -0.5, 2.0):
            rows = good.tensors["inside.attention.rows"].copy()
            rows[0, 0, 0] = bad
            self.refused(
                self.write(tmp_path / "x", good.with_tensor("inside.attention.rows", rows))
            )

    def test_an_array_in_the_place_of_a_number(self, tmp_path, good):
        del good.document["layers"]
        self.refused(self.write(tmp_path / "x", good.with_tensor("layers", np.array(3))))

    @pytest.mark.parametrize("name", ["encode_image", "total"])
    def test_seconds_that_are_no_numbers(self, tmp_path, good, name):
        for value in (None, "1.0", [None] * 4, ["1.0"] * 4, [[1.0]] * 4, True):
            good.document["seconds"] = {**good.document["seconds"], name: value}
            self.refused(self.write(tmp_path / "x", good))
