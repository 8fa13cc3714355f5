"""Terms of the page, asked for by mouse, keyboard and finger where they stand."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.words.chinese import terms as chinese
from app.words.english import terms as english

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)
CAPTION = "#workbench .curve-caption .term"


def test_mouse_and_keyboard_are_told_what_a_term_means(page):
    tip = page.locator("#term-tip")
    kl = page.locator(CAPTION, has_text=re.compile("^KL$"))
    kl.hover()
    expect(tip).to_contain_text(english.TERMS["kl"]["definition"])
    expect(kl).to_have_attribute("aria-describedby", "term-tip")
    tip.hover()  # whoever reads on may go over to it
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()

    page.locator("#workbench .k-slider").focus()
    page.keyboard.press(
        "Shift+Tab"
    )  # the button before it, then the terms of the heading and caption
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className") == "term":
            break
    focused = page.evaluate("document.activeElement.textContent")
    told = {name: term["definition"] for term in english.TERMS.values()
            for name in term["names"].split("|")}  # fmt: skip
    expect(tip).to_contain_text(told[focused])
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("Enter")
    expect(tip).to_be_visible()


def test_terms_stay_marked_when_the_page_writes_anew_and_labels_still_name_their_fields(page):
    page.locator("#workbench .k-slider").fill("3")
    dt = page.locator("#workbench .withdrawn .metrics dt", has_text="FLOPs")
    expect(dt.locator(".term")).to_have_text("FLOPs")
    expect(dt).to_have_text("Prefill FLOPs, theory")
    page.get_by_role("tab", name="Attention sinks", exact=True).click()
    label = page.locator("#sinks-rows .term")
    expect(label).to_have_text("Whose attention")
    label.click()  # tells what it means, and opens no list
    expect(page.locator("#term-tip")).to_contain_text(english.TERMS["query_rows"]["definition"])
    expect(page.get_by_label("Whose attention").first).to_be_visible()
    expect(page.get_by_role("listbox")).to_have_count(0)


@pytest.mark.parametrize("language", ["", "zh"])
def test_a_finger_taps_a_term_and_taps_it_away(browser, address, language):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="en-US"
    )
    page = context.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    page.goto(f"{address}/{language}")
    words = chinese if language else english
    term = page.locator(CAPTION, has_text=re.compile("^η$"))
    term.scroll_into_view_if_needed()
    term.tap()
    tip = page.locator("#term-tip")
    expect(tip).to_contain_text(words.TERMS["eta"]["definition"])
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator("#workbench .verdict").tap()
    expect(tip).to_be_hidden()
    context.close()


def test_a_term_leads_to_its_exact_definition_in_another_window(page):
    page.keyboard.press("Tab")  # whoever uses the keyboard is told as soon as a term has the focus
    page.locator(CAPTION, has_text=re.compile("^KL$")).focus()
    expect(page.locator("#term-tip")).to_be_visible()
    page.keyboard.press("ArrowDown")
    link = page.locator("#term-tip a")
    expect(link).to_be_focused()
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    other = opened.value
    other.set_default_timeout(BROWSER_WAIT)
    found = other.locator("#document-quantities .found")
    expect(found).to_contain_text("MethodEntry.kl_positions")
    expect(found).to_be_in_viewport()
    assert other.locator("#document-quantities .katex").count() > 20
    page.keyboard.press("Escape")
    expect(page.locator("#term-tip")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "KL"
