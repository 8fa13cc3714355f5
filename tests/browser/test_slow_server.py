"""What a visitor does while a slow server still answers the last thing, which must not be lost."""

import json
import re
from contextlib import contextmanager, suppress

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import TimeoutError, expect

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)


ASKED = "**/gradio_api/run/**"
A_WHILE = 3000  # milliseconds; a server that takes longer only lets these tests see less


@pytest.fixture
def slow(page):
    """The page, whose questions wait until ``slow.go_on()``."""
    held, waits = [], [True]
    page.route(ASKED, lambda route: held.append(route) if waits else route.continue_())

    def go_on():
        assert held, "nothing was asked"
        waits.clear()
        for route in held:
            with page.expect_response(ASKED):
                route.continue_()

    page.go_on = go_on
    return page


@pytest.fixture
def reversing(page):
    """The page, of whose questions the first one waits until the next one of its kind is answered,
    or, where none is asked before the first one is answered, for a while."""
    held, kinds = [], []

    def ask(route):
        kinds.append(json.loads(route.request.post_data)["fn_index"])
        if len(kinds) == 1:
            held.append(route)
        else:
            route.continue_()

    def is_next_answered(response):
        asked = json.loads(response.request.post_data) if "/run/" in response.url else {}
        return asked.get("fn_index") == kinds[0]

    @contextmanager
    def meanwhile():
        with suppress(TimeoutError), page.expect_response(is_next_answered, timeout=A_WHILE):
            yield
        with page.expect_response(is_next_answered):
            held.pop().continue_()

    page.route(ASKED, ask)
    page.meanwhile = meanwhile
    return page


def test_a_tab_opened_later_wins_though_its_answer_could_come_first(reversing):
    with reversing.expect_request(ASKED):
        open_tab(reversing, "Every K")
    with reversing.meanwhile():
        open_tab(reversing, "Attention sinks")
    expect(reversing.locator("#sinks-verdict")).to_contain_text("layer")
    expect(reversing).to_have_url(re.compile("tab=sinks"))
    reversing.locator("#share .cite").click()
    expect(reversing.locator("#share .code")).to_contain_text("sink_verdict")


def test_an_example_picked_later_wins_though_its_answer_could_come_first(reversing):
    examples = reversing.locator("#examples .thumbnail-item")
    with reversing.expect_request(ASKED):
        examples.nth(1).click()
    with reversing.meanwhile():
        examples.nth(2).click()
    expect(reversing).to_have_url(re.compile("example=four_stars"))
    expect(reversing.locator("#question textarea")).to_have_value("how many stars are there ?")
    expect(reversing.locator("#workbench .facts")).to_contain_text("how many stars are there ?")


def open_tab(page, name):
    page.get_by_role("tablist").first.get_by_role("tab", name=name, exact=True).click()


def test_the_tab_that_was_opened_last_is_drawn(slow):
    with slow.expect_request(ASKED):
        open_tab(slow, "Every K")
    open_tab(slow, "Attention sinks")
    slow.go_on()
    expect(slow.locator("#sinks-verdict")).to_contain_text("layer")
    expect(slow.locator("#sinks-mass figure")).to_be_visible()


def test_the_k_that_was_chosen_last_is_the_servers(slow):
    slow.locator("#workbench .handle").focus()
    with slow.expect_request(ASKED):
        slow.keyboard.press("Home")
    slow.keyboard.press("ArrowRight")
    slow.keyboard.press("ArrowRight")
    slow.go_on()
    slow.wait_for_url("**k=2**")
    open_tab(slow, "Information migration")
    expect(slow.locator("#migration-settings_table")).to_contain_text("K = 2")


def test_the_example_that_was_picked_last_is_shown(slow):
    examples = slow.locator("#examples .thumbnail-item")
    with slow.expect_request(ASKED):
        examples.nth(1).click()
    examples.nth(2).click()
    slow.go_on()
    expect(slow.locator("#question textarea")).to_have_value("how many stars are there ?")
    expect(slow.locator("#workbench .facts")).to_contain_text("how many stars are there ?")
