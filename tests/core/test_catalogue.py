"""What the catalogue says is true, as far as it can be checked without a download."""

import json
import os
from pathlib import Path

import pytest
import torch
from conftest import PROMPT
from real_configs import REAL_CONFIGS
from safetensors import safe_open
from tiny_models import FAMILIES, HAND_MADE, TinyProcessor
from transformers import AutoConfig

from vtw_core import check_support, load_model
from vtw_core.__main__ import main
from vtw_core.families.adapters import ADAPTERS
from vtw_core.families.catalogue import (
    BYTES,
    CATALOGUE,
    EMBEDDED,
    SHIPPED,
    SMOLLM2,
    known,
    memory_bytes,
)
from vtw_core.loading import loading
from vtw_core.loading.loading import ASSETS, EMBEDDED_FOLDER, resolve
from vtw_core.loading.packed import FILES
from vtw_core.loading.weights import skeleton
from vtw_core.machine.progress import Report

OTHERS = [model for model in CATALOGUE if model.name not in SHIPPED]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "models.md"
FACTS = json.loads((DOCS.parent / "families.json").read_text())["families"]
MARKS = ("<!-- catalogue: begin -->\n", "\n<!-- catalogue: end -->")
# Writes the list of docs/models.md in place of comparing it.
WRITE = bool(os.environ.get("VTW_WRITE_FACTS"))


def by_name(model):
    return model.name


def test_every_model_is_there_once_and_the_embedded_one_first():
    names = [model.name for model in CATALOGUE]
    assert names[0] == EMBEDDED
    assert len(set(names)) == len(names)
    assert all(known(name).name == name for name in names)
    assert known("org/another") is None
    assert all(resolve(model.name) == model.name for model in OTHERS)


def test_every_supported_family_has_a_model_and_no_other_has():
    assert {model.family for model in CATALOGUE} == set(ADAPTERS)


def test_the_examples_of_the_families_are_of_their_family():
    for family, row in ADAPTERS.items():
        listed = known(row.example)
        assert listed is None or listed.family == family


def test_the_embedded_model_is_as_it_is_listed():
    model = known(EMBEDDED)
    config = json.loads((EMBEDDED_FOLDER / "config.json").read_text())
    file = EMBEDDED_FOLDER / "model.safetensors"
    with safe_open(file, framework="pt") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    assert model.parameters == sum(torch.Size(shape).numel() for shape in shapes)
    assert model.download_bytes == file.stat().st_size
    assert (model.family, model.saved_dtype) == (config["model_type"], config["dtype"])
    assert model.layers == config["text_config"]["num_hidden_layers"]
    assert model.visual_tokens == str(config["image_seq_length"])


def test_the_packed_model_is_as_it_is_listed():
    model = known(SMOLLM2)
    folder = ASSETS / SHIPPED[SMOLLM2]
    config = AutoConfig.from_pretrained(folder)
    shape = skeleton(config, Report())
    assert model.parameters == sum(weight.numel() for weight in shape.parameters())
    assert model.download_bytes == sum((folder / file).stat().st_size for file in FILES)
    assert model.layers == config.text_config.num_hidden_layers
    assert model.visual_tokens == str(config.image_seq_length)


@pytest.mark.parametrize("model", OTHERS, ids=by_name)
def test_parameters_and_layers_are_those_of_the_config(model):
    from transformers import AutoModelForImageTextToText

    config = REAL_CONFIGS[model.name]()
    assert config.model_type == model.family
    assert check_support(config).supported
    with torch.device("meta"):
        built = AutoModelForImageTextToText.from_config(config)
    built.tie_weights()
    assert sum(weight.numel() for weight in built.parameters()) == model.parameters
    assert len(built.get_decoder().layers) == model.layers
    assert model.download_bytes == model.parameters * BYTES[model.saved_dtype]


@pytest.mark.parametrize("model", OTHERS, ids=by_name)
def test_packages_are_those_that_the_family_s_processor_needs(model):
    assert ("torchvision" in model.packages) == FACTS[model.family]["processor_needs_torchvision"]
    assert ("num2words" in model.packages) == (model.family == "smolvlm")


@pytest.fixture
def by_hand(monkeypatch, tiny_folders):
    """Have a family's stand-in processor loaded where its own takes torchvision."""

    def prepare(family):
        folder = tiny_folders(family)
        if family in HAND_MADE:
            monkeypatch.setattr(loading, "check_processor_packages", lambda name, config: None)
            monkeypatch.setattr(
                loading, "_processor", lambda path, config: TinyProcessor(folder, family)
            )
        return folder

    return prepare


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({model.family for model in CATALOGUE}))
def test_the_family_is_proved_on_the_command_line(family, by_hand, image_path, capsys):
    assert family in FAMILIES, "a family of the catalogue needs a tiny model"
    folder = by_hand(family)
    options = ["--model", str(folder), "--device", "cpu", "--image", str(image_path)]
    options += ["--prompt", PROMPT, "--max-new-tokens", "3", "--json"]
    assert main(["explore", *options]) == 0
    explored = json.loads(capsys.readouterr().out)
    layers, least = explored["layers"], check_support(load_model(str(folder)).model).k_min
    assert explored["visual_tokens"] > 1
    assert explored["kl_first_token"][-1] == 0
    assert explored["kl_first_token"][least] > 0
    strategy = ["--strategy", "vtw", "--k", str(layers - 1)]
    assert main(["generate", *options, *strategy]) == 0
    generated = json.loads(capsys.readouterr().out)
    assert generated["answer"] == explored["answers"][layers - 1]
    assert generated["visual_tokens_per_layer"][-2:] == [explored["visual_tokens"], 0]


def catalogue_table():
    """The list of docs/models.md."""
    lines = [
        "| model | family | parameters | L | to fetch | memory, bf16 | visual tokens | licence "
        "| also needs |",
        "|---|---|---:|---:|---:|---:|---|---|---|",
    ]
    for model in CATALOGUE:
        name = f"[{model.name}]({model.source})" if "/" in model.name else f"`{model.name}`"
        licence = model.licence + (", gated" if model.gated else "")
        lines.append(
            f"| {name} | `{model.family}` | {model.parameters / 1e9:.2f} B | {model.layers} "
            f"| {model.download_bytes / 1e9:.2f} GB "
            f"| {memory_bytes(model.parameters, 'bfloat16') / 1e9:.1f} GB | {model.visual_tokens} "
            f"| {licence} | {', '.join(model.packages) or 'nothing'} |"
        )
    notes = [f"* {model.title}: {model.licence_note}" for model in CATALOGUE if model.licence_note]
    return "\n".join([*lines, "", *notes])


def test_the_document_lists_the_catalogue():
    before, rest = DOCS.read_text().split(MARKS[0])
    written, after = rest.split(MARKS[1])
    if WRITE:
        DOCS.write_text(f"{before}{MARKS[0]}{catalogue_table()}{MARKS[1]}{after}")
    else:
        assert written == catalogue_table()
