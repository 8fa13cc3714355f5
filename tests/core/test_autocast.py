"""Under torch.autocast a model is recorded, explored and withdrawn from, if more coarsely."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from oracle import attention, masked

from vtw_core import FastV, VisualTokenWithdrawal, record, withdraw


@pytest.fixture(params=[torch.bfloat16, torch.float16], ids=str)
def autocast(request):
    """The block in which a model runs."""
    return lambda: torch.autocast("cpu", dtype=request.param)


@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_recording_under_autocast(vlm, inputs, layout, autocast, kind):
    with record(vlm.model, layout) as expected:
        vlm.model.generate(**inputs, do_sample=False, max_new_tokens=3)
    with attention(vlm.model, kind), autocast(), record(vlm.model, layout) as recorder:
        vlm.model.generate(**inputs, do_sample=False, max_new_tokens=3)
    assert np.abs(recorder.mass.sum(-1) - 1).max() <= 1e-2
    # Before the first layer nothing has been rounded yet but the queries and keys themselves.
    prompt = slice(len(layout.text))
    assert np.abs(recorder.rows[0, prompt] - expected.rows[0, prompt]).max() <= 0.1
    assert recorder.value_norms.shape == expected.value_norms.shape
    assert np.isfinite(recorder.image).all()


def test_exploring_under_autocast(vlm, image, autocast):
    with autocast():
        run = vlm.explore(
            image, PROMPT, max_new_tokens=3, inside=True, counterfactuals=["white"],
            patch_lens=True,
        )  # fmt: skip
        outside = vlm.explore(image, PROMPT, max_new_tokens=3)
    assert run.answer_ids == outside.answer_ids
    assert np.array_equal(run.kl_positions, outside.kl_positions)
    assert np.isfinite(run.kl_positions).all()
    assert (run.kl_positions[-1] == 0).all()
    assert np.abs(run.inside.attention.mass.astype(float).sum(-1) - 1).max() <= 1e-2


def test_dropping_equals_masking_under_autocast(vlm, inputs, layout, autocast):
    visual = torch.as_tensor(layout.visual.copy())
    with autocast(), torch.no_grad():
        plain = vlm.model(**inputs).logits[0, -1].float()
        with attention(vlm.model, "eager"), masked(vlm.model, visual, 2):
            expected = vlm.model(**inputs).logits[0, -1].float()
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            found = vlm.model(**inputs).logits[0, -1].float()
    assert (found - expected).abs().max() < 0.2 * (plain - expected).abs().max()


def test_a_strategy_that_decides_from_attention_runs_under_autocast(vlm, inputs, layout, autocast):
    with autocast(), torch.no_grad(), withdraw(vlm.model, FastV(2, 0.5), layout) as withdrawal:
        vlm.model(**inputs)
    assert withdrawal.visual_tokens_per_layer == (64, 64, 32, 32)
    (decided,) = withdrawal.decisions[0]
    assert np.isfinite(decided.score("attention")).all()
