"""Light and dark colours, switched on the page: at once, everywhere, and remembered."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import Page, expect

from app.words.english.page import THEME_SWITCH

expect.set_options(timeout=BROWSER_WAIT)
# What stands on the card: its own colour, and that of the words of a drawn figure.
COLOURS = """() => ['#workbench .picker', '#workbench .plot text'].map((part) => {
  const style = getComputedStyle(document.querySelector(part));
  return part.endsWith('text') ? style.fill : style.backgroundColor;
})"""


@pytest.fixture
def opened(browser, address):
    """A visitor whose system prefers light colours; his pages share what is remembered."""
    context = browser.new_context(color_scheme="light")

    def page(query: str = "") -> Page:
        made = context.new_page()
        made.set_default_timeout(BROWSER_WAIT)
        made.goto(f"{address}{query}")
        made.wait_for_selector("#workbench .handle", state="attached")
        return made

    yield page
    context.close()


def test_the_whole_page_changes_at_once_and_the_next_one_opens_in_the_chosen_colours(opened):
    page = opened()
    button = page.locator("#theme-switch button")
    expect(button).to_have_attribute("aria-label", THEME_SWITCH["toDark"])
    light = page.evaluate(COLOURS)
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    button.click()
    expect(page.locator("body")).to_have_class(re.compile(r"\bdark\b"))
    expect(button).to_have_attribute("aria-label", THEME_SWITCH["toLight"])
    assert all(one != other for one, other in zip(light, page.evaluate(COLOURS), strict=True))
    assert not [data for data in asked if '"event_data":{' in data]
    expect(page).to_have_url(re.compile("__theme=dark"))

    later = opened()
    expect(later.locator("body")).to_have_class(re.compile(r"\bdark\b"))
    later.locator("#theme-switch button").press("Enter")
    expect(later.locator("body")).not_to_have_class(re.compile(r"\bdark\b"))
    later.reload()
    later.wait_for_selector("#workbench .handle", state="attached")
    expect(later.locator("body")).not_to_have_class(re.compile(r"\bdark\b"))
    assert later.evaluate(COLOURS) == light


def test_an_address_that_names_colours_wins_over_the_choice(opened):
    page = opened()
    page.locator("#theme-switch button").click()
    expect(page).to_have_url(re.compile("__theme=dark"))
    linked = opened("?__theme=light")
    expect(linked.locator("body")).not_to_have_class(re.compile(r"\bdark\b"))
    assert linked.evaluate("localStorage.getItem('vtw-theme')") == "dark"
