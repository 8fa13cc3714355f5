"""docs/quantities.md defines everything that is recorded, and everything worked out from it."""

import dataclasses
import inspect
from pathlib import Path

import pytest

from vtw_core.analysis import migration, sinks
from vtw_core.measures import budget
from vtw_core.results.comparison import MethodEntry, MethodSeconds
from vtw_core.results.equal_budget import MEASURES
from vtw_core.results.inside import Attention, Counterfactual, Inside, Lens

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "quantities.md").read_text(encoding="utf-8")


RECORDS = (Attention, Lens, Counterfactual, Inside, MethodEntry, MethodSeconds)


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_of_the_record_is_defined(record):
    fields = [f"**`{record.__name__}.{field.name}`**" for field in dataclasses.fields(record)]
    assert [name for name in fields if name not in PAGE] == []


@pytest.mark.parametrize("module", [sinks, migration, budget])
def test_every_public_name_of_the_analysis_is_defined(module):
    names = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    ]
    assert names
    assert [name for name in names if f"**`{name}`**" not in PAGE] == []


@pytest.mark.parametrize(
    "answer", [sinks.SinkToken, sinks.MassiveActivation, sinks.SinkVerdict, migration.Setting,
               migration.JointCurves],
)  # fmt: skip
def test_every_kind_of_answer_is_named(answer):
    assert f"`{answer.__name__}`" in PAGE


@pytest.mark.parametrize("name", [*MEASURES, "estimates", "difference"])
def test_every_measure_of_methods_at_equal_budget_is_defined(name):
    section = PAGE.split("## `vtw_core.results.equal_budget`")[1].split("\n## ")[0]
    assert f"**`{name}`**" in section


def test_the_page_names_nothing_that_does_not_exist():
    for record in RECORDS:
        known = {field.name for field in dataclasses.fields(record)}
        parts = PAGE.split(f"`{record.__name__}.")[1:]
        assert {part.split("`")[0] for part in parts} <= known
