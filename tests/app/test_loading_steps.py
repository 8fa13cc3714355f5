"""The page's loading: a stream of how far it is, closed at any stage, and nothing is left behind.

The hub is `fake_hub`, on this machine; the program that fetches is the real one, in a process of
its own, with huggingface_hub as it is.
"""

import gc
import re
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from conftest import PROMPT, ROOT
from fake_hub import fake_hub, reach

from app.service.loading import download
from app.service.loading.steps import load_steps
from vtw_core import ModelError, load_model
from vtw_core.machine.progress import LoadProgress
from vtw_core.model import VisionLanguageModel


@pytest.fixture(scope="module")
def hub(tiny_folder):
    with fake_hub() as hub:
        for name in ("tiny", "gated", "slow", "failing", "damaged"):
            hub.repositories[f"org/{name}"] = tiny_folder
        yield hub


@pytest.fixture
def cache(hub, monkeypatch, tmp_path):
    """The environment of a server that reaches the hub, and whose cache is empty."""
    reach(hub, monkeypatch, tmp_path / "hf")
    hub.requests.clear()
    hub.stalled.clear()
    return tmp_path / "hf" / "hub"


def unfinished(cache):
    return list(cache.rglob("*.incomplete"))


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
    hub.requests.clear()
    *steps, _ = load_steps("org/tiny", device="cpu")
    assert not hub.fetched("safetensors")
    assert not any(step.stage == "download" for step in steps)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("org/gated", "is gated; accept its terms"),
        ("org/nothing", "no model org/nothing on the hub, or it is private"),
        ("org/failing", "failed to deliver org/failing"),
        ("org/damaged", "weights of org/damaged are damaged .*; fetch them again"),
    ],
)
def test_what_goes_wrong_in_the_process_is_said_in_the_same_sentence(cache, name, words):
    said = []
    for load in (load_model, lambda name, **how: list(load_steps(name, **how))):
        with pytest.raises(ModelError) as caught:
            load(name, device="cpu")
        said.append(str(caught.value))
        assert re.search(words, said[-1])
    assert not unfinished(cache)


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
from app.service.loading.download import cancellable
from vtw_core.machine.progress import Report
with cancellable("org/slow", Report()) as found:
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


def test_memory_that_runs_out_is_said_and_freed(tiny_folder, monkeypatch):
    from transformers import LlavaForConditionalGeneration

    made = []

    def no_room(model, *_, **__):
        made.append(weakref.ref(model))
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 EB")

    monkeypatch.setattr(LlavaForConditionalGeneration, "tie_weights", no_room)
    with pytest.raises(ModelError, match=r"Memory ran out while .* was loaded"):
        list(load_steps(str(tiny_folder), device="cpu"))
    gc.collect()
    assert made
    assert all(model() is None for model in made)


@pytest.mark.parametrize(("dtype", "waits"), [("bfloat16", True), ("float32", False)])
def test_weights_of_another_precision_wait_until_nothing_runs(tiny_folder, dtype, waits):
    running = threading.Lock()
    running.acquire()
    steps = load_steps(str(tiny_folder), device="cpu", dtype=dtype, alone=running)
    step = next(steps)
    while step.stage != "weights":
        step = next(steps)
    if waits:
        # A waiting stream says again how far it is, which is not further.
        assert [next(steps) for _ in range(3)] == [step] * 3
        assert torch.get_default_dtype() == torch.float32
        running.release()
    *_, vlm = steps
    assert vlm.model.dtype == getattr(torch, dtype)
    assert running.locked() is not waits
    assert torch.get_default_dtype() == torch.float32


def test_a_load_that_waits_for_a_run_may_be_closed(tiny_folder):
    running = threading.Lock()
    steps = load_steps(str(tiny_folder), device="cpu", dtype="bfloat16", alone=running)
    with running:
        while next(steps).stage != "weights":
            pass
        steps.close()
    # Nobody takes it any more.
    assert running.acquire(timeout=10)
    assert not any(thread.name.startswith("load") for thread in threading.enumerate())
