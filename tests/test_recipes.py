"""CONTRIBUTING.md: each recipe names a few places, which are there, and tests that follow it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Five recipes")[1]
RECIPES = dict(re.findall(r"### (.+)\n((?:(?!### ).*\n)*)", TEXT))
COUNTED = dict(
    re.findall(
        r"^\| (A .+) \| (\d+) \|$",
        (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)
# Where a recipe puts a new file of its own.
OWN = {
    "vtw_core/strategies/", "vtw_core/analysis/", "app/figures/", "app/tabs/",
}  # fmt: skip


def places(recipe):
    """What the numbered steps of a recipe edit besides files of its own and tests."""
    steps = "".join(re.findall(r"^(?:\d\..*|   .*)\n", RECIPES[recipe], re.MULTILINE))
    named = re.findall(r"`((?:app|vtw_core|docs)/[\w/.*]+)`", steps)
    return set(named) - OWN


def test_there_are_five():
    assert list(RECIPES) == list(COUNTED)
    assert len(RECIPES) == 5


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_names_places_that_are_there(recipe):
    for place in places(recipe):
        assert list(ROOT.glob(place.rstrip("/"))), place


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_as_short_as_the_architecture_says(recipe):
    # A sentence is one of the page or one of the library, never both.
    counted = places(recipe) - {"app/words/chinese/library_*.py"}
    assert len(counted) == int(COUNTED[recipe]), counted


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_tests_that_follow_a_recipe_are_there(recipe):
    followed = re.findall(r"`(tests/[\w/]+\.py)`", RECIPES[recipe].split("Test")[-1])
    assert followed
    for test in followed:
        assert (ROOT / test).is_file(), test
