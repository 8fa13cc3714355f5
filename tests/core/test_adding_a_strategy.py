"""docs/strategies.md: its recipe works as written, everywhere, and its tables are what strategies
say about themselves."""

import json
import re
import sys
from pathlib import Path

import pytest
from conftest import PROMPT
from family_laws import PICTURE
from test_strategies import PARTIAL, WHOLE, first_layer, is_dropping_masking
from tiny_families import KINDS_FIRST

from benchmarks.methods.contenders import further
from vtw_core import InputError, VisualTokenWithdrawal, __main__, evaluate, withdraw
from vtw_core.compare.methods import compare_methods
from vtw_core.data.dataset import read_items
from vtw_core.strategies import registry
from vtw_core.strategies.method import Method
from vtw_core.strategies.registry import load_plugin, register, registered, strategy_of
from vtw_core.strategies.table import parameters_table, strategies_table
from vtw_core.strategies.words import method_from, options, words_of

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "strategies.md").read_text()
RECIPE = TEXT.split("## Add a strategy\n")[1]
CODE = re.search(r"```python\n(.*?)```", RECIPE, re.S)[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the recipe's code as a module; what it registers is forgotten."""
    registered()
    (tmp_path / "every_second.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_known", dict(registry._known))
    yield tmp_path
    sys.modules.pop("every_second", None)


@pytest.fixture
def added(folder):
    """The recipe's class, registered from outside the package."""
    load_plugin("every_second")
    return sys.modules["every_second"].EverySecond


def test_the_recipe_has_at_most_ten_lines():
    lines = RECIPE.split("```python")[0].strip().splitlines()
    assert 0 < len(lines) <= 10
    assert [line.split(".")[0] for line in lines] == [str(n + 1) for n in range(len(lines))]


@pytest.mark.parametrize("family", KINDS_FIRST)
def test_the_recipes_strategy_passes_the_law_in_every_family(added, tiny_models, family):
    vlm = tiny_models(family)
    trace = is_dropping_masking(vlm, PICTURE, lambda first, layout: added(first))
    counts, first = trace.visual_tokens_per_layer, first_layer(vlm)
    assert counts[first:] == ((counts[0] + 1) // 2,) * (vlm.layers - first)


def test_the_recipes_strategy_refuses_a_bad_k(added, vlm, layout):
    with pytest.raises(InputError, match="0 to 4"), withdraw(vlm.model, added(5), layout):
        pass


def test_it_is_known_by_its_words_options_and_description(added):
    method = method_from("every_second:k=3,every=4")
    assert method.strategy == added(3, 4) == method_from("every_second --k 3 --every 4").strategy
    assert words_of(method) == "every_second:k=3,every=4"
    assert strategy_of(method.strategy.describe()) == method.strategy
    assert added().described(16) == {
        "name": "every_second", "k": 1, "every": 2,
        "preset": "K as published, 2 of 32 layers, scaled to 16",
    }  # fmt: skip
    assert added(99, 3).clamped(8, 64) == added(8, 3)
    assert "every_second" in next(one for one in options() if one.flag == "k").owners
    assert any("`every_second`" in row for row in (*strategies_table(), *parameters_table()))


def test_the_command_line_generates_and_compares_with_it(folder, tiny_folder, image_path, capsys):
    asked = ["--model", str(tiny_folder), "--image", str(image_path), "--prompt", PROMPT, "--json",
             "--max-new-tokens", "2", "--plugin", "every_second"]  # fmt: skip
    once = ["generate", *asked, "--strategy", "every_second", "--k", "2", "--every", "4"]
    assert __main__.main(once) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["strategy"] == {"name": "every_second", "k": 2, "every": 4}
    assert found["visual_tokens_per_layer"] == [64, 64, 16, 16]
    several = ["--method", "every_second:k=1", "--method", "every_second:k=1-then-vtw:k=3"]
    assert __main__.main(["compare", *asked, *several]) == 0
    _, one, chain = json.loads(capsys.readouterr().out)["methods"]
    assert one["visual_tokens_per_layer"] == [64, 32, 32, 32]
    assert chain["visual_tokens_per_layer"] == [64, 32, 32, 0]


def test_an_entry_point_of_an_installed_package_makes_it_known(folder, monkeypatch):
    information = folder / "every_second-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: every-second\nVersion: 1\n")
    (information / "entry_points.txt").write_text(
        "[vtw_core.strategies]\nevery_second = every_second\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    registry._load.cache_clear()
    assert "every_second" in registered()


def test_a_plugin_that_cannot_be_imported_is_reported_in_one_line(folder, capsys):
    (folder / "broken.py").write_text("1 / 0\n")
    for name in ("broken", "not_there"):
        assert __main__.main(["models", "--plugin", name]) == 2
        told = capsys.readouterr().err
        assert f"The plugin '{name}' cannot be imported" in told
        assert told.count("\n") == 1


def test_it_is_evaluated_and_is_in_the_benchmark(added, vlm, image, tmp_path):
    items = read_items(write_one_question(tmp_path, image))
    found = evaluate(vlm, items, [method_from("every_second:k=1")], max_new_tokens=2)
    assert found.to_json()["methods"][1]["visual_tokens"]["value"] == 40
    (setting,) = further(vlm.layers, 64, {2: 32.0})
    assert (setting.series, setting.on(0, None)) == ("every_second", added())


def write_one_question(folder, image):
    image.save(folder / "one.png")
    lines = folder / "questions.jsonl"
    lines.write_text(json.dumps({"image": "one.png", "prompt": PROMPT}) + "\n")
    return lines


def test_it_follows_another_strategy(added, vlm, image):
    method = Method("chain", VisualTokenWithdrawal(3).then(added(1)))
    (entry,) = compare_methods(vlm, image, PROMPT, [method], max_new_tokens=2, timed=1).entries
    assert entry.visual_tokens_per_layer == (64, 32, 32, 0)
    assert strategy_of(entry.strategy) == method.strategy


def test_two_strategies_that_cannot_be_distinguished_are_refused(added):
    class Other(added):
        pass

    with pytest.raises(InputError, match="same required parameters"):
        register(Other)
    assert register(added) is added  # a module that is loaded anew


def strategies():
    """Every class of the library's own that is registered."""
    return {
        one
        for variants in registered().values()
        for one in variants
        if one.__module__.startswith("vtw_core.")
    }


def test_every_strategy_is_in_the_matrix(layout):
    tested = {type(make(1, layout)) for make in PARTIAL.values()}
    tested |= {type(make(layout)) for make in WHOLE.values()}
    assert strategies() <= tested


def test_the_tables_are_what_the_strategies_say_about_themselves():
    for table in (strategies_table(), parameters_table()):
        assert "\n".join(table) in TEXT, "python -m vtw_core.strategies.table prints them"
