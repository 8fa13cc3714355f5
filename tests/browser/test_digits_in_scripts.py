"""Numbers that the page's scripts print while a slider moves, held against the server's."""

from app.components.files import read
from app.words.digits import BYTES, scaled, significant

VALUES = (0, 1e-12, 4.1e-5, 0.00099999, 0.001, 0.31, 0.999, 1, 6.04, 99.4, 144, 998.6, 999.6, 2.4e9)


def test_the_pages_scripts_print_alike(browser):
    """The scripts compute with the same numbers, while a slider moves, and must not say others."""
    page = browser.new_page()
    printed = page.evaluate(
        read("digits.js")
        + """;([values, units]) => values.map((value) => [significant(value), significant(value, 3),
            value && value < 0.01 ? null : scaled(value, units)])""",
        [VALUES, BYTES],
    )
    page.close()
    for value, by_script in zip(VALUES, printed, strict=True):
        with_unit = None if 0 < value < 0.01 else scaled(value, BYTES)  # no quantity is that small
        assert by_script == [significant(value), significant(value, 3), with_unit]
