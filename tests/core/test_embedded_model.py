"""The model that ships in assets/ obeys the same laws as the tiny ones."""

import pytest
import torch
from oracle import attention, greedy_logits, masked

from vtw_core import VisualTokenWithdrawal, load_model, withdraw
from vtw_core.models.loading import EMBEDDED_FOLDER

pytestmark = pytest.mark.skipif(
    not (EMBEDDED_FOLDER / "config.json").is_file(), reason="the embedded model is not there"
)


@pytest.fixture(scope="module")
def embedded():
    return load_model("embedded", device="cpu")


def test_dropping_equals_masking_at_its_ends_and_in_its_middle(embedded, image):
    inputs = embedded.inputs(image, "Describe the picture.")
    layout = embedded.layout(inputs)
    visual = torch.as_tensor(layout.visual.copy())
    plain, _ = greedy_logits(embedded.model, inputs, steps=4)
    for k in (0, embedded.layers // 2, embedded.layers):
        with attention(embedded.model, "eager"), masked(embedded.model, visual, k):
            expected, ids = greedy_logits(embedded.model, inputs, steps=4)
        with withdraw(embedded.model, VisualTokenWithdrawal(k), layout):
            dropped, dropped_ids = greedy_logits(embedded.model, inputs, steps=4)
        assert torch.equal(dropped_ids, ids)
        assert (dropped - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))
        assert torch.equal(dropped, plain) == (k == embedded.layers)


def test_it_can_be_explored(embedded, image):
    run = embedded.explore(image, "Describe the picture.", max_new_tokens=3)
    rows, cols = run.grid
    assert rows * cols == run.visual_tokens
    assert len(run.answers) == embedded.layers + 1
    assert run.kl_first_token[-1] == 0
    assert run.kl_first_token[0] > 0
