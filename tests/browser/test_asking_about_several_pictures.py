"""Several pictures of one question, added, put in order and asked about in a browser."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect
from served_page import served
from tiny_models import random_picture

from app.words import page as text
from app.words.english.share import KEPT

pytestmark = pytest.mark.slow


@pytest.fixture
def visitor(browser, service):
    """A visitor on a page of a model that takes several pictures; a script error fails the test."""
    with served(service) as (address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(BROWSER_WAIT)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#workbench .handle")
        yield page
        page.close()
    assert errors == []


def add(page, path):
    with page.expect_file_chooser() as asked:
        page.locator("#add-picture").click()
    asked.value.set_files(path)


def test_pictures_are_added_put_in_order_and_asked_about(visitor, tmp_path):
    page = visitor
    items = page.locator("#further li")
    for count, name in enumerate(("tall.png", "scan.tiff"), start=1):
        random_picture(20, 44, seed=count).save(tmp_path / name)
        add(page, tmp_path / name)
        expect(items).to_have_count(count, timeout=BROWSER_WAIT)
    (tmp_path / "bad.png").write_text("no picture")
    add(page, tmp_path / "bad.png")
    expect(page.get_by_test_id("toast-text")).to_contain_text("not an image", timeout=BROWSER_WAIT)
    expect(items).to_have_count(2, timeout=BROWSER_WAIT)
    # The scan comes to the second place, then into the field, where a preview of it stands.
    page.get_by_role("button", name="Move picture 3 to place 2").click()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Move picture 2 to place 1").click()
    expect(page.locator("#picture img[src*='scan.tiff.preview.png']")).to_be_visible(
        timeout=BROWSER_WAIT
    )
    page.get_by_role("button", name="Remove picture 3").click()
    expect(items).to_have_count(1, timeout=BROWSER_WAIT)
    page.locator("#run").click()
    expect(page.locator(".facts")).to_contain_text("of 2 pictures", timeout=BROWSER_WAIT)
    expect(page.locator(".facts")).to_contain_text("your run", timeout=BROWSER_WAIT)
    page.locator(".k-slider").fill("1")
    expect(page.locator(".withdrawn .title")).to_contain_text("K = 1", timeout=BROWSER_WAIT)

    page.get_by_role("tab", name="Attention sinks").click()
    panels = page.locator("#gaze .panel")
    expect(panels).to_have_count(2, timeout=BROWSER_WAIT)
    assert page.locator("#gaze .panel img").count() == 2
    expect(panels.nth(1).locator(".panel-name")).to_have_text(
        "grid 1, picture 2", timeout=BROWSER_WAIT
    )
    chooser = page.locator("#gaze .which-image select")
    chooser.select_option(label="picture 2 alone")
    expect(panels.nth(0)).to_be_hidden(timeout=BROWSER_WAIT)
    expect(panels.nth(1)).to_be_visible(timeout=BROWSER_WAIT)
    assert (
        page.locator("#gaze .thumb canvas:visible").count() == page.locator("#gaze .thumb").count()
    )
    chooser.select_option(label="every picture")
    expect(panels.nth(0)).to_be_visible(timeout=BROWSER_WAIT)


def test_an_example_is_about_one_picture_again(visitor, tmp_path):
    page = visitor
    random_picture(20, 44).save(tmp_path / "tall.png")
    add(page, tmp_path / "tall.png")
    expect(page.locator("#further li")).to_have_count(1, timeout=BROWSER_WAIT)
    page.locator("#examples .thumbnail-item").first.click()
    expect(page.locator("#further li")).to_have_count(0, timeout=BROWSER_WAIT)


def test_the_embedded_model_takes_one_and_the_page_says_so(page):
    expect(page.get_by_text(text.ONE_PICTURE)).to_be_visible(timeout=BROWSER_WAIT)
    expect(page.locator("#add-picture")).to_have_count(0, timeout=BROWSER_WAIT)


def test_a_page_that_was_forgotten_says_that_the_further_pictures_are_gone(visitor, tmp_path):
    page = visitor
    for name in ("mine.png", "other.png"):
        random_picture(20, 44).save(tmp_path / name)
    with page.expect_file_chooser() as asked:
        page.locator("#picture button[aria-label='Remove Image']").click()
        page.locator("#picture button").first.click()
    asked.value.set_files(tmp_path / "mine.png")
    expect(page.locator("#picture img[src*='mine.png']")).to_be_visible(timeout=BROWSER_WAIT)
    add(page, tmp_path / "other.png")
    expect(page.locator("#further li")).to_have_count(1, timeout=BROWSER_WAIT)
    forgotten = re.compile("/gradio_api/(run/|queue/join)")
    page.route(forgotten, lambda route: route.fulfill(status=410, body="{}"), times=1)
    page.get_by_role("tab", name="Every K").click()
    said = page.locator("#kept-visit .said")
    expect(said).to_have_text(f"{KEPT['forgotten']} {KEPT['first']}", timeout=BROWSER_WAIT)
    expect(page.locator("#picture img[src*='mine.png']")).to_be_visible(timeout=BROWSER_WAIT)
    expect(page.locator("#further li")).to_have_count(0, timeout=BROWSER_WAIT)
