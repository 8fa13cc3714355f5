"""``python -m docs.screenshots FOLDER``: every tab of the page as pictures, to be looked at.

Starts the page, then takes each tab in light and dark at the widths and in the requested languages;
says which of them is wider than its screen, and ends with status 1 if one is.
``--readme`` takes the README's four pictures into docs/ instead. Needs `chromium`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app.ui import TABS
from app.words.language import LANGUAGES
from benchmarks.serving import Server
from vtw_core.files.replacing import replace_file

WIDTHS = {1440: 900, 1024: 768, 768: 1024, 390: 844}
THEMES = ("light", "dark")
README_VIEWS = (
    ("page-light", "", "light", 1440, 1000, False),
    ("page-dark", "", "dark", 1440, 1000, False),
    ("page-phone", "", "light", 390, 844, True),
    ("page-zh", "zh", "light", 1440, 1000, False),
)
_DOCS = Path(__file__).parents[1]
_WAIT = 60_000  # milliseconds


def settled(page: Page) -> None:
    """Wait until the model is ready and every chart in sight has been drawn."""
    page.wait_for_selector("#workbench .handle", state="attached")
    page.wait_for_function(
        "/\\S/.test(document.querySelector('#model-state').textContent) &&"
        " !/being loaded|正在加载/.test(document.querySelector('#model-state').textContent)"
    )
    page.wait_for_timeout(1000)
    page.wait_for_function(
        "[...document.querySelectorAll('.chart-part figure:has(.exports :nth-child(2)) .drawing')]"
        ".every((part) => !part.offsetParent || part.querySelector('svg')"
        " || part.getBoundingClientRect().top > innerHeight)"
    )
    page.wait_for_timeout(700)


def whole(page: Page, width: int) -> None:
    """Make the window as tall as the page: charts are drawn when they come near the screen."""
    tall, before = page.evaluate("document.documentElement.scrollHeight"), 0
    while tall > before:
        page.set_viewport_size({"width": width, "height": tall})
        settled(page)
        tall, before = page.evaluate("document.documentElement.scrollHeight"), tall


def every_tab(
    browser: Browser, address: str, folder: Path, widths: list[int], languages: list[str]
) -> Iterator[str]:
    """Take each tab, whole; yields those that are wider than their screen, in words."""
    for language in languages:
        path = LANGUAGES[language].path
        for theme in THEMES:
            for width in widths:
                page = browser.new_page(viewport={"width": width, "height": WIDTHS[width]})
                page.set_default_timeout(_WAIT)
                for tab in TABS:
                    page.goto(f"{address}/{path}?tab={tab.id}&__theme={theme}")
                    settled(page)
                    name = f"{language}-{theme}-{width}-{tab.id}"
                    whole(page, width)
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    if wide > width:
                        yield f"{name} is {wide} pixels wide"
                    replace_file(folder / f"{name}.png", page.screenshot(full_page=True))
                    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
                page.close()


def for_readme(browser: Browser, address: str) -> None:
    for name, path, theme, width, height, results in README_VIEWS:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(f"{address}/{path}?__theme={theme}")
        settled(page)
        if results:  # on a phone the results are below the fold
            page.evaluate("document.querySelector('#workbench').scrollIntoView()")
            page.wait_for_timeout(300)
        replace_file(_DOCS / f"{name}.png", page.screenshot())
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m docs.screenshots", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    parser.add_argument("--widths", type=int, nargs="+", choices=list(WIDTHS), default=[1440, 390])
    parser.add_argument("--languages", nargs="+", choices=list(LANGUAGES), default=["en"])
    parser.add_argument("--readme", action="store_true", help="only the README's pictures")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not on the PATH; install it (Debian: apt install chromium).")
    with Server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        if arguments.readme:
            for_readme(browser, server.address)
            return
        arguments.folder.mkdir(parents=True, exist_ok=True)
        too_wide = []
        for words in every_tab(
            browser, server.address, arguments.folder, arguments.widths, arguments.languages
        ):
            print(words)
            too_wide.append(words)
    taken = len(list(arguments.folder.glob("*.png")))
    print(f"{taken} pictures in {arguments.folder}, {len(too_wide)} of them too wide")
    if too_wide:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
