"""What a visitor does while a slow server still answers the last thing, which must not be lost."""

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)


ASKED = "**/gradio_api/run/**"


@pytest.fixture
def slow(page):
    """The page, whose questions wait until ``slow.go_on()``; they are answered in their order."""
    held, waits = [], [True]
    page.route(ASKED, lambda route: held.append(route) if waits else route.continue_())

    def go_on():
        assert len(held) > 1, "nothing was asked meanwhile"
        waits.clear()
        for route in held:
            with page.expect_response(ASKED):
                route.continue_()

    page.go_on = go_on
    return page


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
