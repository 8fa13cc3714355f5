"""The command line: JSON and nothing else, one line for every mistake."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import PROMPT
from small_records import small_run, with_random_inside

from vtw_core import ModelError, load_comparison, load_run
from vtw_core.__main__ import main
from vtw_core.families.adapters import ADAPTERS
from vtw_core.families.catalogue import CATALOGUE
from vtw_core.machine import devices as machine
from vtw_core.machine.memory import OUT_OF_MEMORY
from vtw_core.model import VisionLanguageModel


@pytest.fixture
def options(tiny_folder, image_path):
    return ["--model", str(tiny_folder), "--image", str(image_path), "--device", "cpu"]


@pytest.fixture
def call(capsys):
    """Run main() and give back (status, stdout, stderr)."""

    def run(*arguments):
        try:
            status = main(list(arguments))
        except SystemExit as stop:
            status = stop.code
        return (status, *capsys.readouterr())

    return run


def test_explore_prints_one_json_object_and_nothing_else(call, options):
    status, out, err = call(
        "explore", *options, "--prompt", PROMPT, "--max-new-tokens", "3", "--json"
    )
    assert (status, err) == (0, "")
    assert out.count("\n") == 1
    document = json.loads(out)
    assert document["layers"] == 4
    assert len(document["kl_answer_mean"]) == 5
    assert document["kl_first_token"][-1] == 0
    assert document["answers"][-1] == document["baseline"]["answer"]


def test_as_a_program_stdout_holds_only_json(options):
    done = subprocess.run(
        [sys.executable, "-m", "vtw_core", "explore", *options, "--prompt", PROMPT,
         "--max-new-tokens", "2", "--json", "--eta", "0.5", "--scope", "answer_max"],
        capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert (document["eta"], document["scope"]) == (0.5, "answer_max")


def test_explore_prints_a_table_and_saves_the_run(call, options, tmp_path):
    path = tmp_path / "run.vtw"
    status, out, err = call(
        "explore", *options, "--prompt", PROMPT, "--max-new-tokens", "3", "--save", str(path)
    )
    assert (status, err) == (0, "")
    assert "K* = " in out
    assert sum(line[:4].strip().isdigit() for line in out.splitlines()) == 5
    assert load_run(path).prompt == PROMPT


def test_a_saved_run_is_shown_again_without_a_model(call, options, tmp_path):
    path = tmp_path / "run.vtw"
    recorded = ["--inside", "--counterfactual", "white", "--counterfactual", "noise"]
    arguments = [*options, "--prompt", PROMPT, "--max-new-tokens", "2", "--save", str(path)]
    status, explored, _ = call("explore", *arguments, *recorded)
    assert status == 0
    assert call("show", str(path)) == (0, explored, "")
    layers = load_run(path).layers
    assert len(explored.split("layer   ")[1].strip().splitlines()) == layers + 1
    for name in ("white", "noise", "visual"):
        assert name in explored
    status, out, _ = call("show", str(path), "--json", "--eta", "100")
    assert json.loads(out)["k_star"] == 0


def test_the_inside_is_in_the_json_of_a_run_that_has_one(call, options, tmp_path):
    path = tmp_path / "run.vtw"
    arguments = [*options, "--prompt", PROMPT, "--max-new-tokens", "3", "--json"]
    status, out, err = call(
        "explore", *arguments, "--inside", "--counterfactual", "white", "--save", str(path)
    )
    assert (status, err) == (0, "")
    found, run = json.loads(out)["inside"], load_run(path)
    assert json.loads(call("show", str(path), "--json")[1])["inside"] == found
    assert json.loads(out) == run.to_json() | {"inside": found}
    layers, answer = run.layers, len(run.answer_ids[-1])
    attention = found["attention"]
    assert attention["segments"] == ["bos", "system", "visual", "question", "answer"]
    assert np.sum(attention["mass"], axis=1) == pytest.approx(np.ones(layers), abs=0.01)
    at_k = np.array(attention["mass_at_k"])
    assert at_k.shape == (layers + 1, layers, 5)
    assert at_k[-1] == pytest.approx(np.array(attention["mass"]), abs=0.01)
    assert (at_k[1, 1:, 2] == 0).all()
    assert found["rows"] == len(run.inside.attention.query_positions)
    assert len(found["lens"]["first_token"]) == layers + 1
    last = found["lens"]["first_token"][-1][0]["token"]
    assert last == run.first_tokens[-1][0]
    assert np.shape(found["log_probability_at_k"]) == (layers + 1, answer)
    assert np.array(found["hidden_states"]["cosine_at_k"])[-1] == pytest.approx(1, abs=0.01)
    (white,) = found["counterfactuals"]
    assert white["name"] == "white"
    assert white["swapped_kl"] == run.inside.counterfactuals[0].swapped_kl.tolist()
    assert found["sinks"][0]["received"] >= found["sinks"][-1]["received"]
    assert "inside" not in json.loads(call("explore", *arguments)[1])


def test_generate_prints_the_contract_as_json(call, options):
    status, out, err = call(
        "generate", *options, "--prompt", PROMPT, "--k", "1", "--max-new-tokens", "3", "--json"
    )
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document["strategy"] == {"name": "vtw", "k": 1, "positions": "keep"}
    assert document["visual_tokens_per_layer"] == [64, 0, 0, 0]
    assert len(document["tokens"]) == 3
    assert {"model", "answer", "flops", "kv_bytes", "seconds"} <= set(document)
    assert document["flops"]["convention"]


def test_generate_may_repack_positions(call, options):
    status, out, _ = call(
        "generate", *options, "--prompt", PROMPT, "--k", "1", "--positions", "repack", "--json"
    )
    assert status == 0
    assert json.loads(out)["strategy"] == {"name": "vtw", "k": 1, "positions": "repack"}


def test_generate_without_withdrawal(call, options):
    status, out, _ = call(
        "generate", *options, "--prompt", PROMPT, "--strategy", "none", "--max-new-tokens", "2"
    )
    assert status == 0
    assert "64, 64, 64, 64" in out


@pytest.fixture
def generated(call, options):
    """Run `generate --json` with some options and give back the document."""

    def run(*arguments):
        status, out, err = call(
            "generate", *options, "--prompt", PROMPT, "--max-new-tokens", "3", "--json", *arguments
        )
        assert (status, err) == (0, "")
        return json.loads(out)

    return run


def test_generate_knows_every_strategy(generated):
    found = generated("--strategy", "fastv", "--k", "2", "--ratio", "0.75")
    assert found["strategy"] == {
        "name": "fastv", "k": 2, "ratio": 0.75, "ranking": "last_token",
    }  # fmt: skip
    assert found["visual_tokens_per_layer"] == [64, 64, 16, 16]
    assert found["vision"] is None
    found = generated("--strategy", "random", "--schedule", "64,32,32,8", "--drop-seed", "3")
    assert found["strategy"] == {"name": "random", "schedule": [64, 32, 32, 8], "seed": 3}
    assert found["visual_tokens_per_layer"] == [64, 32, 32, 8]
    found = generated("--strategy", "random", "--k", "2")
    assert found["strategy"]["tokens"] == "visual and text"
    assert found["visual_tokens_per_layer"][:2] == [64, 64]
    found = generated("--strategy", "mustdrop", "--preset", "vizwiz-64", "--stages", "bc")
    assert (found["strategy"]["gamma"], found["strategy"]["alpha"]) == (0.005, 0.001)
    assert found["strategy"]["vision"] is None


def test_mustdrop_finds_thresholds_for_a_number_of_tokens(generated):
    found = generated("--strategy", "mustdrop", "--tokens", "40", "--stages", "bc")
    assert found["strategy"]["gamma"] == found["strategy"]["alpha"] > 0
    assert abs(sum(found["visual_tokens_per_layer"]) / 4 - 40) <= 8
    assert found["cached_visual_tokens_per_layer"][0] < 64
    one = generated(
        "--strategy", "mustdrop", "--tokens", "40", "--stages", "b", "--filters", "1",
        "--preset", "textvqa-128",
    )  # fmt: skip
    assert one["strategy"]["gamma"] / one["strategy"]["alpha"] == pytest.approx(1.2)
    assert one["visual_tokens_per_layer"] == one["cached_visual_tokens_per_layer"]
    assert one["visual_tokens_per_layer"] == pytest.approx([64, 64, 16, 16], abs=1)


def test_without_numbers_the_published_ones_are_taken_and_named(generated, call, options):
    found = generated("--strategy", "fastv")
    assert found["strategy"] == {
        "name": "fastv", "k": 1, "ratio": 0.5, "ranking": "last_token",
        "preset": "K as published, 2 of 32 layers, scaled to 4",
    }  # fmt: skip
    assert found["visual_tokens_per_layer"] == [64, 32, 32, 32]
    found = generated("--strategy", "mustdrop", "--stages", "bc")
    assert (found["strategy"]["gamma"], found["strategy"]["alpha"]) == (0.001, 0.001)
    assert found["strategy"]["preset"] == (
        "textvqa-192, thresholds as published for LLaVA-1.5-7B; filters 2, 6, 10, 14 of 32 layers, "
        "here 0, 1, 2 of 4"
    )
    short = generated("--strategy", "mustdrop", "--preset", "128", "--stages", "bc")
    assert (short["strategy"]["gamma"], short["strategy"]["alpha"]) == (0.0012, 0.001)
    assert short["strategy"]["preset"].startswith("textvqa-128,")
    own = generated("--strategy", "mustdrop", "--gamma", "0.1", "--alpha", "0.2", "--stages", "b")
    assert "preset" not in own["strategy"]
    status, out, _ = call(
        "generate", *options, "--prompt", PROMPT, "--strategy", "fastv", "--max-new-tokens", "2"
    )
    assert status == 0
    assert "k = 1" in out
    assert "preset = K as published, 2 of 32 layers, scaled to 4" in out


def test_a_comparison_names_what_was_published_too(call, options):
    status, out, err = call(
        "compare", *options, "--prompt", PROMPT, "--max-new-tokens", "2", "--json",
        "--method", "fastv", "--method", "mustdrop --stages bc",
    )  # fmt: skip
    assert (status, err) == (0, "")
    fastv, mustdrop = (one["strategy"] for one in json.loads(out)["methods"][1:])
    assert (fastv["k"], mustdrop["preset"][:11]) == (1, "textvqa-192")


def test_mustdrop_reports_its_vision_stage(call, tiny_folder, image_path, tmp_path):
    folder = tmp_path / "features_from_the_end"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config["vision_feature_layer"] = -1
    (folder / "config.json").write_text(json.dumps(config))
    arguments = [
        "generate", "--model", str(folder), "--image", str(image_path), "--device", "cpu",
        "--prompt", PROMPT, "--max-new-tokens", "2", "--strategy", "mustdrop",
        "--gamma", "0.02", "--alpha", "1",
    ]  # fmt: skip
    status, out, err = call(*arguments, "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document["vision"]["patches"] == 64
    assert document["vision"]["tokens"] == document["visual_tokens_per_layer"][0]
    assert document["strategy"]["vision"] == {"window": 3, "similarity": 0.8, "key_share": 0.08}
    status, out, _ = call(*arguments)
    assert status == 0
    assert "vision stage    64 patches" in out
    assert "in the cache" in out


def test_compare_holds_methods_beside_the_baseline(call, options, tmp_path):
    path = tmp_path / "methods.vtwm"
    arguments = [
        "compare", *options, "--prompt", PROMPT, "--max-new-tokens", "3", "--save", str(path),
        "--method", "vtw --k 1", "--method", "fastv --k 1 --ratio 0.75",
        "--method", "mustdrop --tokens 40 --stages bc", "--json",
    ]  # fmt: skip
    status, out, err = call(*arguments)
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document == load_comparison(path).to_json()
    names = [one["strategy"]["name"] for one in document["methods"]]
    assert names == ["none", "vtw", "fastv", "mustdrop"]
    assert document["methods"][1]["visual_tokens_per_layer"] == [64, 0, 0, 0]
    assert document["methods"][0]["kl_positions"] == [0.0] * 3


def test_compare_by_itself_sets_mustdrop_beside_withdrawal(call, options):
    arguments = ["compare", *options, "--prompt", PROMPT, "--max-new-tokens", "2"]
    status, out, err = call(*arguments)
    assert (status, err) == (0, "")
    assert {line.split(" ")[0] for line in out.splitlines()} >= {"baseline", "vtw", "mustdrop"}
    status, out, err = call(*arguments, "--method", "mustdrop --tokens 9")
    assert (status, out) == (2, "")
    assert err.startswith("vtw_core: mustdrop --tokens 9: ")
    assert "--stages bc" in err
    assert err.count("\n") == 1


def test_models_lists_what_can_be_loaded_and_why_not(call):
    status, out, _ = call("models")
    assert status == 0
    for kind, row in ADAPTERS.items():
        assert f"{kind} " in out
        assert f"{row.example}: {row.picture}" in out
    assert "cross-attention" in out
    for model in CATALOGUE:
        (line,) = (line for line in out.splitlines() if line.startswith(f"  {model.name} "))
        assert model.licence in line
    status, out, _ = call("models", "--json")
    document = json.loads(out)
    assert {"embedded", "supported", "not_supported", "known"} == set(document)
    assert [one["name"] for one in document["known"]] == [model.name for model in CATALOGUE]


def test_models_says_what_prevents_it(call, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda device: 2_000_000_000)
    status, out, err = call("models", "--device", "cpu", "--dtype", "bfloat16", "--json")
    assert (status, err) == (0, "")
    known = {one["name"]: one for one in json.loads(out)["known"]}
    assert known["embedded"]["runnable"]
    assert known["embedded"]["fetched"]
    small = known["HuggingFaceTB/SmolVLM-256M-Instruct"]
    assert (small["runnable"], small["need"], small["free"]) == (True, 781405312, 2_000_000_000)
    large = known["llava-hf/llava-1.5-7b-hf"]
    assert large["reason"] == (
        "It needs about 17.0 GB of memory in bfloat16, 2.0 GB are free on cpu."
    )
    status, out, _ = call("models", "--device", "cpu")
    assert "On cpu in float32, 2.0 GB free" in out
    assert "needs about 33.9 GB" in out


def test_options_of_loading_reach_the_model(call, options, monkeypatch):
    asked = []

    def load_model(name, **how):
        asked.append(how)
        raise ModelError("stop here")

    monkeypatch.setattr("vtw_core.cli.load_options.load_model", load_model)
    arguments = [*options, "--prompt", "hi", "--dtype", "bfloat16", "--quantize", "4bit"]
    for command in ("explore", "compare"):
        assert call(command, *arguments, "--device-map", "auto") == (2, "", "vtw_core: stop here\n")
    how = {"device": "cpu", "dtype": "bfloat16", "quantize": "4bit", "device_map": "auto"}
    assert asked == [how | {"tensor_parallel": False}] * 2
    asked.clear()
    assert call("explore", *arguments, "--tensor-parallel")[0] == 2
    assert asked[0]["tensor_parallel"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["paint"], "invalid choice"),
        (["explore"], "--image"),
        (["explore", "--prompt", ""], "empty"),
        (["explore", "--prompt", "hi", "--image", "nowhere.png"], "nowhere.png"),
        (["explore", "--prompt", "hi", "--eta", "-1"], "eta"),
        (["explore", "--prompt", "hi", "--eta", "nan"], "eta"),
        (["explore", "--prompt", "hi", "--eta", "much"], "--eta"),
        (["explore", "--prompt", "hi", "--scope", "all"], "--scope"),
        (["explore", "--prompt", "hi", "--save", "/nowhere/at/all/run.vtw"], "folder"),
        (["explore", "--prompt", "hi", "--max-new-tokens", "0"], "max_new_tokens"),
        (["explore", "--prompt", "hi", "--max-new-tokens", "99999"], "max_new_tokens"),
        (["explore", "--prompt", "hi", "--device", "toaster"], "device"),
        (["explore", "--prompt", "hi", "--dtype", "int8"], "--dtype"),
        (["explore", "--prompt", "hi", "--quantize", "2bit"], "--quantize"),
        (["explore", "--prompt", "hi", "--device-map", "everywhere"], "--device-map"),
        (["explore", "--prompt", "hi", "--model", "http://x/y"], "no model"),
        (["explore", "--prompt", "hi", "--model", "org/no-such"], "hub"),
        (["explore", "--prompt", "hi", "--save", "/"], "is a folder"),
        (["generate", "--prompt", "hi"], "--k"),
        (["compare", "--prompt", "hi", "--method", ""], "must begin with a strategy"),
        (["compare", "--prompt", "hi", "--method", "--k 3"], "must begin with a strategy"),
        (["compare", "--prompt", "hi", "--method", "paint --k 3"], "invalid choice"),
        (["compare", "--prompt", "hi", "--method", "vtw --k x"], "--k"),
        (["compare", "--prompt", "hi", "--method", "vtw 'k"], "quote"),
        (["compare", "--prompt", "hi", "--method", "vtw"], "--k"),
        (["compare", "--prompt", "hi", "--method", "vtw --k 99"], "0 to 4"),
        (["compare", "--prompt", "hi", "--method", "none --k 1"], "--k belongs"),
        (["compare", "--prompt", "hi", "--method", "none", "--method", "none"], "labels"),
        (["generate", "--prompt", "hi", "--strategy", "none", "--k", "2"], "--k belongs"),
        (
            ["generate", "--prompt", "hi", "--strategy", "none", "--positions", "keep"],
            "--positions belongs",
        ),
        (["generate", "--prompt", "hi", "--k", "2", "--positions", "shift"], "--positions"),
        (["generate", "--prompt", "hi", "--k", "5"], "0 to 4"),
        (["generate", "--prompt", "hi", "--k", "-1"], "K must be"),
        (["generate", "--prompt", "hi", "--k", "two"], "--k"),
        (["generate", "--prompt", "hi", "--strategy", "magic"], "--strategy"),
        *(
            (["generate", "--prompt", "hi", "--strategy", *rest.split()], words)
            for rest, words in (
                ("fastv --k 0", "1 or more"),
                ("fastv --k 2 --ratio 2", "from 0 to 1"),
                ("fastv --k 2 --gamma 1", "--gamma belongs to --strategy mustdrop"),
                ("vtw --k 2 --drop-seed 1", "--drop-seed belongs"),
                ("random", "--schedule"),
                ("random --k 1 --schedule 1,1,1,1", "not both"),
                ("random --schedule 1,2", "rises"),
                ("random --schedule 2,1", "one count for each layer"),
                ("random --schedule many", "whole numbers with commas"),
                ("random --k 1 --drop-seed -1", "seed"),
                ("mustdrop --gamma 0.1", "belong together"),
                ("mustdrop --preset textvqa-64 --gamma 0.1", "give either"),
                ("mustdrop --preset pope-1", "--preset"),
                ("mustdrop --gamma -1 --alpha 1", "gamma must be 0 or more"),
                ("mustdrop --gamma 1 --alpha 1 --stages abd", "letters of abc"),
                ("mustdrop --gamma 1 --alpha 1 --stages ac", "Stage c"),
                ("mustdrop --gamma 1 --alpha 1 --filters 9", "0 to 3"),
                ("mustdrop --gamma 1 --alpha 1", "second layer"),
                ("mustdrop --tokens 2 --stages b", "out of reach"),
            )
        ),
    ],
)
def test_bad_input_is_one_line_and_status_two(call, options, arguments, words):
    if "--prompt" in arguments:
        arguments = [arguments[0], *options, *arguments[1:]]
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert words in err
    assert "Traceback" not in err


def test_too_little_memory_is_one_line_too(call, options, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    monkeypatch.setattr(VisionLanguageModel, "explore", full)
    status, out, err = call("explore", *options, "--prompt", PROMPT)
    assert (status, out) == (1, "")
    assert err == f"vtw_core: {OUT_OF_MEMORY}\n"


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202efdp.exe\u2066\x7f\r\ud800"


def test_a_strangers_file_does_nothing_to_the_terminal(call, tmp_path):
    one = small_run(
        model=f"m{HOSTILE}\nK* = 2 forged", prompt=HOSTILE,
        answers=(HOSTILE, "a ball", "a\nbox", "a ball"),
    )  # fmt: skip
    path = with_random_inside(one, counterfactuals=(HOSTILE,)).save(tmp_path / "stranger.vtw")
    for more in ([], ["--json"]):
        status, out, err = call("show", str(path), *more)
        assert (status, err) == (0, "")
        assert all(mark.isprintable() or mark == "\n" for mark in out)
        assert "\\u001b" in out
    assert json.loads(out)["answers"][0] == HOSTILE
    assert "\nK* = 2" not in call("show", str(path))[1]


def test_a_strangers_words_in_an_error_are_escaped_on_one_line(call, tmp_path):
    for arguments in (["show", f"{tmp_path}/{HOSTILE[:-1]}\nx.vtw"], ["show", "x", f"--{HOSTILE}"]):
        status, out, err = call(*arguments)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        assert all(mark.isprintable() for mark in err[:-1])


COMMANDS = (
    ["show", "{run}"],
    ["explore", "--help"],
    ["models", "--json"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_or_closed_stdout_is_one_sentence_or_none(tmp_path, command):
    run = small_run().save(tmp_path / "run.vtw")
    asked = [sys.executable, "-m", "vtw_core", *(word.format(run=run) for word in command)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(asked, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "vtw_core: stdout cannot be written: No space left on device.\n"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(asked, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_report_on_a_full_stdout_is_one_sentence(tmp_path):
    run = small_run().save(tmp_path / "run.vtw")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "app.figures.report", str(run),
             "--out", str(tmp_path / "r.html")],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "report: stdout cannot be written: No space left on device.\n"


def test_a_terminal_of_another_encoding_gets_escapes(tmp_path):
    run = small_run(answers=("图", "a ball", "a box", "a ball")).save(tmp_path / "run.vtw")
    done = subprocess.run(
        [sys.executable, "-m", "vtw_core", "show", str(run)], capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u56fe" in done.stdout
