"""Waiting, cancelling and leaving, on a service whose runs never end by themselves."""

import time
from dataclasses import dataclass

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.models import Models
from app.service import Service
from vtw_core.events import Progress, Token

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class NoModel:
    """A model that no run asks."""

    name: str

    def limit_threads(self):
        pass

    def warm_up(self):
        pass


def load_at_once(source, **options):
    yield NoModel(source)


class EndlessService(Service):
    """Counts the runs that are open; a run ends only when its generator is closed."""

    def __init__(self):
        super().__init__(Models(load=load_at_once))
        self.open = 0

    def explore(self, image, prompt, model):
        self.open += 1
        try:
            yield Progress(0, 10, "image encoded")
            while True:
                yield Token(f"still {prompt}", False, 0.1)
                time.sleep(0.05)
        finally:
            self.open -= 1


@pytest.fixture(scope="module")
def endless():
    """The service and the address of a page on it, served by this process."""
    from app.theme import CSS, build_theme
    from app.ui import build_demo

    service = EndlessService()
    demo = build_demo(service)
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", theme=build_theme(),
        css_paths=CSS, run_history=False,
    )  # fmt: skip
    yield service, address
    demo.close()


def visitor(browser, address):
    page = browser.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    page.goto(address)
    page.wait_for_selector("#workbench .handle")
    return page


def until(condition):
    for _ in range(BROWSER_WAIT // 100):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def test_a_second_visitor_sees_that_he_waits_and_runs_when_the_first_cancels(browser, endless):
    service, address = endless
    first, second = visitor(browser, address), visitor(browser, address)
    first.locator("#run").click()
    expect(first.locator(".baseline .text")).to_contain_text(
        "still what color", timeout=BROWSER_WAIT
    )
    second.locator("#run").click()
    expect(second.locator(".status-text")).to_contain_text(
        "Waiting for your turn", timeout=BROWSER_WAIT
    )
    assert service.open == 1

    first.locator("#cancel").click()
    expect(first.locator(".notice")).to_contain_text("Cancelled", timeout=BROWSER_WAIT)
    expect(first.locator("#run")).to_be_enabled(timeout=BROWSER_WAIT)
    expect(first.locator("#cancel")).to_be_hidden(timeout=BROWSER_WAIT)
    assert "recorded" in first.locator(".facts").inner_text()
    expect(second.locator(".baseline .text")).to_contain_text(
        "still what color", timeout=BROWSER_WAIT
    )

    second.close()  # leaves without cancelling
    until(lambda: service.open == 0)
    first.close()


def test_an_example_picked_during_a_run_ends_the_run_and_is_shown(browser, endless):
    service, address = endless
    page = visitor(browser, address)
    page.locator("#run").click()
    expect(page.locator(".baseline .text")).to_contain_text("still", timeout=BROWSER_WAIT)
    page.locator("#examples .thumbnail-item").nth(1).click()
    expect(page.locator(".facts")).to_contain_text(
        "what color is the shape at the top left ?", timeout=BROWSER_WAIT
    )
    until(lambda: service.open == 0)
    expect(page.locator("#run")).to_be_enabled(timeout=BROWSER_WAIT)
    assert page.locator("#workbench .vtw").get_attribute("data-phase") == "done"
    page.close()


def test_the_draw_tab_opened_during_a_run_is_what_the_next_run_uses(browser, endless):
    service, address = endless
    page = visitor(browser, address)
    page.locator("#run").click()
    expect(page.locator(".baseline .text")).to_contain_text("still", timeout=BROWSER_WAIT)
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#canvas button[aria-label='Brush size' i]")).to_be_visible(
        timeout=BROWSER_WAIT
    )
    page.locator("#cancel").click()
    expect(page.locator("#run")).to_be_enabled(timeout=BROWSER_WAIT)
    until(lambda: service.open == 0)
    page.locator("#run").click()
    expect(page.locator(".notice")).to_contain_text("canvas is empty", timeout=BROWSER_WAIT)
    page.close()
