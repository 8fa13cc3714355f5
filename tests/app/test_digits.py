"""How numbers are printed."""

import pytest

from app.words.digits import BYTES, decade, mean_count, percent, scaled, significant, three_digits


@pytest.mark.parametrize(
    ("value", "two", "three"),
    [
        (12.73, "13", "12.7"), (6.0, "6", "6"), (0.314, "0.31", "0.314"), (0.001, "0.001", "0.001"),
        (0.00099999, "0.001", "0.001"), (0.000351, "3.5e-4", "3.51e-4"), (3e-5, "3e-5", "3e-5"),
        (2.5e-12, "2.5e-12", "2.5e-12"), (144, "144", "144"), (2916.4, "2916", "2916"),
        (0, "0", "0"), (-4.1e-4, "-4.1e-4", "-4.1e-4"),
    ],
)  # fmt: skip
def test_a_value_has_its_digits_and_no_padding(value, two, three):
    assert (significant(value), significant(value, 3)) == (two, three)


def test_a_quantity_keeps_three_digits_beside_its_unit():
    assert [three_digits(value) for value in (4.2, 27.0, 144.0, 999.7, 1234.5)] == [
        "4.20", "27.0", "144", "1000", "1234",
    ]  # fmt: skip
    assert [scaled(value, BYTES) for value in (512, 999_600, 3_300_000, 2.5e15)] == [
        "512 B", "1.00 MB", "3.30 MB", "2500 TB",
    ]  # fmt: skip


def test_decades_shares_and_counts():
    assert [decade(power) for power in (2, 0, -2, -3, -4, -7)] == [
        "100", "1", "0.01", "0.001", "1e-4", "1e-7",
    ]  # fmt: skip
    assert [percent(share) for share in (1, 0.0858, 0.63701, 0.0001, 1e-6)] == [
        "100%", "8.58%", "63.7%", "0.01%", "1e-4%",
    ]  # fmt: skip
    assert [mean_count(value) for value in (60.0, 60.25, 59.42)] == ["60", "60.3", "59.4"]
