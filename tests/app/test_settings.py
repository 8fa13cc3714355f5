"""Settings from the environment."""

from dataclasses import fields
from pathlib import Path

import pytest

from app.settings import Settings
from vtw_core.errors import InputError

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "deploy.md"


def test_nothing_set_means_the_defaults():
    assert Settings.from_environment({"VTW_QUEUE": " "}) == Settings()


def test_every_variable_is_heard():
    given = {one.metadata["variable"]: "7" for one in fields(Settings)}
    heard = Settings.from_environment(given)
    assert heard == Settings("7", *[7] * (len(fields(Settings)) - 1))


@pytest.mark.parametrize("value", ["0", "-3", "99999999", "many", "1.5", "nan", "1e3"])
@pytest.mark.parametrize(
    "variable",
    ["VTW_ANSWER_TOKENS", "VTW_QUEUE", "VTW_UPLOAD_MB", "VTW_SESSIONS", "VTW_WAITING"],
)
def test_a_bad_number_is_refused_by_name(variable, value):
    with pytest.raises(InputError, match=rf"{variable} must be a whole number from 1 to"):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize("value", ["-1", "1001", "many"])
def test_no_limit_is_a_limit_of_its_own(value):
    assert Settings.from_environment({"VTW_RUNS_PER_MINUTE": "0"}).runs_per_minute == 0
    with pytest.raises(InputError, match="VTW_RUNS_PER_MINUTE must be a whole number from 0 to"):
        Settings.from_environment({"VTW_RUNS_PER_MINUTE": value})


def test_the_guide_lists_all_settings():
    assert f"<!-- settings -->\n{Settings.table()}\n<!-- end of settings -->" in GUIDE.read_text()
