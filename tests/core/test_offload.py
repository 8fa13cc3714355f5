"""A model whose layers lie partly on disk does what it does in memory."""

import numpy as np
import pytest
from split_runs import everything

from vtw_core.families.adapters import adapter_for
from vtw_core.loading.loading import EMBEDDED_FOLDER, load_model
from vtw_core.model import VisionLanguageModel


@pytest.fixture(scope="module")
def alone():
    return load_model("embedded", device="cpu")


@pytest.fixture(scope="module")
def offloaded(alone, tmp_path_factory):
    """The second half of the decoder's layers on disk."""
    pytest.importorskip("accelerate", reason="accelerate is not installed (extra: scale)")
    import torch
    from transformers import AutoModelForImageTextToText

    names = ["model.vision_tower", "model.multi_modal_projector", "lm_head"]
    names += [f"model.language_model.{part}" for part in ("embed_tokens", "norm", "rotary_emb")]
    half = alone.layers // 2
    layers = [f"model.language_model.layers.{index}" for index in range(alone.layers)]
    model = AutoModelForImageTextToText.from_pretrained(
        EMBEDDED_FOLDER,
        dtype=torch.float32,
        device_map=dict.fromkeys([*names, *layers[:half]], "cpu")
        | dict.fromkeys(layers[half:], "disk"),
        offload_folder=tmp_path_factory.mktemp("offload"),
    )
    away = [name for name, one in model.named_parameters() if one.device.type == "meta"]
    assert len({name.split(".layers.")[1].split(".")[0] for name in away}) == half
    return VisionLanguageModel(
        "offloaded", model.eval().requires_grad_(False), alone.processor, adapter_for(model.config)
    )


def test_layers_on_disk_change_nothing(alone, offloaded):
    here, there = everything(alone), everything(offloaded)
    assert sorted(here) == sorted(there)
    for name, value in here.items():
        if value.dtype.kind == "f":
            assert np.abs(value - there[name]).max() <= 1e-5, name
        else:
            assert value.tolist() == there[name].tolist(), name
