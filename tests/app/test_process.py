"""The page as the process that it is: whom it speaks to, and how it ends."""

import asyncio
import io
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from app.words import page as text
from benchmarks.load.page import Page, Watch
from benchmarks.serving import Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
STOPPING = text.STOPPING
LONG = 300


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    return tmp_path_factory.mktemp("watched") / "hosts"


@pytest.fixture(scope="module")
def server(hosts):
    """The real page; HF_HUB_OFFLINE does not keep it from anything."""
    variables = {"VTW_HOSTS": str(hosts), "HF_HUB_OFFLINE": "0"}
    with Server(variables, program=("tests/watched_app.py",)) as server:
        yield server


def picture():
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "PNG")
    return out.getvalue()


async def until(condition, task):
    for _ in range(LONG * 20):
        if condition():
            return
        assert not task.done(), task.result()
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


def test_a_visit_a_run_and_a_comparison_speak_to_no_other_machine(server, hosts):
    async def visit():
        page = Page(server.address)
        await page.open()
        await page.upload("picture", "red.png", picture())
        page.put("question", "what color is the circle ?")
        await page.do("run", "click")
        await page.do("methods-run", "click")
        await page.close()
        return page.value("workbench"), page.value("methods-answers")

    run, compared = asyncio.run(visit())
    assert (run["phase"], compared["phase"]) == ("done", "done")
    # Asked for by name: what the process itself listens to.
    asked = set(hosts.read_text().split())
    assert asked
    assert asked <= {"127.0.0.1", "localhost", "::1", "0.0.0.0"}


def test_the_watch_hears_who_is_spoken_to(tmp_path):
    heard = tmp_path / "hosts"
    code = (
        "import os, socket, sys; sys.path.insert(0, 'tests'); import watched_app;"
        f"watched_app.watch(os.open({str(heard)!r}, os.O_WRONLY | os.O_CREAT));"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9));"
        "s.sendto(b'', ('192.0.2.2', 9)) if sys.platform == 'linux' else None"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=LONG)
    assert heard.read_text().split()[0] == "192.0.2.1"


def test_a_stop_lets_everybody_know_and_the_process_go(server):
    """Runs last, since it ends the server."""

    async def stopped():
        running, waiting, late = (Page(server.address) for _ in range(3))
        for page in (running, waiting, late):
            await page.open()
        watch, second = Watch(), Watch()
        first = asyncio.create_task(running.do("calibrate-bundled", "click", watch))
        await until(lambda: watch.events > 2, first)
        behind = asyncio.create_task(waiting.do("run", "click", second))
        await until(lambda: second.joined, behind)
        server.process.send_signal(signal.SIGTERM)
        for _ in range(LONG * 20):
            health = server.health()
            if health != (200, "ready"):
                break
            await asyncio.sleep(0.05)
        comes_late = asyncio.create_task(late.do("run", "click"))
        # What a page asks for behind its answer may come too late.
        await asyncio.gather(first, behind, comes_late, return_exceptions=True)
        told = (running.value("calibrate-status"), waiting.value("workbench")["notice"]["text"],
                late.value("workbench")["notice"]["text"])  # fmt: skip
        for page in (running, waiting, late):
            await page.close()
        return health, told

    health, (calibration, *runs) = asyncio.run(stopped())
    assert health == (503, "stopping")
    assert STOPPING in calibration
    assert runs == [STOPPING, STOPPING]
    assert server.process.wait(LONG) == 0
    assert "Traceback" not in server.log
    with pytest.raises(httpx.ConnectError):
        server.health()


# A page whose last visitor never gets his answer.
_NEVER_IDLE = """
import types
from app.service.stopping import Stopping, serve_until_stopped

class Requested(Stopping):
    asked = 0
    @property
    def is_asked(self):
        if not self.asked:
            print("listens", flush=True)
        self.asked += 1
        return super().is_asked

class Queue(list):
    def get_active_worker_count(self):
        return 1

demo = types.SimpleNamespace(_queue=Queue(), close=lambda verbose: None)
serve_until_stopped(demo, Requested())
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(second):
    process = subprocess.Popen(
        [sys.executable, "-c", _NEVER_IDLE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "listens\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline().startswith("Stopping:")
        process.send_signal(second)
        assert process.wait(LONG) == -second
    finally:
        process.kill()
        process.stdout.close()
