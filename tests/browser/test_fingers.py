"""A phone's fingers over what takes a pointer: one scrolls or drags, two zoom the page."""

import pytest
from conftest import BROWSER_WAIT
from fingers import PHONE, Fingers
from playwright.sync_api import Page

# Over each of them, by the tab they are on.
ZOOMED_OVER = {
    "compare": (".plot svg", ".handle-grip", ".eta-grip", ".tokens", ".verdict", "#picture img"),
    "every-k": (".chart .drawing",),
    "sinks": (".kbar .k-words", "#gaze .large", "#gaze .sheet", "#sinks-mass .drawing"),
    "methods": (".methods", "#stages .panels", "#stages .scatter", "#stages .flow-wide"),
    "calibrate": ("#calibrate-kl .drawing",),
}


@pytest.fixture
def phone(browser, address):
    """A visitor's phone, and a hand on it; a script error fails the test."""
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#workbench .handle")
    page.wait_for_selector('#model-state:has-text("is ready")', state="attached")
    page.wait_for_timeout(1000)  # what is above on the page finds its height
    yield page, Fingers(context, page)
    context.close()
    assert errors == []


def held(page: Page) -> tuple[str, str]:
    """K and η."""
    return page.locator(".k-slider").input_value(), page.locator(".eta-input").input_value()


def test_two_fingers_zoom_the_page_over_the_curve_and_leave_k_alone(phone):
    page, hand = phone
    before = held(page)
    curve = page.locator(".plot svg")
    assert hand.spread(curve) > 1.2
    assert hand.spread(page.locator(".eta-grip")) > 1.2
    assert held(page) == before
    # A finger that has moved K already gives it back when the other one comes.
    hand.spread(curve, after=100)
    assert held(page) == before


def test_one_finger_drags_k_sideways_and_scrolls_up_and_down(phone):
    page, hand = phone
    before = held(page)
    curve = page.locator(".plot svg")
    assert hand.drag(curve, 0, -150) > 100
    assert held(page) == before
    assert hand.drag(curve, -80, 0) == 0
    k, eta = held(page)
    assert int(k) < int(before[0])
    assert eta == before[1]
    hand.drag(page.locator(".handle-grip"), 40, 0)
    assert int(held(page)[0]) > int(k)


@pytest.mark.slow
def test_a_finger_takes_eta_by_its_grip(phone):
    page, hand = phone
    k, eta = held(page)
    assert hand.drag(page.locator(".eta-grip"), 0, -50) == 0
    now = held(page)
    assert float(now[1]) > 10 * float(eta)
    assert now[0] == k


@pytest.mark.slow
def test_a_slider_moves_under_a_finger_but_not_when_the_page_is_scrolled_or_zoomed(phone):
    page, hand = phone
    before = held(page)
    slider = page.locator(".k-slider")
    assert hand.drag(slider, 0, -150) > 100
    assert held(page) == before
    hand.spread(slider)
    assert held(page) == before
    assert page.locator(".k-label").inner_text() == f"K = {before[0]}"
    hand.drag(slider, 60, 0)
    k = held(page)[0]
    assert int(k) > int(before[0])
    assert page.locator(".k-label").inner_text() == f"K = {k}"
    slider.press("ArrowLeft")
    assert held(page)[0] == str(int(k) - 1), "the keys move it as before"


@pytest.mark.slow
@pytest.mark.parametrize("tab", ZOOMED_OVER)
def test_two_fingers_zoom_and_one_scrolls_over_every_part_that_takes_a_pointer(phone, address, tab):
    page, hand = phone
    before = held(page)
    page.goto(f"{address}?tab={tab}")
    page.wait_for_selector("#workbench .handle", state="attached")
    for part in ZOOMED_OVER[tab]:
        target = page.locator(part).locator("visible=true").first
        target.wait_for()
        assert hand.spread(target) > 1.2, part
        assert abs(hand.drag(target, 0, -120)) > 60 or part == ".eta-grip", part
    if tab == "compare":
        assert held(page)[0] == before[0]
