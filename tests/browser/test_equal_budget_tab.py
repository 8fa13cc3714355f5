"""The recorded comparison of methods, read like a person."""

import csv

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.words import budget as text

pytestmark = pytest.mark.slow


def test_a_visitor_sees_the_comparison_asks_for_another_measure_and_takes_the_numbers(page):
    page.get_by_role("tab", name=text.TAB_BUDGET).click()
    chart = page.locator("#budget-pareto")
    chart.scroll_into_view_if_needed()
    expect(chart.locator(".xtitle")).to_have_text(text.AXIS_X["flops"], timeout=BROWSER_WAIT)
    expect(page.locator("#methods-reading li")).not_to_have_count(0, timeout=BROWSER_WAIT)
    drawn = chart.locator(".trace.scatter").count()

    page.get_by_label(text.CONTROL_COST).click()
    page.get_by_role("option", name=text.COSTS["prefill_time"]).click()
    expect(chart.locator(".xtitle")).to_have_text(text.AXIS_X["prefill_time"], timeout=BROWSER_WAIT)
    page.get_by_label(text.CONTROL_EVERY).check()
    expect(chart.locator(".trace.scatter").nth(drawn)).to_be_attached(timeout=BROWSER_WAIT)
    page.get_by_label(text.CONTROL_KIND).click()
    page.get_by_role("option", name=text.KINDS["describe"]).click()
    expect(page.locator("#budget-table .title")).to_contain_text(
        text.KINDS["describe"], timeout=BROWSER_WAIT
    )

    with page.expect_download() as waiting:
        chart.get_by_role("button", name="CSV").click()
    with open(waiting.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= drawn
    assert all(row["point"] and float(row[text.AXIS_X["prefill_time"]]) > 0 for row in rows)
