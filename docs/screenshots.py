"""Take the README's screenshots of a running page: ``python docs/screenshots.py ADDRESS``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

VIEWS = (
    ("page-light", "light", 1440, 1000, False),
    ("page-dark", "dark", 1440, 1000, False),
    ("page-phone", "light", 390, 844, True),
)


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, theme, width, height, results in VIEWS:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{address}/?__theme={theme}")
            page.wait_for_selector("#workbench .handle")
            page.wait_for_timeout(1000)
            if results:  # on a phone the results stand below the fold
                page.evaluate("document.querySelector('#workbench').scrollIntoView()")
                page.wait_for_timeout(300)
            page.screenshot(path=Path(__file__).parent / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
