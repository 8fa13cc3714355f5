"""Models of the hub: fetched, gone on with, given up; what goes wrong is one sentence.

The hub is `fake_hub`, on this machine; the program that fetches is the real one, in a process of
its own, with huggingface_hub as it is.
"""

import gc
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PROMPT, ROOT
from fake_hub import fake_hub, reach
from test_contents import FOREIGN, filled

from vtw_core import ModelError, load_model
from vtw_core.loading import download
from vtw_core.loading.loading import load_steps
from vtw_core.machine.progress import LoadProgress
from vtw_core.model import VisionLanguageModel


@pytest.fixture(scope="module")
def hub(tiny_folder):
    with fake_hub() as hub:
        for name in ("tiny", "gated", "slow", "failing", "breaking", "recovering", "damaged"):
            hub.repositories[f"org/{name}"] = tiny_folder
        yield hub


@pytest.fixture
def cache(hub, monkeypatch, tmp_path):
    """The environment of a user who reaches the hub, and whose cache is empty."""
    reach(hub, monkeypatch, tmp_path / "hf")
    hub.asked.clear()
    hub.broken.clear()
    hub.stalled.clear()
    return tmp_path / "hf" / "hub"


def unfinished(cache):
    return list(cache.rglob("*.incomplete"))


def sentence(name):
    with pytest.raises(ModelError) as caught:
        load_model(name, device="cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_of_the_hub_is_the_model_of_its_folder(cache, hub, vlm, image):
    *steps, fetched = load_steps("org/tiny", device="cpu")
    assert isinstance(fetched, VisionLanguageModel)
    assert fetched.name == "org/tiny"
    assert all(isinstance(step, LoadProgress) for step in steps)
    stages = list(dict.fromkeys(step.stage for step in steps))
    assert stages == ["check", "processor", "download", "weights"]
    for stage in ("download", "weights"):
        done = [step.done for step in steps if step.stage == stage]
        total = {step.total for step in steps if step.stage == stage}
        assert done == sorted(done)
        assert total == {done[-1]}
        assert done[-1] > 0
    assert np.array_equal(
        fetched.generate(image, PROMPT, max_new_tokens=4).logits,
        vlm.generate(image, PROMPT, max_new_tokens=4).logits,
    )
    assert not unfinished(cache)


def test_what_is_in_the_cache_is_not_fetched_again(cache, hub):
    load_model("org/tiny", device="cpu")
    hub.asked.clear()
    *steps, _ = load_steps("org/tiny", device="cpu")
    assert not hub.fetched("safetensors")
    assert not any(step.stage == "download" for step in steps)


@pytest.mark.parametrize("gone", ["HF_HUB_OFFLINE", "HF_ENDPOINT"])
def test_what_is_in_the_cache_is_loaded_without_the_hub(cache, monkeypatch, gone):
    load_model("org/tiny", device="cpu")
    monkeypatch.setenv(gone, {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}[gone])
    assert load_model("org/tiny", device="cpu").name == "org/tiny"
    assert "hub cannot be reached" in sentence("org/slow")


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


def test_closing_ends_a_download_and_keeps_what_is_finished(cache, hub):
    before = set(threading.enumerate())
    steps = load_steps("org/slow", device="cpu")
    for step in steps:
        if step.stage == "download" and hub.stalled.is_set():
            break
    assert step.done < step.total
    assert unfinished(cache)
    steps.close()
    assert not unfinished(cache)
    assert {t.name for t in threading.enumerate() if t not in before} <= SERVER_THREADS
    finished = [path.name for path in cache.rglob("snapshots/*/*")]
    assert "tokenizer.json" in finished
    assert "model.safetensors" not in finished


@pytest.mark.parametrize("stage", ["check", "processor", "download", "weights"])
def test_a_load_may_be_closed_at_any_stage(cache, hub, monkeypatch, stage):
    started = []
    popen = subprocess.Popen

    def noted(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(download.subprocess, "Popen", noted)
    steps = load_steps("org/tiny", device="cpu")
    assert any(step.stage == stage for step in steps)  # stops at the first
    steps.close()
    assert not any(thread.name == "load-model" for thread in threading.enumerate())
    assert all(process.poll() is not None for process in started)
    assert not unfinished(cache)
    assert load_model("org/tiny", device="cpu").layers == 4


FETCH = """
import sys
from vtw_core.loading.download import checkpoint
from vtw_core.machine.progress import Report
with checkpoint("org/slow", Report()) as found:
    found.fetch()
"""


@pytest.mark.parametrize("signal", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_is_ended_meanwhile_leaves_nothing_behind(cache, hub, signal):
    program = subprocess.Popen([sys.executable, "-c", FETCH], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        assert hub.stalled.wait(60)
        assert unfinished(cache)
        program.send_signal(signal)
        program.wait(60)
        for _ in range(600):  # the process that fetches has yet to notice
            if not unfinished(cache):
                break
            time.sleep(0.1)
        assert not unfinished(cache)
    finally:
        program.kill()
        program.wait()


# The fake hub's own, which wait with their downloads.
SERVER_THREADS = {f"Thread-{n} (process_request_thread)" for n in range(10_000)}


def test_closing_while_weights_are_read_frees_them(tiny_folder, monkeypatch):
    from transformers import LlavaForConditionalGeneration

    made = []
    build = LlavaForConditionalGeneration.__init__

    def noted(model, *arguments, **options):
        build(model, *arguments, **options)
        made.append(weakref.ref(model))

    monkeypatch.setattr(LlavaForConditionalGeneration, "__init__", noted)
    steps = load_steps(str(tiny_folder), device="cpu")
    step = next(step for step in steps if step.stage == "weights" and step.done)
    assert step.done < step.total
    assert made
    steps.close()
    gc.collect()
    assert not any(thread.name == "load-model" for thread in threading.enumerate())
    # All that transformers reports of is done in a moment for so small a model.
    assert all(model() is None for model in made)


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
def test_what_goes_wrong_is_said_in_one_sentence(cache, name, words):
    assert re.search(words, sentence(name))
    assert not unfinished(cache)


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
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
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
def test_a_foreign_repository_is_told_by_its_cause_unfetched(cache, hub, tmp_path, kind):
    files, words = FOREIGN[kind]
    hub.repositories["org/foreign"] = filled(tmp_path / "repository", files)
    said = sentence("org/foreign")
    assert words in said
    assert "org/foreign" in said or "read only text" in said
    weights = [file for file in files if file.endswith((".safetensors", ".bin", ".gguf"))]
    assert not any(hub.fetched(f"/{file}") for file in weights)


def test_a_repository_of_nothing_is_said(cache, hub, tmp_path):
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
