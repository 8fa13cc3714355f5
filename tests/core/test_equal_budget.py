"""Numbers of a comparison at equal budget: means, medians, intervals, pairs, and its file."""

import numpy as np
import pytest
from saved_files import Saved
from small_budgets import FACTS, made_up_comparison

from vtw_core.errors import InputError
from vtw_core.results.equal_budget import (
    MEASURES,
    SHORT,
    BudgetComparison,
    Contender,
    load_budget_comparison,
)


def comparison_of(*columns, kinds=None, long_kinds=()):
    """Contenders with the same numbers in every measure."""
    contenders = [
        Contender("none" if place == 0 else "vtw", {"name": "vtw"}, None,
                  dict.fromkeys(MEASURES, np.array(column)))
        for place, column in enumerate(columns)
    ]  # fmt: skip
    kinds = kinds or ("color",) * len(columns[0])
    return BudgetComparison(FACTS, kinds, long_kinds, tuple(contenders))


def test_a_measure_is_a_mean_and_a_time_a_median_over_the_chosen_questions():
    made = comparison_of(
        [1, 2, 9, 5], kinds=("color", "count", "color", "describe"), long_kinds=("describe",)
    )
    assert made.estimates("kl_answer")[0].value == 4
    assert made.estimates("whole_time")[0].value == 2
    assert made.estimates("kl_answer", "color")[0].value == 5
    assert made.estimates("kl_answer", "describe")[0].value == 5
    with pytest.raises(InputError, match="no question of the kind 'shape'"):
        made.estimates("right", "shape")


@pytest.mark.parametrize(("measure", "spread"), [("right", 1.0), ("prefill_time", 1.2533)])
def test_an_interval_is_as_wide_as_the_theory_of_means_and_medians_says(measure, spread):
    values = np.random.default_rng(0).normal(3, 1, 2000)
    found = comparison_of(values).estimates(measure)[0]
    half = 1.96 * spread / np.sqrt(2000)
    assert found.low < found.value < found.high
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.2)


def test_pairs_tell_apart_what_two_intervals_do_not():
    base = np.random.default_rng(0).normal(0, 10, 50)
    made = comparison_of(base, base + 0.5)
    none, other = made.estimates("kl_first")
    assert none.high > other.low
    found = made.difference(made.contenders[1], made.baseline, "kl_first")
    assert found.low == pytest.approx(0.5) == found.high


def test_one_question_has_no_interval():
    found = comparison_of([3.0]).estimates("right")[0]
    assert (found.value, found.low, found.high) == (3, 3, 3)


def test_a_saved_comparison_comes_back_exactly(tmp_path):
    made = made_up_comparison()
    again = load_budget_comparison(made.save(tmp_path / "methods.vtwb"))
    assert again.facts == made.facts
    assert (again.kinds, again.long_kinds) == (made.kinds, made.long_kinds)
    assert again.out_of_reach == made.out_of_reach
    for one, other in zip(made.contenders, again.contenders, strict=True):
        assert (one.series, one.strategy, one.wanted) == (
            other.series, other.strategy, other.wanted,
        )  # fmt: skip
        for name in MEASURES:
            assert np.array_equal(other.values[name], one.values[name])
    assert again.estimates("right", SHORT) == made.estimates("right", SHORT)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kinds": [1]}, "kinds.0 should hold str"),
        ({"contenders": []}, "begins with its baseline"),
        ({"kinds": ["color"]}, r"should have the shape \[questions\] = \[1\], not \[18\]"),
        ({"facts": 3}, "facts should hold dict"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path, change, problem):
    path = made_up_comparison().save(tmp_path / "methods.vtwb")
    saved = Saved.of(path.read_bytes())
    if change == {"contenders": []}:
        saved.tensors = {}
    saved.document |= change
    path.write_bytes(saved.raw())
    with pytest.raises(InputError, match=problem):
        load_budget_comparison(path)


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        load_budget_comparison(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text('{"format": NaN}')
    with pytest.raises(InputError, match="damaged"):
        load_budget_comparison(tmp_path / "bad.json")
