"""docs/strategies.md: its recipe works as written, and its table names every strategy."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from family_laws import PICTURE
from test_strategies import PARTIAL, WHOLE, first_layer, is_dropping_masking
from tiny_models import FAMILIES

from vtw_core import InputError, withdraw
from vtw_core.strategies.registry import registered

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "strategies.md").read_text()
RECIPE = TEXT.split("## Add a strategy\n")[1]


@pytest.fixture(scope="module")
def added():
    """The class in the recipe's code block."""
    names = {"dataclass": dataclass, "InputError": InputError}
    exec(re.search(r"```python\n(.*?)```", RECIPE, re.S)[1], names)
    return names["EverySecond"]


def test_the_recipe_has_at_most_ten_lines():
    lines = RECIPE.split("```python")[0].strip().splitlines()
    assert 0 < len(lines) <= 10
    assert [line.split(".")[0] for line in lines] == [str(n + 1) for n in range(len(lines))]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_recipes_strategy_passes_the_law_in_every_family(added, tiny_models, family):
    vlm = tiny_models(family)
    trace = is_dropping_masking(vlm, PICTURE, lambda first, layout: added(first))
    counts, first = trace.visual_tokens_per_layer, first_layer(vlm)
    assert counts[first:] == ((counts[0] + 1) // 2,) * (vlm.layers - first)


def test_the_recipes_strategy_refuses_a_bad_k(added, vlm, layout):
    with pytest.raises(InputError, match="0 to 4"), withdraw(vlm.model, added(5), layout):
        pass


def strategies():
    """Every class of the library's own that is registered."""
    return {
        one
        for variants in registered().values()
        for one in variants
        if one.__module__.startswith("vtw_core.")
    }


def test_every_strategy_stands_in_the_matrix(layout):
    tested = {type(make(1, layout)) for make in PARTIAL.values()}
    tested |= {type(make(layout)) for make in WHOLE.values()}
    assert strategies() <= tested


def test_the_table_names_every_strategy_and_every_name_of_the_command_line():
    table = TEXT.split("## Definitions")[1].split("## Add")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)", table, re.M)
    assert {name for name, _ in rows} == set(registered())
    assert {kind for _, kind in rows} == {one.__name__ for one in strategies()}
