"""The page as a process of its own, and how much memory it holds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
_WAIT = 600.0  # seconds; a bound on a busy machine, where importing torch alone takes a minute


class Server:
    """``python app.py`` on this machine alone, on a free port; for a ``with``, and ready in it.

    Ended, it may be started again: on the same port where ``program`` names one, with the same
    uploads.

    Attributes:
        address: of the page, without a slash at its end.
        answered_after: seconds from the start of the process to the page's first answer.

    Args:
        variables: of the environment, such as VTW_QUEUE.
        program: what Python runs in place of app.py.
    """

    def __init__(
        self, variables: Mapping[str, str] | None = None, program: tuple[str, ...] = ("app.py",)
    ) -> None:
        # A page that ends deletes what was uploaded to it, also from under another one.
        self._folder = tempfile.TemporaryDirectory()
        self._log = Path(self._folder.name, "log")
        self._environment = {
            **os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1",
            # Visitors of many addresses are played from this machine.
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
            "GRADIO_TEMP_DIR": f"{self._folder.name}/uploads", **(variables or {}),
        }  # fmt: skip
        self._environment.pop("GRADIO_SERVER_PORT", None)
        self._program = program
        self.address = ""
        self.answered_after = 0.0

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._folder.cleanup()

    def start(self) -> None:
        """Start the process, and wait until its model is there."""
        self.address = ""
        self._start = time.perf_counter()
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._program, "--host", "127.0.0.1"],
                cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=self._environment,
            )  # fmt: skip
        try:
            self._until_ready()
        except BaseException:
            self.end(signal.SIGKILL)
            raise

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the process a signal, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def health(self) -> tuple[int, str]:
        """Status and what it says of itself."""
        answer = httpx.get(f"{self.address}/healthz", timeout=_WAIT)
        return answer.status_code, answer.json()["status"]

    def resident_mb(self) -> float:
        """Resident memory in megabytes (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _until_ready(self) -> None:
        until = time.monotonic() + _WAIT
        while time.monotonic() < until and self.process.poll() is None:
            if not self.address:
                self._note_first_answer()
            elif self.health()[1] != "loading":
                return
            time.sleep(0.2 if self.address else 0.02)
        raise RuntimeError(f"the page did not start:\n{self.log}")

    def _note_first_answer(self) -> None:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.log)
        if found:
            httpx.get(found[0], timeout=_WAIT).raise_for_status()
            self.address, self.answered_after = found[0], time.perf_counter() - self._start
