"""The table of docs/hostile-input.md is the rows that the tests run."""

import pytest
from hostile_inputs import GUIDE, MARKS, ROOT, table
from machine_faults import FAULTS


def test_the_guide_says_what_the_tests_prove():
    guide = GUIDE.read_text(encoding="utf-8")
    assert f"{MARKS[0]}{table()}{MARKS[1]}" in guide, (
        "write it: PYTHONPATH=. python tests/hostile_inputs.py"
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.test)
def test_every_fault_of_the_machine_has_its_test(fault):
    source = (ROOT / "tests" / "app" / fault.file).read_text(encoding="utf-8")
    assert f"\ndef {fault.test}(" in source
