"""The server is restarted under an open page, or forgets it: the page says so, and the visitor has
his picture, his question and his view again."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from conftest import BROWSER_WAIT
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from app.words.chinese import share as chinese
from app.words.chinese.inside import TAB_SINKS
from app.words.english import share as english

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "what color is\nthe circle 👩\u200d👧 ?"

expect.set_options(timeout=BROWSER_WAIT)


class Restarted:
    """app.py as a process on one port, which may be ended and started again."""

    def __init__(self, folder, **variables):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "log").open("w")
        self.environment = {
            **os.environ, "OMP_NUM_THREADS": "1", "GRADIO_TEMP_DIR": str(folder / "uploads"),
            **variables,
        }  # fmt: skip
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT, env=self.environment,
        )  # fmt: skip
        for _ in range(600):
            try:
                if httpx.get(f"{self.address}/healthz").json()["status"] == "ready":
                    return
            except httpx.HTTPError:
                pass
            assert self.process.poll() is None
            time.sleep(0.2)
        raise AssertionError("the page did not start")

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Restarted(tmp_path_factory.mktemp("restarted"), VTW_SESSIONS="2")
    yield server
    server.end(signal.SIGTERM)
    server.log.close()


@pytest.fixture
def visit(browser, server):
    """Open a path as a new visitor."""
    contexts = []

    def opened(path=""):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(BROWSER_WAIT)
        page.goto(f"{server.address}/{path}")
        page.wait_for_selector("#workbench .handle", state="attached")
        # The tab of an address may stand before it.
        page.wait_for_selector("#model-state", state="attached")
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
    with page.expect_file_chooser() as chosen:
        page.locator("#picture button[aria-label='Remove Image'], #picture button").first.click()
        page.locator("#picture button").first.click()
    chosen.value.set_files(red_circle())
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("mine"))
    page.locator("#question textarea").fill(QUESTION)
    page.locator("#run").click()
    expect(page.locator("#workbench")).to_contain_text(re.compile("red"))
    expect(page.locator("#cancel")).to_be_hidden()


def said(page):
    return page.locator("#kept-visit .said")


def ask_where_nothing_has_noticed(page):
    """A page with an event under way notices at once that its server went, an idle one when it next
    asks something."""
    page.wait_for_timeout(3000)
    if not said(page).inner_text():
        page.locator("#run").click()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_after_a_restart_own_picture_and_question_are_back_and_the_page_says_so(
    server, visit, number
):
    page = visit()
    ask_about_own_picture(page)
    server.end(number)
    server.start()
    ask_where_nothing_has_noticed(page)
    expect(said(page)).to_have_text(f"{english.KEPT['forgotten']} {english.KEPT['both']}")
    expect(page.locator("#question textarea")).to_have_value(QUESTION)
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("mine"))
    # They are really there: they can be asked.
    page.locator("#run").click()
    expect(page.locator("#cancel")).to_be_visible()
    expect(page.locator("#cancel")).to_be_hidden()
    expect(page.locator("#workbench")).to_contain_text("red")
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
    server.end()
    page.locator("#run").click()
    server.start()
    expect(said(page)).to_have_text(f"{english.KEPT['forgotten']} {english.KEPT['both']}")
    expect(page.locator("#question textarea")).to_have_value(QUESTION)
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("mine"))


def test_a_view_of_an_example_is_back_in_the_pages_language(server, visit):
    page = visit("zh?example=describe&k=7&tab=sinks&lang=zh")
    shown = page.get_by_role("tab", name=TAB_SINKS)
    expect(shown).to_have_attribute("aria-selected", "true")
    server.end()
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
        newer.get_by_role("tab", name="Every K").click()
        newer.wait_for_timeout(500)
    page.get_by_role("tab", name="Every K").click()
    expect(said(page)).to_have_text(f"{english.KEPT['forgotten']} {english.KEPT['both']}")
    expect(page.locator("#question textarea")).to_have_value(QUESTION)
