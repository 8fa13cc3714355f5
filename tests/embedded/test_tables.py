"""The tables of the model card, on numbers one can check by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from embedded_model import tables
from embedded_model.evaluate import held_out, right_at_every_k
from embedded_model.questions import SHORT_KINDS
from embedded_model.tables import EveryK, Reading, Trial


@pytest.fixture
def measured():
    """Two layers; "color" right in 1 of 2 at K=1, in both at K=2; "size" always right."""
    every = np.array([[False, False, True], [False, True, True]])
    return EveryK(
        2,
        ("visual", "question"),
        right={"color": list(every), "size": [np.ones(3, bool)], "describe": [np.zeros(3, bool)]},
        kl_first={"color": [np.array([2.0, 1.0, 0.0]), np.array([4.0, 0.0, 0.0])]},
        mass=[np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([[0.75, 0.25], [0.5, 0.5]])],
        flops=[np.array([20.0, 60.0, 100.0])],
    )


def test_accuracy_is_the_mean_over_kinds_and_flops_a_share(measured):
    assert measured.accuracy(("color", "size")) == pytest.approx([0.5, 0.75, 1.0])
    assert tables.accuracy_table(measured, ("color", "size")).splitlines() == [
        "| question | K=0 | K=1 | K=2 |",
        "| --- | ---: | ---: | ---: |",
        "| color | 0 | 50 | 100 |",
        "| size | 100 | 100 | 100 |",
        "| describe | 0 | 0 | 0 |",
        "| **mean of the short kinds** | **50.0** | **75.0** | **100.0** |",
        "| prefill FLOPs, % of the baseline | 20 | 60 | 100 |",
    ]


def test_what_is_saved_and_lost_at_a_k(measured):
    assert tables.trade(measured, 1, ("color", "size")) == pytest.approx((40, 25))
    assert tables.trade(measured, 2, ("color", "size")) == pytest.approx((0, 0))


def test_kl_and_attention_are_means(measured):
    assert "| color | 3 | 0.5 | 0 |" in tables.kl_table(measured, measured.kl_first)
    assert tables.mass_table(measured).splitlines()[2:] == [
        "| visual | 50 | 50 |", "| question | 50 | 50 |",
    ]  # fmt: skip


def test_an_answer_counts_only_if_it_is_exact_and_ends():
    run = SimpleNamespace(answers=("red", "red", "red circle"), stopped=(True, False, True))
    assert right_at_every_k(run, "red").tolist() == [True, False, False]


def test_a_difference_comes_with_its_standard_error():
    assert tables.difference([True, True], [True, False]) == "50 ± 35"
    assert tables.difference([True], [True]) == "0 ± 0"
    assert tables.difference([], [True]) == ""


def test_the_gap_is_told_by_kind_and_by_style():
    def trial(drawing, wording, right, style="flat"):
        return Trial("color", style, drawing, wording, right)

    trials = [
        trial(False, False, True), trial(False, True, True),
        trial(True, False, True), trial(True, True, False),
    ]  # fmt: skip
    assert tables.gap_by_kind(trials).splitlines()[2] == "| color | 100 | 100 | 100 | 0 | 100 ± 0 |"
    assert tables.gap_by_style(trials).splitlines()[2:] == ["| flat | 100 | 50 | 50 ± 35 |"]


def test_readings_are_told_by_value():
    readings = [
        Reading("shape", "star", "flat", False, True),
        Reading("shape", "star", "flat", True, False),
        Reading("shape", "cross", "flat", True, True),
    ]
    assert tables.readings_table(readings).splitlines()[2:] == [
        "| shape: star | 100 | 0 | 100 ± 0 |",
        "| shape: cross |  | 100 |  |",
    ]


def test_held_out_questions_are_as_many_as_asked_for():
    pairs = held_out(seed=1, per_kind=2, kinds=SHORT_KINDS)
    kinds = [question.kind for _, questions in pairs for question in questions]
    assert sorted(kinds) == sorted(SHORT_KINDS * 2)
    assert all(questions for _, questions in pairs)
