"""Names, support, and the errors of models that cannot be loaded."""

import errno
import gc
import json
import shutil
import weakref
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

import vtw_core.loading.loading as loading
from vtw_core import InputError, ModelError, check_support, load_model
from vtw_core.loading.explanations import explain
from vtw_core.loading.hub import HubError


def test_a_folder_is_loaded_ready_to_run(vlm, tiny_folder):
    assert vlm.name == str(tiny_folder)
    assert (vlm.layers, vlm.model_type, vlm.context) == (4, "llava", 512)
    assert vlm.model.dtype == torch.float32
    assert not vlm.model.training
    assert not any(p.requires_grad for p in vlm.model.parameters())
    assert vlm.dims.head_dim == 8


def test_weights_saved_in_half_precision_are_run_in_float32_on_the_cpu(tiny_folder, tmp_path):
    own = load_model(str(tiny_folder), device="cpu")  # the shared model must keep its weights
    own.model.to(torch.float16).save_pretrained(tmp_path)
    own.processor.save_pretrained(tmp_path)
    half = load_model(str(tmp_path), device="cpu")
    assert half.model.dtype == torch.float32
    assert load_model(str(tmp_path), device="cpu", dtype="float16").model.dtype == torch.float16


def test_embedded_names_the_folder_in_assets(monkeypatch, tiny_folder, tmp_path):
    monkeypatch.setitem(loading.SHIPPED, "embedded", tiny_folder)
    assert load_model("embedded", device="cpu").name == "embedded"
    monkeypatch.setitem(loading.SHIPPED, "embedded", tmp_path)
    with pytest.raises(ModelError, match="embedded model is missing"):
        load_model("embedded")


@pytest.mark.parametrize(
    "name",
    ["", " ", None, 3, "gpt2", "../../etc", "/etc", "http://x.org/y", "https://hf.co/a/b", "a/b/c",
     "a/../b", "../a/b", "org/na me", "org/..", "a\0b/c", "org/name@main", "-o/x", "x" * 5000],
)  # fmt: skip
def test_names_that_are_no_model_are_refused(name):
    with pytest.raises(InputError):
        load_model(name)


def test_an_unreachable_hub_is_reported():
    with pytest.raises(ModelError, match="hub cannot be reached"):
        load_model("org/there-is-no-such-model")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("model.safetensors", "are damaged .*; fetch"),
        ("tokenizer.json", "cannot be loaded"),
        ("config.json", "cannot be loaded"),
    ],
)
def test_a_damaged_folder_is_reported_in_one_line(tiny_folder, tmp_path, damage, words):
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    (folder / damage).write_bytes(b"{ this is nothing")
    with pytest.raises(ModelError, match=words) as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_never_read(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError):
        load_model(str(folder))


def test_code_that_comes_with_a_model_is_never_run(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "own"
    config["auto_map"] = {"AutoConfig": "evil.Config"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError, match="never run"):
        load_model(str(folder))
    assert not (tmp_path / "ran").exists()


def test_an_unsupported_family_is_refused_before_its_weights(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mllama"}))
    with pytest.raises(ModelError, match="cross-attention"):
        load_model(str(tmp_path))


def test_memory_that_runs_out_is_reported_and_freed(tiny_folder, monkeypatch):
    from transformers import LlavaForConditionalGeneration

    made = []

    def no_room(model, *_, **__):
        made.append(weakref.ref(model))
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 EB")

    monkeypatch.setattr(LlavaForConditionalGeneration, "tie_weights", no_room)
    with pytest.raises(ModelError, match=r"Memory ran out while .* was loaded"):
        load_model(str(tiny_folder), device="cpu")
    gc.collect()
    assert made
    assert all(model() is None for model in made)


def test_weights_that_lack_tensors_are_refused(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "layers.2" in name)
    del weights[lost]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="not complete: 1 tensors are missing"):
        load_model(str(folder), device="cpu")


def test_a_model_that_is_stored_quantized_is_not_quantized_again(tiny_folder, tmp_path):
    pytest.importorskip("bitsandbytes", reason="quantizing takes bitsandbytes")
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="stored quantized already"):
        load_model(str(folder), device="cpu", quantize="4bit")


def because(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (HubError("No space left on device", [], errno.ENOSPC), "no room on the disk for org/x"),
        (HubError("timed out", ["ConnectError"]), "hub cannot be reached"),
        (HubError("", ["ProcessEnded"]), "asks the hub for org/x was killed, as happens"),
        (HubError("", ["MemoryError"]), "Memory ran out while org/x was loaded"),
        (HubError("", ["OSError"], errno.ENOMEM), "Memory ran out while org/x was loaded"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Memory ran out while org/x"),
        (
            ImportError("libtorch_cpu.so: failed to map segment from shared object"),
            "Memory ran out while org/x",
        ),
        (
            RuntimeError("unable to mmap 9 bytes from file <x>: Cannot allocate memory (12)"),
            "Memory ran out while org/x",
        ),
        (HubError("500 Server Error", ["HfHubHTTPError"]), "failed to deliver org/x"),
        (MemoryError(), "Memory ran out while org/x was loaded"),
        (ImportError("A requires the B library but it was not found in your environment."),
         "needs a package that is not installed: A requires the B library"),
        (ModuleNotFoundError("No module named 'b'", name="b"), "not installed: No module named"),
        (ImportError("/lib/b.so: undefined symbol: c"),
         "is installed and cannot be imported (/lib/b.so: undefined symbol: c); install the"),
        (because(ModuleNotFoundError("Could not import module 'A'."), RuntimeError("no such nms")),
         "org/x needs is installed and cannot be imported (no such nms)"),
        (because(RuntimeError("cannot read"), MemoryError()), "Memory ran out while org/x"),
        (ValueError("/data/offline/llava: bad value"), "cannot be loaded: /data/offline/llava"),
        (KeyError(), "cannot be loaded: KeyError"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_distinguished(error, words):
    assert words in explain("org/x", error)


def test_a_download_that_broke_says_what_is_kept():
    error = HubError("peer closed connection", ["RemoteProtocolError"])
    error.started = True
    assert "goes on with the files that are finished" in explain("org/x", error)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta:x"])
def test_a_device_that_is_not_there_is_refused(tiny_folder, device):
    with pytest.raises(InputError, match="device"):
        load_model(str(tiny_folder), device=device)


@pytest.mark.parametrize("dtype", ["int8", "Tensor", 3])
def test_a_dtype_that_is_none_is_refused(tiny_folder, dtype):
    with pytest.raises(InputError, match="dtype"):
        load_model(str(tiny_folder), device="cpu", dtype=dtype)


class TestSupport:
    def make(self, kind, **text):
        return SimpleNamespace(
            model_type=kind, get_text_config=lambda decoder: SimpleNamespace(**text)
        )

    def test_llava_is_supported_from_k_zero(self, vlm):
        for what in (vlm.model, vlm.model.config, self.make("llava")):
            verdict = check_support(what)
            assert verdict.supported
            assert verdict.k_min == 0

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [("mllama", "cross-attention"), ("gemma3n", "share"), ("qwen3_5", "linear"),
         ("bert", "supported: aya_vision")],
    )  # fmt: skip
    def test_a_refused_family_has_its_reason(self, kind, reason):
        verdict = check_support(self.make(kind))
        assert not verdict.supported
        assert reason in verdict.reason

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ({"layer_types": ["full_attention", "linear_attention"]}, "linear_attention"),
            ({"num_kv_shared_layers": 2}, "share"),
            ({"cross_attention_layers": [3]}, "cross-attention"),
        ],
    )
    def test_a_decoder_that_rules_it_out_is_refused(self, text, reason):
        verdict = check_support(self.make("llava", **text))
        assert not verdict.supported
        assert reason in verdict.reason


@pytest.mark.parametrize(
    ("decoder", "reason"),
    [
        ("Qwen3NextConfig", "linear_attention"),
        ("Gemma3nTextConfig", "share their KV cache"),
        ("MllamaTextConfig", "cross-attention"),
    ],
)
def test_a_real_decoder_that_rules_it_out_is_refused(decoder, reason):
    import transformers

    config = transformers.LlavaConfig(text_config=getattr(transformers, decoder)())
    verdict = check_support(config)
    assert not verdict.supported
    assert reason in verdict.reason
    assert "; use a model" in verdict.reason


def test_only_limit_threads_changes_the_thread_count(vlm, image):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        vlm.generate(image, "hello", max_new_tokens=1)
        assert torch.get_num_threads() == 2
        vlm.limit_threads()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
