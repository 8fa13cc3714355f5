"""A disk that is full, or that nobody may write to: one sentence, and the page stays alive."""

import asyncio
import errno
import io
import os
import resource
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import pytest
from built_tabs import built, ran
from PIL import Image
from served_page import served

from app.requests import faults
from app.requests.faults import DiskError, check_uploads, on_disk
from app.sections import downloads
from app.sections.saved_run import write_run
from app.state import Visitor
from app.tabs.compare import Compare
from app.words import faults as text_faults
from benchmarks.load.page import Page, Refused
from vtw_core.errors import InputError

ROOT = Path(__file__).resolve().parent.parent.parent
SENTENCES = {
    errno.ENOSPC: "DISK_FULL", errno.EDQUOT: "DISK_FULL", errno.EFBIG: "DISK_FULL",
    errno.EROFS: "DISK_CLOSED", errno.EACCES: "DISK_CLOSED", errno.EIO: "DISK_CLOSED",
    errno.ENOENT: "DISK_CLOSED",
}  # fmt: skip


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """The folder for uploads, not made yet."""
    folder = tmp_path_factory.mktemp("disk") / "uploads"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@contextmanager
def little_room(size=200_000):
    """No file of this process may grow beyond ``size`` bytes: the system refuses it for real."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def png(noise=0):
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "PNG")
    return out.getvalue() + os.urandom(noise)


@pytest.fixture(scope="module")
def page(service, uploads):
    with served(service) as (address, _):
        yield address


async def told(page, elem_id):
    try:
        await page.do(elem_id, "click")
    except Refused as refused:
        return refused.words
    return ""


def test_an_upload_and_a_report_that_find_no_room_are_refused_and_the_page_lives(page, uploads):
    async def visit():
        visitor = Page(page)
        await visitor.open()
        with little_room():
            with pytest.raises(Refused) as refused:
                await visitor.upload("picture", "large.png", png(noise=5_000_000))
            report = await told(visitor, "save-report")
        parts = [path for path in uploads.iterdir() if path.is_file()]
        await visitor.upload("picture", "small.png", png())
        visitor.put("question", "what is this ?")
        later = await told(visitor, "save-report")
        await visitor.do("run", "click")
        shown = visitor.value("workbench")
        await visitor.close()
        return refused.value, report, parts, later, shown

    refused, report, parts, later, shown = asyncio.run(visit())
    assert (refused.status, refused.words) == (507, text_faults.DISK_FULL)
    assert report == text_faults.DISK_FULL
    assert parts == []
    assert later == ""
    assert (shown["phase"], shown["notice"]) == ("done", None)


def test_an_upload_that_is_broken_off_leaves_nothing(page, uploads):
    host, port = page.removeprefix("http://").split(":")
    begun = (
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        b'Content-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    )

    def parts():
        return [path for path in uploads.glob("tmp*") if path.is_file()]

    async def until(condition):
        for _ in range(1200):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it did not happen")

    with socket.create_connection((host, int(port))) as sender:
        sender.sendall(begun + b"x" * 200_000)
        asyncio.run(until(parts))
    asyncio.run(until(lambda: not parts()))


def test_the_folder_of_uploads_may_vanish_and_comes_again(page, uploads):
    async def visit():
        visitor = Page(page)
        await visitor.open()
        subprocess.run(["rm", "-r", str(uploads)], check=True)
        await visitor.upload("picture", "small.png", png())
        visitor.put("question", "what is this ?")
        await visitor.do("run", "click")
        subprocess.run(["rm", "-r", str(uploads)], check=True)
        saved = await told(visitor, "save-run")
        await visitor.close()
        return visitor.value("workbench"), saved

    shown, saved = asyncio.run(visit())
    assert (shown["phase"], shown["notice"], saved) == ("done", None, "")


@pytest.mark.parametrize("number", SENTENCES)
def test_every_failure_to_write_is_one_sentence(monkeypatch, run, number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number), "/secret/path")

    sentence = getattr(text_faults, SENTENCES[number])
    monkeypatch.setattr(downloads, "keep_file", fail)
    with pytest.raises(DiskError) as refused:
        downloads.cached(b"x", "x.csv")
    assert str(refused.value) == sentence
    with pytest.raises(gr.Error) as shown:
        faults.raising_refusals(write_run)(Visitor(run=run))
    assert shown.value.message == sentence


def test_a_run_that_cannot_be_saved_says_no_more_than_that(monkeypatch, run, tmp_path):
    with pytest.raises(DiskError) as refused, on_disk():
        run.save(tmp_path / "nowhere" / "run.vtw")
    assert str(refused.value) == text_faults.DISK_CLOSED
    with pytest.raises(InputError, match="another"), on_disk():
        raise InputError("another error stays what it is")


def test_a_drawing_that_cannot_be_kept_is_said_on_the_page(service, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads, "keep_file", fail)
    tab = built(Compare, service)
    told = ran(tab, drawing=png(), prompt="what ?", is_drawing=True, visitor=Visitor())
    assert told[-1][tab.bench]["notice"] == {"kind": "error", "text": text_faults.DISK_FULL}


def test_a_folder_for_uploads_is_made(tmp_path, monkeypatch):
    folder = tmp_path / "a" / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    check_uploads()
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_without_a_folder_for_uploads_the_page_does_not_start():
    environment = {**os.environ, "GRADIO_TEMP_DIR": "/proc/no/uploads"}
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, text=True,
                          capture_output=True, timeout=120)  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("app.py: error: /proc/no/uploads cannot be ")
    assert "set GRADIO_TEMP_DIR to a folder for uploads." in done.stderr


def test_what_happens_does_not_depend_on_the_clock_of_the_wall(page, monkeypatch, service, image):
    """It jumps by a day, forwards or back, whenever anybody looks."""
    import time

    true, looks = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: true() + 86_400 * (-1) ** next(looks))

    async def visit():
        visitor = Page(page)
        await visitor.open()
        await visitor.upload("picture", "small.png", png())
        visitor.put("question", "what is this ?")
        await visitor.do("run", "click")
        shown = visitor.value("workbench")
        await visitor.close()
        return shown

    shown = asyncio.run(visit())
    assert (shown["phase"], shown["notice"]) == ("done", None)
    seconds = [one[name] for one in shown["costs"] for name in ("prefill", "decode")]
    assert all(0 <= one < 3600 for one in seconds)
    run = service.explored(image_file(image), "what is this ?", 2)
    assert 0 < run.seconds.total < 3600
    assert service.limits.sessions.seconds_to_wait("anybody") == 0
    assert next(looks) > 10


def image_file(image):
    path = Path(gr.utils.get_upload_folder()) / "image.png"
    image.save(path)
    return str(path)
