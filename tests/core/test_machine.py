"""What a machine offers, and the models that it has no room for."""

import pytest
import torch

from vtw_core import ModelError, load_model
from vtw_core.families.catalogue import (
    CATALOGUE,
    LEAST_ROOM,
    ROOM_SHARE,
    UNQUANTIZED_SHARE,
    memory_bytes,
)
from vtw_core.machine import devices as machine

GB = 10**9


def test_a_machine_without_a_gpu_runs_on_its_cpu_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert machine.best_device() == "cpu"
    assert machine.best_dtype("cpu") == "float32"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert machine.best_device() == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert machine.best_device() == "cuda"


@pytest.mark.parametrize(
    ("capability", "dtype"), [((9, 0), "bfloat16"), ((8, 0), "bfloat16"), ((7, 5), "float16")]
)
def test_a_gpu_runs_in_bfloat16_where_it_computes_in_it(monkeypatch, capability, dtype):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert machine.best_dtype("cuda:1") == dtype


class TestFreeMemory:
    """Files as Linux writes them, in a folder."""

    @pytest.fixture
    def linux(self, monkeypatch, tmp_path):
        def write(path, text):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            return file

        write("meminfo", "MemTotal:  64000000 kB\nMemAvailable:   32000000 kB\n")
        monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
        monkeypatch.setattr(machine, "OWN_CGROUP", tmp_path / "own")
        monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
        return write

    def test_without_a_limit_it_is_what_the_system_has_available(self, linux):
        linux("own", "0::/\n")
        linux("cgroup/memory.max", "max\n")
        assert machine.free_memory("cpu") == 32_000_000 * 1024

    def test_a_limit_of_the_container_counts(self, linux):
        linux("own", "0::/\n")
        linux("cgroup/memory.max", f"{4 * GB}\n")
        linux("cgroup/memory.current", f"{3 * GB}\n")
        linux("cgroup/memory.stat", f"anon 5\nactive_file {GB}\ninactive_file {GB // 2}\n")
        assert machine.free_memory("cpu") == 4 * GB - 3 * GB + GB + GB // 2

    def test_the_narrowest_limit_above_the_process_counts(self, linux):
        linux("own", "0::/jobs/this\n")
        for place, most in (("jobs/this", "max"), ("jobs", 2 * GB), ("", 9 * GB)):
            linux(f"cgroup/{place}/memory.max", f"{most}\n")
            linux(f"cgroup/{place}/memory.current", f"{GB}\n")
            linux(f"cgroup/{place}/memory.stat", "anon 5\n")
        assert machine.free_memory("cpu") == GB

    def test_the_first_version_of_cgroups_is_read_too(self, linux):
        linux("own", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n")
        linux("cgroup/memory/memory.limit_in_bytes", f"{3 * GB}\n")
        linux("cgroup/memory/memory.usage_in_bytes", f"{2 * GB}\n")
        linux("cgroup/memory/memory.stat", f"total_active_file 0\ntotal_inactive_file {GB // 4}\n")
        assert machine.free_memory("cpu") == GB + GB // 4

    def test_a_machine_that_does_not_say_has_no_number(self, linux, monkeypatch, tmp_path):
        monkeypatch.setattr(machine, "MEMINFO", tmp_path / "nowhere")
        monkeypatch.delattr("os.sysconf")
        assert machine.free_memory("cpu") is None
        assert machine.free_memory("meta") is None


def test_this_machine_says_how_much_is_free():
    free = machine.free_memory("cpu")
    assert free is not None
    assert 0 < free < 2**50


class TestMemoryOfAModel:
    """Weights plus working room."""

    @pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("bfloat16", 2), ("float16", 2)])
    def test_it_is_the_weights_and_a_fifth(self, dtype, width):
        weights = 7 * 10**9 * width
        assert memory_bytes(7 * 10**9, dtype) == int(weights * (1 + ROOM_SHARE))

    def test_a_small_model_needs_room_all_the_same(self):
        assert memory_bytes(1000, "float32") == 4000 + LEAST_ROOM

    def test_packed_it_is_less(self):
        plain, eight, four = (
            memory_bytes(7 * 10**9, "bfloat16", q) for q in (None, "8bit", "4bit")
        )
        assert plain > eight > four
        assert four > plain * UNQUANTIZED_SHARE

    @pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.title)
    def test_it_holds_at_least_the_weights(self, model):
        assert memory_bytes(model.parameters, model.saved_dtype) > model.download_bytes


@pytest.fixture
def sizes(tiny_folder):
    """What the tiny model needs in every way that it can be loaded."""
    parameters = (tiny_folder / "model.safetensors").stat().st_size // 4
    return lambda dtype, quantize=None: memory_bytes(parameters, dtype, quantize)


def test_a_model_without_room_is_refused_before_its_weights(tiny_folder, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda device: 1000)
    monkeypatch.setattr("vtw_core.loading.loading.load_weights", None)
    with pytest.raises(ModelError) as caught:
        load_model(str(tiny_folder), device="cpu")
    assert "needs about 0.3 GB of memory on cpu in float32, and 0.0 GB are free" in str(
        caught.value
    )
    assert str(caught.value).endswith("; use a smaller model.")


def test_what_would_fit_is_named(tiny_folder, monkeypatch, sizes):
    free = sizes("bfloat16")
    monkeypatch.setattr(machine, "free_memory", lambda device: free)
    with pytest.raises(
        ModelError, match=r"what has room: dtype bfloat16 \(0\.3 GB\), quantize 8bit"
    ):
        load_model(str(tiny_folder), device="cpu")
    assert (
        load_model(str(tiny_folder), device="cpu", dtype="bfloat16").model.dtype == torch.bfloat16
    )


def test_where_the_machine_does_not_say_nothing_is_refused(tiny_folder, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda device: None)
    assert load_model(str(tiny_folder), device="cpu").layers == 4
