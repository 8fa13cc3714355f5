"""The Methods tab in a real browser: recorded, at equal budget, and run with other settings."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def test_methods_stand_beside_the_baseline_recorded_and_run_at_one_budget(page):
    page.get_by_role("tab", name="Methods").click()
    titles = page.locator("#methods-answers h3")
    expect(titles).to_have_text(
        ["Baseline", re.compile(r"VTW, K = \d+"), "MustDrop, stages a b c"], timeout=BROWSER_WAIT
    )
    expect(page.locator("#methods-answers .origin")).to_contain_text("recorded on")
    expect(page.locator("#methods-costs td", has_text="green").first).to_be_visible()
    page.locator("#methods-layers").scroll_into_view_if_needed()
    expect(page.locator("#methods-layers .js-plotly-plot .scatterlayer .trace")).to_have_count(3)

    # A third method, all at the budget of VTW at K = 1; the second is taken away again.
    page.locator("#methods-add").click()
    expect(page.get_by_text("Method 3", exact=True)).to_be_visible()
    expect(page.locator("#methods-add")).to_be_hidden()
    page.locator("#methods-vtw-k-1 input[type=number]").fill("1")
    page.locator("#methods-vtw-k-1 input[type=number]").press("Tab")
    page.locator("#methods-equal").click()
    expect(page.locator("#methods-said")).to_contain_text("as with VTW at K = 1")
    page.locator("#methods-remove-2").click()
    expect(page.locator("#methods-mustdrop-tokens-2")).to_be_hidden()
    page.locator("#methods-run").click()
    expect(page.locator("#methods-answers .origin")).to_have_text(
        "embedded, measured on this server", timeout=BROWSER_WAIT
    )
    expect(titles).to_have_text(["Baseline", "VTW, K = 1", re.compile(r"FastV, K = 1, R = 100%")])
    expect(page.locator("#methods-answers .card.vtw-method .same")).not_to_be_empty()
    expect(page.locator("#methods-answers .card.none mark")).to_have_count(0)
    expect(page.locator("#methods-run")).to_be_enabled()
    expect(page.locator("#methods-cancel")).to_be_hidden()
    with page.expect_download() as download:
        page.locator("#methods-layers .exports button", has_text="SVG").click()
    assert download.value.suggested_filename == "visual_tokens_by_method.svg"

    # Another example: the tab follows, with its own recorded comparison and controls.
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.locator("#examples .thumbnail-item").nth(3).click()
    expect(page.locator(".facts")).to_contain_text("what color is the circle ?")
    page.get_by_role("tab", name="Methods").click()
    expect(page.locator("#methods-answers .origin")).to_contain_text("recorded on")
    expect(page.locator("#methods-answers .card.none .text")).to_have_text("red")
    expect(page.locator("#methods-remove-2")).to_be_visible()
