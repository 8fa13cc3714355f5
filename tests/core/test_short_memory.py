"""Memory that runs out is told as that, wherever other errors are turned into sentences."""

import resource
import subprocess
import sys

import pytest
import torch
from conftest import PROMPT, ROOT
from PIL import Image
from tiny_models import random_picture

from vtw_core import ModelError, load_image, load_model, load_run
from vtw_core.families.prompts import render
from vtw_core.loading.weights import placement

LEAST = 300 * 2**20  # bytes: enough for Python, too few for PyTorch's program code


def gone(*_, **__):
    raise MemoryError


@pytest.mark.skipif(sys.platform != "linux", reason="Linux keeps a process to its address space")
def test_a_low_limit_is_reported_as_memory_on_the_command_line():
    command = ["explore", "--image", "assets/examples/red_circle.png", "--prompt", "what color ?"]
    ended = subprocess.run(
        [sys.executable, "-m", "vtw_core", *command], cwd=ROOT, text=True, capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LEAST, LEAST)),
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("vtw_core: Memory ran out while embedded was loaded")
    assert ended.stderr.count("\n") == 1


def test_a_picture_that_memory_is_short_for_is_not_called_damaged(tmp_path, monkeypatch):
    random_picture(8, 8).save(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "load", gone)
    with pytest.raises(MemoryError):
        load_image(tmp_path / "a.png")


def test_a_run_that_memory_is_short_for_is_not_called_damaged(run, tmp_path, monkeypatch):
    run.save(tmp_path / "a.vtw")
    monkeypatch.setattr("vtw_core.files.storage.zlib.decompressobj", gone)
    with pytest.raises(MemoryError):
        load_run(tmp_path / "a.vtw")


def test_a_device_that_is_full_is_not_called_missing(monkeypatch):
    def full(*_, **__):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch, "zeros", full)
    with pytest.raises(RuntimeError, match="out of memory"):
        placement("cpu", None, None, None)


def test_a_template_that_memory_is_short_for_is_not_called_broken(vlm, monkeypatch):
    monkeypatch.setattr(vlm.processor, "apply_chat_template", gone)
    with pytest.raises(MemoryError):
        render("hello", vlm.processor)


def test_a_processor_that_memory_is_short_for_is_not_blamed_on_the_picture(vlm, image, monkeypatch):
    monkeypatch.setattr(type(vlm.processor), "__call__", gone)
    with pytest.raises(MemoryError):
        vlm.inputs(image, PROMPT)


def test_while_loading_too(tiny_folder, monkeypatch):
    from transformers import AutoProcessor

    monkeypatch.setattr(AutoProcessor, "from_pretrained", gone)
    with pytest.raises(ModelError, match="Memory ran out while"):
        load_model(str(tiny_folder), device="cpu")
