"""One model that two processes hold together does what it does in one, to 1e-5 of the greatest
value (the logits of the embedded model go up to 23)."""

import json

import numpy as np
import pytest
from small_data import torchrun, write_small_data
from split_runs import STRATEGIES, everything

from vtw_core import __main__ as command_line
from vtw_core.errors import InputError
from vtw_core.loading.loading import load_model

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5


def difference(one, other):
    """As a share of the greatest value, all of which are of the order of 1 or more."""
    assert np.abs(other).max() > 0.5
    return np.abs(one - other).max() / np.abs(other).max()


@pytest.fixture(scope="module")
def alone():
    return everything(load_model("embedded", device="cpu"))


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """What each of two processes says."""
    out = tmp_path_factory.mktemp("split")
    done = torchrun(2, "split_runs", "embedded", str(out))
    assert done.returncode == 0, done.stderr
    return [np.load(out / f"{number}.npz") for number in range(2)]


def test_both_processes_say_the_same_bit_for_bit(split):
    one, other = split
    assert sorted(one.files) == sorted(other.files)
    for name in one.files:
        assert np.array_equal(one[name], other[name]), name


@pytest.mark.parametrize("name", ["answers", "kl", "kl reverse", "first"])
def test_every_k_of_an_exploration_is_that_of_one_process(alone, split, name):
    here, there = alone[f"explore {name}"], split[0][f"explore {name}"]
    if name == "answers":
        assert there.tolist() == here.tolist()
    else:
        assert difference(there, here) <= TOLERANCE


@pytest.mark.parametrize("asked", STRATEGIES)
def test_every_strategy_is_that_of_one_process(alone, split, asked):
    there = split[0]
    assert there[f"{asked} answer"].tolist() == alone[f"{asked} answer"].tolist()
    assert there[f"{asked} tokens"].tolist() == alone[f"{asked} tokens"].tolist()
    assert difference(there[f"{asked} logits"], alone[f"{asked} logits"]) <= TOLERANCE


def test_strategies_that_look_at_attention_drop_some_and_keep_some(alone):
    for asked in STRATEGIES[3:5]:
        counts = alone[f"{asked} tokens"]
        assert 0 < counts[-1] < counts[0]


def test_a_padded_batch_is_that_of_one_process(alone, split):
    assert split[0]["batch"].tolist() == alone["batch"].tolist()


def test_recording_the_inside_is_refused_with_a_sentence(alone, split):
    assert str(alone["inside"]) == "recorded"
    assert "only some heads" in str(split[0]["inside"])


def test_the_command_line_calibrates_with_a_split_model(tiny_folder, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    options = ["calibrate", "--model", str(tiny_folder), "--max-new-tokens", "2", "--json",
               "--data", str(write_small_data(tmp_path / "data"))]  # fmt: skip
    assert command_line.main(options) == 0
    alone = json.loads(capsys.readouterr().out)
    out = ["--tensor-parallel", "--out", str(tmp_path / "store")]
    done = torchrun(2, "vtw_core", *options, *out)
    assert done.returncode == 0, done.stderr
    split = json.loads(done.stdout)
    assert split["samples"] == 4
    assert split["kl_mean"] == pytest.approx(alone["kl_mean"], abs=TOLERANCE)
    for there, here in zip(split["per_sample"], alone["per_sample"], strict=True):
        assert there["answers"] == here["answers"]
    (shard,) = (tmp_path / "store").iterdir()  # only one process writes
    assert shard.read_bytes().count(b"\n") == 4


def test_what_needs_several_processes_says_so(tiny_folder, monkeypatch, image_path, capsys):
    with pytest.raises(InputError, match="torchrun --nproc_per_node"):
        load_model(str(tiny_folder), tensor_parallel=True)
    with pytest.raises(InputError, match="leave out the device"):
        load_model(str(tiny_folder), tensor_parallel=True, device="cpu")
    monkeypatch.setenv("WORLD_SIZE", "2")
    asked = ["explore", "--model", str(tiny_folder), "--image", str(image_path), "--prompt", "?"]
    assert command_line.main(asked) == 2
    assert "add --tensor-parallel" in capsys.readouterr().err
