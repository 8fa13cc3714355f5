"""The server is restarted under an open page, or forgets it: the page says so, and the visitor has
his picture, his question and his view again."""

import io
import re
import signal
import socket

import pytest
from conftest import BROWSER_WAIT
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from app.chinese import text_share as chinese
from app.chinese.text_inside import TAB_SINKS
from app.english import text_share as english
from benchmarks.serving import Server

pytestmark = pytest.mark.slow

QUESTION = "what color is\nthe circle 👩\u200d👧 ?"

expect.set_options(timeout=BROWSER_WAIT)


@pytest.fixture(scope="module")
def process():
    """The page on a port of its own, which may be ended and started again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Server({"VTW_SESSIONS": "2"}, program=("app.py", "--port", str(port))) as server:
        yield server


@pytest.fixture
def server(process):
    """That page, which runs, whatever the test before has left."""
    if process.process.poll() is not None:
        process.start()
    return process


@pytest.fixture
def visit(browser, server):
    """Open a path as a new visitor, whom the server knows then."""
    contexts = []

    def opened(path=""):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(BROWSER_WAIT)
        page.goto(f"{server.address}/{path}")
        # What the server answers first; the tab of an address may stand before it.
        page.wait_for_selector("#model-state .said.ready", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()


def red_circle():
    out, picture = io.BytesIO(), Image.new("RGB", (192, 192), "white")
    ImageDraw.Draw(picture).ellipse((40, 40, 130, 130), fill="red")
    picture.save(out, "PNG")
    return {"name": "mine.png", "mimeType": "image/png", "buffer": out.getvalue()}


def ask_about_own_picture(page):
    page.locator("#picture button[aria-label='Remove Image']").click()
    page.locator("#picture input[type='file']").set_input_files(red_circle())
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("mine"))
    page.locator("#question textarea").fill(QUESTION)
    run(page)


def run(page):
    """Until it is done: the example that was shown before has an answer, too."""
    page.locator("#run").click()
    expect(page.locator(".facts")).to_contain_text("your run")
    expect(page.locator("#workbench")).to_contain_text("red")
    expect(page.locator("#cancel")).to_be_hidden()


def said(page):
    return page.locator("#kept-visit .said")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_after_a_restart_own_picture_and_question_are_back_and_the_page_says_so(
    server, visit, number
):
    page = visit()
    ask_about_own_picture(page)
    server.end(number)
    server.start()
    page.get_by_role("tab", name="Every K").click()
    expect(said(page)).to_have_text(f"{english.KEPT['forgotten']} {english.KEPT['both']}")
    expect(page.locator("#question textarea")).to_have_value(QUESTION)
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("mine"))
    # They are really there: they can be asked.
    page.get_by_role("tab", name="Compare").click()
    run(page)
    page.locator("#kept-visit .close").click()
    expect(said(page)).to_be_hidden()
    # It is said once.
    page.reload()
    page.wait_for_selector("#workbench .handle", state="attached")
    expect(said(page)).to_be_hidden()


def test_what_is_done_while_the_server_is_away_is_no_loss_either(server, visit):
    """Gradio notices, and loads the page again when the server is there."""
    page = visit()
    ask_about_own_picture(page)
    server.end(signal.SIGKILL)
    page.locator("#run").click()
    server.start()
    expect(said(page)).to_have_text(f"{english.KEPT['forgotten']} {english.KEPT['both']}")
    expect(page.locator("#question textarea")).to_have_value(QUESTION)
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("mine"))


def test_a_view_of_an_example_is_back_in_the_pages_language(server, visit):
    page = visit("zh?example=describe&k=7&tab=sinks&lang=zh")
    shown = page.get_by_role("tab", name=TAB_SINKS)
    expect(shown).to_have_attribute("aria-selected", "true")
    server.end(signal.SIGKILL)
    server.start()
    page.get_by_role("tab").nth(0).click()
    expect(said(page)).to_have_text(f"{chinese.KEPT['forgotten']} {chinese.KEPT['view']}")
    expect(page).to_have_url(re.compile("example=describe"))
    expect(page).to_have_url(re.compile("k=7"))


def test_who_is_forgotten_for_newer_visitors_is_told_too(server, visit):
    page = visit()
    ask_about_own_picture(page)
    for _ in range(3):
        newer = visit()
        with newer.expect_response(re.compile("/gradio_api/run/")):
            newer.get_by_role("tab", name="Every K").click()
    page.get_by_role("tab", name="Every K").click()
    expect(said(page)).to_have_text(f"{english.KEPT['forgotten']} {english.KEPT['both']}")
    expect(page.locator("#question textarea")).to_have_value(QUESTION)
