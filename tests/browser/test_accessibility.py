"""Every tab in both themes and both languages, checked by axe-core: no finding but known ones."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import BROWSER_WAIT
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow

GRAVE = ("moderate", "serious", "critical")


def tabs_of_the_page(page: Page):
    # The first list of tabs on the page is its own; those inside of tabs follow.
    return page.get_by_role("tablist").first.get_by_role("tab")


def findings(page: Page, rules: list[str] | None) -> list[str]:
    options = {"runOnly": rules} if rules else {}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("path", "theme", "rules"),
    [("", "light", None), ("", "dark", ["color-contrast"]), ("/zh", "light", ["heading-order"])],
)
def test_no_tab_has_a_grave_finding(page: Page, address: str, path: str, theme: str, rules):
    page.goto(f"{address}{path}?__theme={theme}")
    page.wait_for_selector("#workbench .handle")
    tabs = tabs_of_the_page(page)
    assert tabs.count() >= 6
    for at in range(tabs.count()):
        tabs.nth(at).click()
        expect(tabs.nth(at)).to_have_attribute("aria-selected", "true")
        if page.locator(".chart-part:visible").count():
            expect(page.locator(".chart-part:visible figure").first).to_be_visible(
                timeout=BROWSER_WAIT
            )
        assert findings(page, rules) == [], tabs.nth(at).inner_text()
