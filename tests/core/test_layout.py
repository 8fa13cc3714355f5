"""The layout of a prompt, checked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import PROMPT

from vtw_core import ModelError, TokenLayout

IMAGE = 3


def model(patch=2, bos=1, kind="llava"):
    """As much of a model as a layout reads."""
    text = SimpleNamespace(bos_token_id=bos)
    config = SimpleNamespace(
        model_type=kind,
        image_token_id=IMAGE,
        vision_config=SimpleNamespace(patch_size=patch),
        get_text_config=lambda decoder: text,
    )
    return SimpleNamespace(config=config)


def inputs(ids, height=4, width=6, images=1):
    pixels = torch.zeros(images, 3, height, width)
    return {"input_ids": torch.tensor([ids]), "pixel_values": pixels}


def test_segments_positions_and_patches_by_hand():
    layout = TokenLayout.from_inputs(model(), inputs([1, 9, *[IMAGE] * 6, 7, 8]))
    assert layout.total == 10
    assert layout.segments == ("bos", "system", *["visual"] * 6, "question", "question")
    assert layout.visual.tolist() == [2, 3, 4, 5, 6, 7]
    assert layout.text.tolist() == [0, 1, 8, 9]
    assert layout.prefix == 2
    assert layout.grids == ((2, 3),)
    assert layout.patches.tolist() == [
        [0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 1], [0, 1, 2]
    ]  # fmt: skip


def test_without_bos_the_first_token_is_system():
    layout = TokenLayout.from_inputs(model(bos=None), inputs([1, *[IMAGE] * 6, 7]))
    assert layout.segments[0] == "system"


def test_an_image_at_the_very_start_has_no_prefix():
    layout = TokenLayout.from_inputs(model(), inputs([*[IMAGE] * 6, 7]))
    assert layout.prefix == 0
    assert layout.segments == (*["visual"] * 6, "question")


def test_text_between_two_images_is_question_and_each_has_its_grid():
    ids = [1, *[IMAGE] * 6, 5, *[IMAGE] * 6, 7]
    layout = TokenLayout.from_inputs(model(), inputs(ids, images=2))
    assert layout.segments[7] == "question"
    assert layout.grids == ((2, 3), (2, 3))
    assert layout.patches[:, 0].tolist() == [0] * 6 + [1] * 6


def test_a_class_token_stands_for_no_patch():
    layout = TokenLayout.from_inputs(model(), inputs([1, *[IMAGE] * 7, 7]))
    assert layout.patches[0].tolist() == [0, -1, -1]
    assert layout.patches[1].tolist() == [0, 0, 0]


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(ModelError, match="do not fit"):
        TokenLayout.from_inputs(model(), inputs([1, *[IMAGE] * 5, 7]))


def test_a_prompt_without_an_image_is_refused():
    with pytest.raises(ModelError, match="no visual token"):
        TokenLayout.from_inputs(model(), inputs([1, 7]))


def test_an_unknown_family_is_refused_by_name():
    with pytest.raises(ModelError, match="'mllama'"):
        TokenLayout.from_inputs(model(kind="mllama"), inputs([1, *[IMAGE] * 6]))


def test_the_arrays_are_read_only(layout):
    with pytest.raises(ValueError, match="read-only"):
        layout.visual[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        layout.patches[0] = 1


def test_the_tiny_models_layout_fits_its_inputs(vlm, inputs, layout):
    ids = inputs["input_ids"][0].numpy()
    assert layout.grids == ((8, 8),)
    assert np.array_equal(np.flatnonzero(ids == vlm.model.config.image_token_id), layout.visual)
    question = vlm.processor.tokenizer.decode(
        [i for i, s in zip(ids, layout.segments, strict=True) if s == "question"]
    )
    assert PROMPT in question
    assert question.endswith("ASSISTANT:")
