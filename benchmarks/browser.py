"""``python -m benchmarks.browser``: how fast the page is for the person in front of it.

Starts the page, drives it in headless Chromium and reports times, bytes and frames, medians of a
few visits. They are of this machine, with server and browser on it: no network is between them.
``--dry`` prints and changes no file; needs `chromium` and the development requirements.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.machine import machine
from benchmarks.report import put_between
from benchmarks.serving import Server
from vtw_core.files.replacing import replace_file

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("browser.json")
DOCUMENT = ROOT / "docs" / "performance.md"
START, END = "<!-- browser: made by `make bench-browser` -->", "<!-- end of browser -->"
_QUESTION = "describe the image."
_WAIT = 60_000  # milliseconds
_DRAG_STEPS = 90

# Noted by the page itself, so that no polling of ours delays a time.
_WATCH = """() => {
  window.seen = {};
  const note = (name) => { window.seen[name] ??= performance.now(); };
  const look = () => {
    const bench = document.querySelector('#workbench .vtw');
    const answer = document.querySelector('#workbench .baseline .text');
    if (bench?.dataset.phase === 'running') {
      note('running');
      if (answer?.textContent.trim() && !answer.classList.contains('waiting')) note('token');
    }
    if (bench?.dataset.phase === 'done' && window.seen.running) note('done');
    requestAnimationFrame(look);
  };
  document.querySelector('#run').addEventListener('click', () => note('click'), true);
  look();
}"""
_COUNT_FRAMES = """() => {
  window.frames_at = [];
  const frame = (at) => {
    window.frames_at.push(at);
    window.counting = requestAnimationFrame(frame);
  };
  window.counting = requestAnimationFrame(frame);
}"""


def _bytes_sent(page: Page) -> list[int]:
    """Grows by what each response brings, as it came over the wire."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.dataReceived", lambda e: sizes.append(e["encodedDataLength"]))
    return sizes


def visit(browser: Browser, address: str) -> dict[str, float]:
    """One visitor with an empty cache: opens the page, requests a description, drags K."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(_WAIT)
    sizes = _bytes_sent(page)
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#workbench .handle")
    page.wait_for_function(
        "document.querySelector('#picture img')?.complete"
        " && document.querySelector('#workbench .withdrawn .text')?.textContent"
    )
    measured: dict[str, float] = {"open_s": time.perf_counter() - start}
    page.wait_for_timeout(1500)  # Gradio keeps a stream open, so the network is never idle
    measured["open_bytes"] = sum(sizes)

    sizes.clear()
    page.fill("#question textarea, #question input", _QUESTION)
    page.evaluate(_WATCH)
    page.click("#run")
    page.wait_for_function("window.seen.done")
    page.wait_for_timeout(300)
    seen = page.evaluate("window.seen")
    measured["run_to_first_token_s"] = (seen["token"] - seen["click"]) / 1000
    measured["run_to_figures_s"] = (seen["done"] - seen["click"]) / 1000
    measured["run_bytes"] = sum(sizes)

    measured |= _drag(page)
    context.close()
    return measured


def _drag(page: Page) -> dict[str, float]:
    """Frames while K is dragged once to and fro over the whole curve."""
    page.locator("#workbench .plot").scroll_into_view_if_needed()
    handle = page.locator("#workbench .handle").bounding_box()
    plot = page.locator("#workbench .plot").bounding_box()
    assert handle is not None
    assert plot is not None
    y = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    page.evaluate(_COUNT_FRAMES)
    for step in range(_DRAG_STEPS):
        share = abs(2 * step / _DRAG_STEPS - 1)
        page.mouse.move(plot["x"] + plot["width"] * (0.05 + 0.9 * share), y)
    at = page.evaluate("() => { cancelAnimationFrame(window.counting); return window.frames_at; }")
    page.mouse.up()
    gaps = sorted(after - before for before, after in pairwise(at))
    return {
        "drag_frame_ms": statistics.median(gaps),
        "drag_slowest_frame_ms": gaps[-1],
        "drag_frames": len(gaps),
    }


def measure(visits: int) -> dict[str, Any]:
    """Medians over visits to one server; its start is measured once."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not on the PATH; install it (Debian: apt install chromium).")
    with Server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        visit(browser, server.address)  # warms the model up
        rounds = [visit(browser, server.address) for _ in range(visits)]
        browser.close()
    medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    return {
        "machine": machine(),
        "visits": visits,
        "server_answers_s": server.answered_after,
        **medians,
    }


def section(result: dict[str, Any]) -> str:
    """Markdown between the two markers of docs/performance.md."""
    facts = result["machine"]
    rows = (
        ("server answers, from its start", "{server_answers_s:.1f} s"),
        ("page complete, cold cache", "{open_s:.1f} s, {open_mb:.1f} MB"),
        ("Run to first token on the screen", "{run_to_first_token_s:.2f} s"),
        ("Run to all figures", "{run_to_figures_s:.2f} s, {run_kb:.0f} kB"),
        ("frames while K is dragged, median and slowest",
         "{drag_frame_ms:.0f} ms, {drag_slowest_frame_ms:.0f} ms"),
    )  # fmt: skip
    numbers = {
        **result,
        "open_mb": result["open_bytes"] / 1e6,
        "run_kb": result["run_bytes"] / 1e3,
    }
    return "\n".join(
        [
            START,
            f"The page with the embedded model, asked to describe a picture; headless Chromium and "
            f"server on one machine ({facts['cores']} cores of {facts['processor']}), medians of "
            f"{result['visits']} visits. Frames are drawn without a GPU, 16.7 ms apart at best.",
            "",
            "| what | measured |",
            "| --- | ---: |",
            *(f"| {what} | {form.format(**numbers)} |" for what, form in rows),
            END,
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="change no file")
    arguments = parser.parse_args()
    result = measure(arguments.visits)
    print(json.dumps(result, indent=1))
    if not arguments.dry:
        replace_file(RESULTS, json.dumps(result, indent=1) + "\n")
        put_between(DOCUMENT, START, END, section(result))


if __name__ == "__main__":
    main()
