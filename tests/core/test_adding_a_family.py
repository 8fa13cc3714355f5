"""CONTRIBUTING.md: a family is one row of a table; all else is measured."""

import copy

import pytest
from family_laws import LAWS
from transformers import AutoModelForImageTextToText, LlavaConfig, LlavaForConditionalGeneration

from vtw_core import ModelError, check_support, wrap
from vtw_core.families.adapters import ADAPTERS


class OursConfig(LlavaConfig):
    model_type = "ours"


class Ours(LlavaForConditionalGeneration):
    config_class = OursConfig


@pytest.fixture
def unknown(tiny_models):
    """A model of a class that transformers knows and no row does, and its processor."""
    vlm = tiny_models("llava")
    model = copy.deepcopy(vlm.model)
    model.__class__, model.config.__class__ = Ours, OursConfig
    model.config.model_type = "ours"
    AutoModelForImageTextToText.register(OursConfig, Ours)
    yield model, vlm.processor
    del AutoModelForImageTextToText._model_mapping._extra_content[OursConfig]


def test_without_its_row_it_is_refused_by_name(unknown):
    assert not check_support(unknown[0]).supported
    with pytest.raises(ModelError, match="'ours'"):
        wrap(*unknown)


@pytest.mark.parametrize("law", ["greedy", "beams", "baseline", "sweep"])
def test_with_its_row_it_obeys_the_laws(unknown, monkeypatch, law):
    monkeypatch.setitem(ADAPTERS, "ours", ADAPTERS["llava"])
    vlm = wrap(*unknown, name="ours")
    assert vlm.model_type == "ours"
    LAWS[law](vlm)
