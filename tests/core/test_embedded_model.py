"""The model that ships in assets/ obeys the same laws as the tiny ones."""

import numpy as np
import pytest
import torch
from oracle import attention, greedy_logits, masked, withdrawn_logits

from vtw_core import KeepAll, VisualTokenWithdrawal, load_model, withdraw
from vtw_core.engine.generation import prepare, stream
from vtw_core.loading.loading import EMBEDDED_FOLDER
from vtw_core.measures.kl import kl_divergence

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


def test_the_kl_of_a_long_answer_is_that_of_withdrawn_runs(embedded):
    """The sums over the vocabulary are float64; what differs is the float32 logits, and with them
    the more the greater the KL is: 3e-5 nats at a KL of 5."""
    picture = str(EMBEDDED_FOLDER.parent / "examples" / "describe.png")
    question = "describe the image."
    prepared = prepare(embedded, picture, question)
    full = list(stream(embedded, prepared, KeepAll(), 12))
    answer = tuple(step.token_id for step in full)
    baseline = np.stack([step.logits for step in full])
    run = embedded.explore(picture, question, max_new_tokens=12)
    for k in range(0, embedded.layers, 3):
        logits = withdrawn_logits(embedded, prepared, VisualTokenWithdrawal(k), answer)
        for found, direct in (
            (run.kl_positions[k], kl_divergence(logits, baseline)),
            (run.kl_positions_reverse[k], kl_divergence(baseline, logits)),
        ):
            assert (np.abs(found - direct) <= 1e-5 * (1 + direct)).all()
    assert run.kl_positions.max() > 5
