"""The table of docs/hostile-input.md is the rows that the tests run."""

from hostile_inputs import GUIDE, MARKS, table


def test_the_guide_says_what_the_tests_prove():
    guide = GUIDE.read_text(encoding="utf-8")
    assert f"{MARKS[0]}{table()}{MARKS[1]}" in guide, "write it: python tests/hostile_inputs.py"
