"""The app as `python app.py` starts it, once for all browser tests, and a new visitor for each."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60_000  # milliseconds; generous, since machines are shared: no test measures time


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The app in a process of its own, on a free port."""
    log = tmp_path_factory.mktemp("app") / "log"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("GRADIO_SERVER_PORT", None)
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "app.py", "--host", "127.0.0.1"],
            cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
    try:
        found = None
        for _ in range(600):
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
            if found or process.poll() is not None:
                break
            time.sleep(0.2)
        assert found, log.read_text()
        yield found[0]
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def page(browser, address):
    """A new visitor on the opened page; a script error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#workbench .handle")
    yield page
    context.close()
    assert errors == []
