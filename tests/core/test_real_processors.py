"""Families whose processor takes torchvision to be built, with that processor.

Skipped where torchvision is not installed; docs/models.md says how to run it.
"""

import functools
from dataclasses import replace

import pytest
import torch
from family_laws import LAWS, OTHER_PICTURE, PICTURE, PROMPT
from real_processors import PROCESSORS, save_as_its_maker
from tiny_models import HAND_MADE, TinyProcessor

from vtw_core import load_model

pytest.importorskip("torchvision", reason="these processors take torchvision to be built")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Family -> folder of its tiny model, as its maker would have saved it."""

    @functools.cache
    def save(family):
        if family == "smolvlm":
            pytest.importorskip("num2words", reason="SmolVLM's processor takes num2words")
        return save_as_its_maker(tmp_path_factory.mktemp(f"real-{family}"), family)

    return save


@pytest.fixture(scope="module")
def models(folders):
    """Family -> its tiny model with its own processor, loaded as a user loads it."""

    @functools.cache
    def load(family):
        return load_model(str(folders(family)), device="cpu")

    return load


def test_every_hand_made_processor_has_its_original_here():
    assert set(PROCESSORS) == HAND_MADE


@pytest.mark.parametrize("family", sorted(HAND_MADE))
@pytest.mark.parametrize("law", LAWS)
def test_the_law_holds_with_the_family_s_own_processor(models, family, law):
    vlm = models(family)
    assert not isinstance(vlm.processor, TinyProcessor)
    LAWS[law](vlm)


@pytest.mark.parametrize("family", sorted(HAND_MADE))
@pytest.mark.parametrize("images", [PICTURE, [PICTURE, OTHER_PICTURE]], ids=["one", "two"])
def test_the_hand_made_processor_does_what_the_original_does(models, folders, family, images):
    vlm = models(family)
    by_hand = replace(vlm, processor=TinyProcessor(folders(family), family))
    original, made = vlm.inputs(images, PROMPT), by_hand.inputs(images, PROMPT)
    assert set(made) <= set(original)
    for name, value in made.items():
        assert torch.equal(value, original[name]), name
