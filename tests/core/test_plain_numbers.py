"""A number is a number, whichever library it is of."""

import json

import numpy as np
import pytest
import torch
from conftest import PROMPT

from vtw_core import (
    FastV,
    InputError,
    MustDrop,
    RandomDrop,
    RandomWithdrawal,
    Sampling,
    VisionStage,
    VisualTokenWithdrawal,
)
from vtw_core.files.python_numbers import real, whole

TWOS = [np.int64(2), np.int32(2), np.uint8(2), np.array(2), torch.tensor(2)]


@pytest.mark.parametrize("two", TWOS, ids=lambda two: type(two).__name__)
def test_whole_numbers_of_any_kind(two):
    assert whole(two) == 2
    assert type(whole(two)) is int
    assert type(real(two)) is int


@pytest.mark.parametrize("value", [True, np.True_, 2.0, np.float32(2), "2", None, [2]])
def test_what_is_no_whole_number(value):
    assert whole(value) is None


@pytest.mark.parametrize("value", [True, np.True_, "2", None, [2], 1j])
def test_what_is_no_number(value):
    assert real(value) is None


@pytest.mark.parametrize("two", TWOS, ids=lambda two: type(two).__name__)
def test_every_strategy_takes_them_and_is_the_one_of_plain_numbers(two):
    half = np.float32(0.5)
    pairs = [
        (VisualTokenWithdrawal(two), VisualTokenWithdrawal(2)),
        (FastV(two, half), FastV(2, 0.5)),
        (RandomWithdrawal(two, seed=two), RandomWithdrawal(2, seed=2)),
        (RandomDrop((4, two), seed=two), RandomDrop((4, 2), seed=2)),
        (RandomDrop(np.array([4, 2])), RandomDrop((4, 2))),
        (
            MustDrop(half, half, VisionStage(two, half, half), layers=(1, two)),
            MustDrop(0.5, 0.5, VisionStage(2, 0.5, 0.5), layers=(1, 2)),
        ),
        (MustDrop(half, half, layers=np.array([1, 2])), MustDrop(0.5, 0.5, layers=(1, 2))),
        (Sampling(half, half, seed=two), Sampling(0.5, 0.5, seed=2)),
    ]
    for given, plain in pairs:
        assert given == plain
        assert json.dumps(given.describe()) == json.dumps(plain.describe())


@pytest.mark.parametrize(
    "make",
    [
        lambda: VisualTokenWithdrawal(np.int64(-1)),
        lambda: VisualTokenWithdrawal(np.float64(2)),
        lambda: FastV(np.int64(0), 0.5),
        lambda: FastV(2, np.float32(1.5)),
        lambda: FastV(2, np.float64("nan")),
        lambda: RandomDrop(np.array([2.0, 1.0])),
        lambda: RandomDrop(np.array([1, 2])),
        lambda: RandomWithdrawal(2, seed=np.int64(-3)),
        lambda: MustDrop(np.float64("nan"), 0.1),
        lambda: VisionStage(np.int64(0)),
    ],
)
def test_those_out_of_range_are_reported(make):
    with pytest.raises(InputError):
        make()


def test_the_longest_answer_may_be_one_too(vlm, image, tmp_path):
    run = vlm.explore(image, PROMPT, max_new_tokens=np.int64(2))
    run.save(tmp_path / "run.vtw")
    assert run.max_new_tokens == 2
    assert type(run.max_new_tokens) is int
    assert len(vlm.generate(image, PROMPT, max_new_tokens=np.int32(2)).tokens) <= 2
    with pytest.raises(InputError, match="whole number"):
        vlm.generate(image, PROMPT, max_new_tokens=np.float64(2))
