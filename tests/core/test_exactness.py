"""The check at load: does the installed transformers run layers as withdrawal takes for granted?"""

import re
import warnings
from pathlib import Path

import pytest
import torch
import transformers
from real_configs import REAL_CONFIGS

from vtw_core import ModelError, load_model
from vtw_core.cli.terminal import quiet
from vtw_core.engine import withdrawal
from vtw_core.errors import VTWWarning
from vtw_core.families.adapters import ADAPTERS
from vtw_core.loading import exactness, loading
from vtw_core.loading.exactness import TESTED, TOLERANCE, TinyModel, check_exactness, differences

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ", ".join(TESTED)


@pytest.mark.parametrize("name", REAL_CONFIGS)
def test_a_tiny_decoder_like_the_real_ones_drops_as_it_masks(name):
    apart, effect = differences(TinyModel(REAL_CONFIGS[name]()))
    assert apart <= 1e-5
    assert effect > 0.5


@pytest.mark.parametrize(
    "text", ["GemmaConfig", "Phi3Config", "Qwen3Config", "Qwen3MoeConfig", "GptOssConfig"]
)
def test_so_does_one_like_other_decoders_that_a_family_may_have(text):
    # PaliGemma's own config lets Gemma see both ways.
    kind = transformers.PaliGemmaConfig if text == "GemmaConfig" else transformers.LlavaConfig
    apart, effect = differences(TinyModel(kind(text_config=getattr(transformers, text)())))
    assert apart <= 1e-5
    assert effect > 0.5


def test_the_real_ones_are_of_every_family():
    assert {make().model_type for make in REAL_CONFIGS.values()} == set(ADAPTERS)


@pytest.fixture
def no_weights(monkeypatch):
    """Reading weights fails the test."""
    monkeypatch.setattr(loading, "load_weights", lambda *_: pytest.fail("weights were read"))


def test_a_release_that_names_the_cache_otherwise_is_refused_before_weights_are_read(
    monkeypatch, tiny_folder, no_weights
):
    # What transformers 5.24 was to an engine that knew `past_key_values` alone.
    monkeypatch.setattr(withdrawal, "cache_of", lambda kwargs: None)
    with pytest.raises(ModelError, match=f"known to work: {re.escape(KNOWN)}") as caught:
        load_model(str(tiny_folder))
    assert f"type llama with transformers {exactness.installed}" in str(caught.value)


def test_a_release_whose_rotary_tables_are_laid_out_otherwise_is_refused(
    monkeypatch, tiny_folder, no_weights
):
    cut = withdrawal.Withdrawal._cut_arguments

    def shifted(self, *args):
        changed = cut(self, *args)
        cos, sin = changed["position_embeddings"]
        return {**changed, "position_embeddings": (cos.roll(1, -2), sin.roll(1, -2))}

    monkeypatch.setattr(withdrawal.Withdrawal, "_cut_arguments", shifted)
    with pytest.raises(ModelError, match=r"not equal masking.*known to work"):
        load_model(str(tiny_folder))


def test_a_check_that_would_see_no_difference_passes_nothing(monkeypatch, tiny_folder, no_weights):
    monkeypatch.setattr(exactness, "differences", lambda tiny: (0.0, TOLERANCE / 2))
    with pytest.raises(ModelError, match="not equal masking"):
        load_model(str(tiny_folder))


def test_numbers_that_are_none_pass_nothing(monkeypatch, tiny_folder, no_weights):
    monkeypatch.setattr(exactness, "differences", lambda tiny: (float("nan"), 1.0))
    with pytest.raises(ModelError, match="not equal masking"):
        load_model(str(tiny_folder))


def test_where_it_cannot_be_checked_a_warning_says_so_on_the_command_line_too(
    monkeypatch, tiny_folder
):
    def fails(text, layers):
        raise ValueError("no such\n  layer")

    monkeypatch.setattr(exactness, "_tiny", fails)
    with pytest.warns(VTWWarning, match=r"could not be checked.*llama.*\(no such layer\)"):
        load_model(str(tiny_folder))
    with warnings.catch_warnings(record=True) as heard, quiet():
        check_exactness(REAL_CONFIGS["llava-hf/llava-1.5-7b-hf"]())
    assert [one.category for one in heard] == [VTWWarning]


def test_it_leaves_random_numbers_and_other_models_precision_alone():
    config = REAL_CONFIGS["llava-hf/llava-1.5-7b-hf"]()
    asked = config.to_dict()
    torch.manual_seed(7)
    state = torch.get_rng_state()
    torch.set_default_dtype(torch.bfloat16)  # as transformers does while it reads weights
    try:
        check_exactness(config)
        assert torch.get_default_dtype() == torch.bfloat16
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    assert config.to_dict() == asked


def test_the_releases_known_to_work_are_those_that_are_tested():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    allowed = next(line for line in lines if line.startswith("transformers"))
    pinned = re.search(r"^transformers==(.*)$", (ROOT / "constraints.txt").read_text(), re.M)[1]
    assert allowed == f"transformers>={TESTED[0].removesuffix('.0')},<6"
    assert pinned in TESTED
