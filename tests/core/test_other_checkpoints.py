"""Checkpoints as other versions of transformers wrote them, which is how most on the hub are."""

import importlib.util
import json

import numpy as np
import pytest
from conftest import PROMPT
from real_processors import save_as_its_maker
from safetensors.torch import save_file
from tiny_models import FAMILIES, HAND_MADE

from vtw_core import load_model


@pytest.fixture
def saved(tmp_path, family, image):
    """Folder of a family's tiny model, and the logits of an answer."""
    if family in HAND_MADE:
        for package in ("torchvision", "num2words"):
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"this family's processor takes {package} to be built")
    folder = save_as_its_maker(tmp_path / family, family)
    return folder, answer(folder, image)


def answer(folder, image):
    return load_model(str(folder), device="cpu").generate(image, PROMPT, max_new_tokens=3).logits


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("suffix", ["", "Fast"])
def test_a_processor_in_files_of_its_own_is_the_same(saved, family, suffix, image):
    folder, logits = saved
    file = folder / "processor_config.json"
    config = json.loads(file.read_text())
    pictures, videos = config.pop("image_processor"), config.pop("video_processor", None)
    kind = pictures["image_processor_type"].replace("Pil", "").replace("Fast", "")
    pictures |= {"image_processor_type": kind + suffix}
    pictures |= {"processor_class": config["processor_class"]}
    file.write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    if videos is not None:
        (folder / "video_preprocessor_config.json").write_text(json.dumps(videos))
    template = folder / "chat_template.jinja"
    if template.exists():
        words = {"chat_template": template.read_text()}
        (folder / "chat_template.json").write_text(json.dumps(words))
        template.unlink()
    assert np.array_equal(answer(folder, image), logits)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_weights_under_the_names_of_their_modules_are_the_same(saved, image):
    """save_pretrained writes most families' weights by the names of transformers 4.0; checkpoints
    of later versions have those of the modules."""
    folder, logits = saved
    own = load_model(str(folder), device="cpu").model.state_dict()
    weights = {name: weight.clone() for name, weight in own.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    # Where a tensor lies in its file moves the last bit of what is computed from it.
    assert np.allclose(answer(folder, image), logits, rtol=0, atol=1e-4)
