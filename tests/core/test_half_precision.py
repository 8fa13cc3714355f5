"""In bfloat16, as a GPU runs them, every family runs, and the full model stays the baseline."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from family_laws import LAWS
from tiny_families import KINDS_FIRST
from tiny_models import HAND_MADE, TinyProcessor

from vtw_core import FastV, check_support, load_model
from vtw_core.loading import loading


@pytest.mark.parametrize("family", KINDS_FIRST)
def test_a_family_runs_in_bfloat16(family, tiny_folders, image, monkeypatch):
    folder = tiny_folders(family)
    if family in HAND_MADE:
        monkeypatch.setattr(loading, "check_processor_packages", lambda name, config: None)
        monkeypatch.setattr(loading, "_processor", lambda _, config: TinyProcessor(folder, family))
    vlm = load_model(str(folder), device="cpu", dtype="bfloat16")
    assert vlm.model.dtype == torch.bfloat16
    run = vlm.explore(image, PROMPT, max_new_tokens=3, inside=True, counterfactuals=["white"])
    assert run.dtype == "bfloat16"
    least = check_support(vlm.model).k_min
    assert np.isfinite(run.kl_answer[least:]).all()
    assert run.kl_first_token[-1] == 0
    assert run.kl_first_token[least] > 0
    fast = vlm.generate(image, PROMPT, FastV(k=max(least, 2), ratio=0.5), 2)
    visual = fast.visual_tokens_per_layer
    assert 0 < visual[-1] < visual[0]
    for law in ("baseline", "streaming"):
        LAWS[law](vlm)
