"""Every row of the adapter table passes the same laws."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from oracle import attention, greedy_logits, masked
from PIL import Image

from vtw_core import VisualTokenWithdrawal, withdraw
from vtw_core.models.adapters import ADAPTERS

FIXTURES = {"llava": "vlm", "llava_next": "tiled_vlm"}


@pytest.fixture(params=sorted(ADAPTERS))
def family(request):
    assert request.param in FIXTURES, "a new row of ADAPTERS needs a tiny model here"
    model = request.getfixturevalue(FIXTURES[request.param])
    assert model.model_type == request.param
    return model


@pytest.mark.parametrize("k", range(5))
def test_dropping_equals_masking(family, image, k):
    inputs = family.inputs(image, PROMPT)
    layout = family.layout(inputs)
    visual = torch.as_tensor(layout.visual.copy())
    with attention(family.model, "eager"), masked(family.model, visual, k):
        expected, ids = greedy_logits(family.model, inputs)
    with withdraw(family.model, VisualTokenWithdrawal(k), layout):
        dropped, dropped_ids = greedy_logits(family.model, inputs)
    assert torch.equal(dropped_ids, ids)
    assert (dropped - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


def test_exploring_equals_generating(family, image):
    run = family.explore(image, PROMPT, max_new_tokens=5)
    inputs = family.inputs(image, PROMPT)
    layout = family.layout(inputs)
    assert run.kl_first_token[-1] == 0
    assert (run.kl_first_token[:-1] > 0).all()
    for k in range(5):
        with withdraw(family.model, VisualTokenWithdrawal(k), layout):
            out = family.model.generate(**inputs, do_sample=False, max_new_tokens=5)
        assert list(run.answer_ids[k]) == out[0, layout.total :].tolist()


@pytest.mark.parametrize("size", [(48, 40), (90, 30), (30, 90), (32, 32), (64, 64)])
def test_tiles_have_an_overview_and_a_grid_of_their_own(tiled_vlm, size):
    picture = Image.new("RGB", size, "red")
    layout = tiled_vlm.layout(tiled_vlm.inputs(picture, PROMPT))
    assert layout.grids[0] == (8, 8)
    rows, cols = layout.grids[1]
    # Every row ends with a newline token, which stands for no patch.
    assert len(layout.visual) == 64 + rows * (cols + 1)
    grid, row, col = layout.patches.T
    assert ((grid == 1) & (row == -1)).sum() == rows
    seen = np.zeros((rows, cols), dtype=int)
    np.add.at(seen, (row[(grid == 1) & (row >= 0)], col[(grid == 1) & (row >= 0)]), 1)
    assert (seen == 1).all()
    # The picture's shape survives the tiling, to about one patch either way.
    width, height = size
    assert abs(cols - rows * width / height) <= 2 * max(1, width / height)


def test_a_strip_whose_tiles_are_all_padding_has_the_overview_alone(tiled_vlm):
    layout = tiled_vlm.layout(tiled_vlm.inputs(Image.new("RGB", (200, 7)), PROMPT))
    assert layout.grids == ((8, 8),)
    assert len(layout.visual) == 64
