"""Two visitors at once, each with a picture, question, K, tab, language and theme of their own."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.service.service import bundled_examples
from app.words.chinese import page as chinese
from app.words.english import page as english
from vtw_core.results.run import load_run

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)


@pytest.fixture
def two(browser, address):
    """An English visitor in the light and a Chinese one in the dark, both on the opened page."""
    pages, errors = [], []
    for path, locale in (("/?__theme=light", "en-US"), ("/zh?__theme=dark", "zh-CN")):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale)
        page = context.new_page()
        page.set_default_timeout(BROWSER_WAIT)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector("#workbench .handle")
        pages.append(page)
    yield pages
    for page in pages:
        page.context.close()
    assert errors == []


def upload(page, path):
    page.locator("#picture button").first.click()
    page.locator("#picture input[type=file]").set_input_files(path)
    expect(page.locator("#picture img")).to_be_visible()


def choose_k(page, k):
    page.locator("#workbench .k-slider").fill(str(k))
    page.locator("#workbench .k-slider").dispatch_event("change")


def saved(page, tab, folder):
    page.get_by_role("tablist").first.get_by_role("tab", name=tab, exact=True).click()
    with page.expect_download() as download:
        page.locator("#save-run").click()
    path = folder / "run.vtw"
    download.value.save_as(path)
    return load_run(path)


def query(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_neither_sees_anything_of_the_other(two, tmp_path):
    ann, bo = two
    circle = next(one for one in bundled_examples() if one.name == "red_circle")
    ann.locator("#examples .thumbnail-item").nth(1).click()
    expect(ann.locator("#question textarea")).to_have_value(re.compile("top left"))
    upload(bo, circle.image)
    for page, question in (
        (ann, "how many objects are there ?"),
        (bo, "what color is the circle ?"),
    ):
        page.fill("#question textarea", question)
    # Both are asked before either is answered.
    ann.click("#run")
    bo.click("#run")
    facts = [page.locator("#workbench .facts") for page in two]
    expect(facts[0]).to_contain_text(english.ORIGINS["live"])
    expect(facts[1]).to_contain_text(chinese.ORIGINS["live"])
    expect(facts[0]).to_contain_text("how many objects are there ?")
    expect(facts[1]).to_contain_text("what color is the circle ?")
    expect(ann.locator("#workbench .baseline .text")).to_have_text("3")
    expect(bo.locator("#workbench .baseline .text")).to_have_text("red")

    choose_k(ann, 3)
    choose_k(bo, 15)
    ann.wait_for_url("**k=3**")
    bo.wait_for_url("**k=15**")
    pictures = [page.locator("#picture img").get_attribute("src") for page in two]
    assert pictures[0] != pictures[1]
    runs = []
    for page, words, name in ((ann, english, "ann"), (bo, chinese, "bo")):
        folder = tmp_path / name
        folder.mkdir()
        runs.append(saved(page, words.TAB_EVERY_K, folder))
    assert [run.prompt for run in runs] != [runs[0].prompt] * 2
    assert query(ann)["tab"] == query(bo)["tab"] == "every-k"
    assert query(ann)["__theme"] == "light"
    assert query(bo)["__theme"] == "dark"
    assert "dark" not in (ann.locator("body").get_attribute("class") or "")
    assert "dark" in bo.locator("body").get_attribute("class")
    expect(ann.locator("html")).to_have_attribute("lang", "en")
    expect(bo.locator("html")).to_have_attribute("lang", "zh-CN")

    # The lesson leads each of them elsewhere; what one answered, the other did not.
    ann.locator("#lesson .open").click()
    expect(ann.locator("#lesson .panel")).to_be_visible()
    expect(bo.locator("#lesson .panel")).to_be_hidden()
    ann.locator("#lesson .choice", has_text="144").click()
    expect(ann.locator("#lesson .told")).to_contain_text("Right.")
    bo.locator("#lesson .open").click()
    expect(bo.locator("#lesson .panel")).to_be_visible()
    expect(bo.locator("#lesson .verdict")).to_have_count(0)
    for page in two:
        page.keyboard.press("Escape")
        expect(page.locator("#lesson .panel")).to_be_hidden()
