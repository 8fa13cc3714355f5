"""Models of the hub: fetched, gone on with; what goes wrong is one sentence.

The hub is `fake_hub`, on this machine; huggingface_hub is as it is.
"""

import json
import re
import shutil
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PROMPT
from fake_hub import fake_hub, go_offline, reach, reach_at
from test_contents import FOREIGN, filled

from vtw_core import ModelError, load_model
from vtw_core.loading import checkpoints


@pytest.fixture(scope="module")
def hub(tiny_folder):
    with fake_hub() as hub:
        for name in ("tiny", "gated", "failing", "breaking", "recovering", "damaged"):
            hub.repositories[f"org/{name}"] = tiny_folder
        yield hub


@pytest.fixture
def cache(hub, monkeypatch, tmp_path):
    """The environment of a user who reaches the hub, and whose cache is empty."""
    reach(hub, monkeypatch, tmp_path / "hf")
    hub.requests.clear()
    hub.broken.clear()


def sentence(name):
    with pytest.raises(ModelError) as caught:
        load_model(name, device="cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_of_the_hub_is_the_model_of_its_folder(cache, vlm, image):
    fetched = load_model("org/tiny", device="cpu")
    assert fetched.name == "org/tiny"
    assert np.array_equal(
        fetched.generate(image, PROMPT, max_new_tokens=4).logits,
        vlm.generate(image, PROMPT, max_new_tokens=4).logits,
    )


def test_a_terminal_is_shown_the_progress_bars_of_the_libraries(cache, monkeypatch, capsys):
    monkeypatch.setenv("TQDM_POSITION", "-1")  # huggingface_hub's word for a terminal
    load_model("org/tiny", device="cpu")
    shown = capsys.readouterr().err
    assert "Download" in shown
    assert "Loading weights: 100%" in shown


def test_what_is_in_the_cache_is_not_fetched_again(cache, hub):
    load_model("org/tiny", device="cpu")
    hub.requests.clear()
    load_model("org/tiny", device="cpu")
    assert not hub.fetched("safetensors")


@pytest.mark.parametrize("leave", [go_offline, partial(reach_at, "http://127.0.0.1:9")])
def test_what_is_in_the_cache_is_loaded_without_the_hub(cache, monkeypatch, leave):
    load_model("org/tiny", device="cpu")
    leave(monkeypatch)
    assert load_model("org/tiny", device="cpu").name == "org/tiny"
    assert "hub cannot be reached" in sentence("org/gated")


def test_only_what_is_needed_is_fetched(cache, hub, tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "repository")
    for name in ("pytorch_model.bin", "consolidated.safetensors", "README.md", "training.pt"):
        (folder / name).write_bytes(b"not needed")
    hub.repositories["org/crowded"] = folder
    load_model("org/crowded", device="cpu")
    for name in ("pytorch_model.bin", "consolidated", "README.md", "training.pt"):
        assert not hub.fetched(name)


def test_weights_in_several_files_are_fetched_by_their_index(cache, hub, vlm, tmp_path):
    folder = tmp_path / "repository"
    vlm.model.save_pretrained(folder, max_shard_size="100KB")
    vlm.processor.save_pretrained(folder)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1
    hub.repositories["org/shards"] = folder
    assert load_model("org/shards", device="cpu").layers == vlm.layers


def test_a_connection_that_breaks_once_is_taken_up_where_it_broke(cache, hub):
    assert load_model("org/recovering", device="cpu").layers == 4
    assert hub.fetched("model.safetensors") == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("org/gated", "is gated; accept its terms"),
        ("org/nothing", "no model org/nothing on the hub, or it is private"),
        ("org/failing", "failed to deliver org/failing"),
        ("org/damaged", "weights of org/damaged are damaged .*; fetch them again"),
    ],
)
def test_what_goes_wrong_is_reported_in_one_sentence(cache, name, words):
    assert re.search(words, sentence(name))


def test_an_unsupported_family_is_refused_before_its_weights(cache, hub, tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "repository")
    (folder / "config.json").write_text(json.dumps({"model_type": "mllama"}))
    hub.repositories["org/mllama"] = folder
    assert "cross-attention" in sentence("org/mllama")
    assert not hub.fetched("safetensors")


def test_a_base_model_is_refused_before_its_weights(cache, hub, tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "repository")
    (folder / "chat_template.jinja").unlink()
    hub.repositories["org/base"] = folder
    assert "no chat template" in sentence("org/base")
    assert not hub.fetched("safetensors")


def test_a_model_that_the_disk_has_no_room_for_is_refused(cache, hub, monkeypatch):
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    said = sentence("org/tiny")
    assert "no room on the disk for org/tiny (0.0 GB to fetch, 0.0 GB free)" in said
    assert "HF_HOME" in said
    assert not hub.fetched("safetensors")


def test_other_formats_than_safetensors_are_refused_unfetched(cache, hub, tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "repository")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    hub.repositories["org/pickled"] = folder
    assert "has its weights in pytorch_model.bin, a pickle" in sentence("org/pickled")
    assert not hub.fetched("pytorch_model")


# The rest are told by the same function, from the same names.
@pytest.mark.parametrize(
    "kind",
    ["GGUF alone", "several .bin", "LLaVA's own format", "a shard that is missing", "a text model"],
)
def test_a_foreign_repository_is_explained_by_its_cause_unfetched(cache, hub, tmp_path, kind):
    files, words = FOREIGN[kind]
    hub.repositories["org/foreign"] = filled(tmp_path / "repository", files)
    said = sentence("org/foreign")
    assert words in said
    assert "org/foreign" in said or "read only text" in said
    weights = [file for file in files if file.endswith((".safetensors", ".bin", ".gguf"))]
    assert not any(hub.fetched(f"/{file}") for file in weights)


def test_a_repository_of_nothing_is_reported(cache, hub, tmp_path):
    hub.repositories["org/empty"] = filled(tmp_path / "repository", {"README.md": "Soon."})
    assert "no model in the repository org/empty, which has no config.json" in sentence("org/empty")


def test_a_processor_that_does_not_fit_is_refused_before_the_weights(
    cache, hub, tiny_folder, tmp_path
):
    folder = shutil.copytree(tiny_folder, tmp_path / "repository")
    config = json.loads((folder / "processor_config.json").read_text())
    del config["patch_size"]
    (folder / "processor_config.json").write_text(json.dumps(config))
    hub.repositories["org/unfit"] = folder
    assert "org/unfit does not fit its model: it has patch_size None" in sentence("org/unfit")
    assert not hub.fetched("safetensors")
