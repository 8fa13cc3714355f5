"""The page behind a reverse proxy that gives it a prefix, walked in both languages."""

from urllib.parse import urlsplit

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect
from served_page import served
from small_proxy import behind_proxy

from app.service.service import Service

pytestmark = pytest.mark.slow

PREFIX = "/some/where"

expect.set_options(timeout=BROWSER_WAIT)


@pytest.fixture(scope="module")
def outside():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        with served(Service()) as (address, _), behind_proxy(address, PREFIX) as page:
            yield page


def test_a_visit_in_both_languages_stays_inside_the_prefix(browser, outside):
    address, asked = outside
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    path = lambda: urlsplit(page.url).path  # noqa: E731

    page.goto(f"{address}/zh/?example=describe&k=7")
    page.wait_for_selector("#workbench .handle", state="attached")
    assert path() == f"{PREFIX}/zh"
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("tab").nth(1).click()
    page.wait_for_function("location.search.includes('tab=')")
    page.locator("#language a").click()
    page.wait_for_function("document.documentElement.lang === 'en'")
    page.wait_for_selector("#workbench .handle", state="attached")
    assert path() == f"{PREFIX}/"
    assert "example=describe" in page.url
    page.locator("#language a").click()
    page.wait_for_function("document.documentElement.lang === 'zh-CN'")
    assert path() == f"{PREFIX}/zh"
    # The remembered language, for who comes to the prefix alone.
    page.goto(f"{address}/")
    page.wait_for_function("document.documentElement.lang === 'zh-CN'")
    assert path() == f"{PREFIX}/zh"
    page.wait_for_selector("#workbench .handle", state="attached")
    context.close()
    assert errors == []
    assert [one for one in asked if not one.startswith(f"{PREFIX}/")] == []
