"""Nothing jumps under the reader: layout shifts as the browser itself counts them."""

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)

MOST = 0.05  # of the screen, times how far: half of what is taken for good on a whole visit
# Gradio's own sign of loading, which stands alone on the screen, moves once.
_WATCH = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) {
      const parts = shift.sources.map(({ node }) => String(node?.id || node?.className || ''));
      if (!parts.some((part) => /translucent|loading/.test(part))) {
        window.shifts.push([shift.value, parts.join(', ')]);
      }
    }
  }).observe({ type: 'layout-shift', buffered: true });
"""
# Tab -> what has been drawn when it is all there.
DRAWN = {
    "Every K": "#every-k-kl figure",
    "Attention sinks": "#sinks-mass figure",
    "Information migration": "#migration-joint figure",
    "Methods": "#methods-run",
    "Equal budget": "#budget-pareto figure",
    "Calibrate": "#calibrate-kl figure",
    "What the numbers mean": ".prose-wide h2",
    "Compare": "#workbench .handle",
}


@pytest.fixture(params=[(1440, 900)], ids=str)
def watched(browser, address, request):
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(BROWSER_WAIT)
    page.add_init_script(_WATCH)
    page.goto(address)
    page.wait_for_selector("#workbench .handle")
    expect(page.locator("#model-state")).to_contain_text("is ready")
    yield page
    page.close()


def shifts(page) -> list:
    """What has shifted since this was asked last, when two more frames have been drawn."""
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    return [one for one in page.evaluate("window.shifts.splice(0)") if one[0] > MOST]


def test_the_page_opens_runs_and_shows_its_tabs_without_a_jump(watched):
    assert shifts(watched) == []
    watched.fill("#question textarea", "describe the image.")
    watched.click("#run")
    expect(watched.locator("#workbench .facts")).to_contain_text("your run")
    expect(watched.locator("#run")).to_be_enabled()
    assert shifts(watched) == []
    tabs = watched.get_by_role("tablist").first
    for name, drawn in DRAWN.items():
        tabs.get_by_role("tab", name=name, exact=True).click()
        expect(watched.locator(drawn).first).to_be_visible()
        assert shifts(watched) == [], name


@pytest.mark.parametrize("watched", [(390, 844), (768, 1024)], ids=str, indirect=True)
def test_a_run_on_a_narrow_screen_moves_nothing(watched):
    watched.fill("#question textarea", "describe the image.")
    # What the opening moved is not asked here, nor is the way down to the results.
    watched.evaluate("document.querySelector('#workbench').scrollIntoView()")
    shifts(watched)
    watched.evaluate("document.querySelector('#run').click()")
    expect(watched.locator("#workbench .facts")).to_contain_text("your run")
    expect(watched.locator("#run")).to_be_enabled()
    assert shifts(watched) == []
    assert watched.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_later_visitor_is_never_told_that_the_model_is_being_loaded(watched, address):
    page = watched.context.browser.new_page()
    page.add_init_script(
        "window.told = []; new MutationObserver(() => {"
        "const line = document.querySelector('#model-state .prose');"
        "if (line) window.told.push(line.textContent.trim());"
        "}).observe(document, { subtree: true, childList: true, characterData: true });"
    )
    page.goto(address)
    expect(page.locator("#model-state")).to_contain_text("is ready")
    told = set(page.evaluate("window.told"))
    assert told <= {"", "The model embedded is ready."}
    page.close()
