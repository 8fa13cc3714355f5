"""Files that visitors open: one at a time, counted, no more of them than there is memory for."""

import gc
import threading
from pathlib import Path

import httpx
import pytest
from hostile_archives import members, whole
from PIL import Image
from saved_files import packed
from served_page import served
from small_records import small_run, with_random_inside

from app.inputs import pictures
from app.service.opened_runs import OpenedRuns, _expanded
from app.words import faults as text_faults
from vtw_core.errors import InputError

OLDER = Path(__file__).resolve().parents[1] / "older"


@pytest.fixture
def run_file(tmp_path):
    return str(with_random_inside(small_run()).save(tmp_path / "x.vtw"))


def test_runs_that_were_opened_are_held_as_long_as_somebody_has_them(run_file):
    size = _expanded(run_file)
    opened = OpenedRuns(3 * size)
    kept = [opened.open(run_file, "10.0.0.1")]
    # One address has half of it, who has none the rest.
    with pytest.raises(InputError, match=text_faults.TOO_MUCH_OPENED[:40]):
        opened.open(run_file, "10.0.0.1")
    kept += [opened.open(run_file, "10.0.0.2"), opened.open(run_file, "")]
    with pytest.raises(InputError, match=text_faults.TOO_MUCH_OPENED[:40]):
        opened.open(run_file, "10.0.0.3")
    assert opened.bytes_held == 3 * size
    kept.clear()
    gc.collect()
    assert opened.bytes_held == 0
    assert opened.open(run_file, "10.0.0.1").layers == 3


def test_what_cannot_be_opened_holds_nothing(run_file, tmp_path):
    opened, bad = OpenedRuns(), tmp_path / "bad.vtw"
    old = (OLDER / "run.vtw").read_bytes()
    parts, entry = members(old)
    for raw in (
        b"", b"PK\x05\x06" + bytes(18), whole(parts | {entry: b"{}"}), packed(b""), packed(b"")[:90]
    ):  # fmt: skip
        bad.write_bytes(raw)
        with pytest.raises(InputError):
            opened.open(str(bad), "10.0.0.1")
    assert opened.bytes_held == 0


def test_what_a_file_expands_to_is_asked_before_it_is_expanded(tmp_path):
    parts, _ = members((OLDER / "run.vtw").read_bytes())
    bomb = tmp_path / "bomb.vtw"
    for raw in (whole(parts | {"arrays.bin": bytes(10**7)}), packed(bytes(10**7 + 1))):
        bomb.write_bytes(raw)
        with pytest.raises(InputError, match=text_faults.TOO_MUCH_OPENED[:40]):
            OpenedRuns(10**7).open(str(bomb), "")


def test_runs_are_opened_one_at_a_time_through_the_queue(built):
    opening = [fn for fn in built.fns.values() if "open_run" in str(fn.api_name)]
    assert {(fn.queue, fn.concurrency_id, fn.concurrency_limit) for fn in opening} == {
        (True, "opening", 1)
    }
    saving = [fn for fn in built.fns.values() if fn.queue and str(fn.api_name).startswith(
        ("save", "write", "_save"))]  # fmt: skip
    assert len(saving) > 50
    assert {(fn.concurrency_id, fn.concurrency_limit) for fn in saving} == {("files", 2)}


def test_no_run_is_opened_past_the_queue(service):
    with served(service) as (address, demo):
        at = next(i for i, fn in demo.fns.items() if "open_run" in str(fn.api_name))
        answer = httpx.post(
            f"{address}/gradio_api/run/predict",
            json={"data": [None] * 3, "fn_index": at, "session_hash": "a"},
        )
    assert answer.status_code == 404


def test_one_picture_is_open_at_a_time_and_its_thumbnail_is_kept(tmp_path, monkeypatch):
    path, open_now, most = tmp_path / "a.png", [], []
    Image.new("RGB", (40, 30), "red").save(path)
    load = pictures.load_image

    class Watched:
        def __init__(self, picture):
            self.picture = picture

        def thumbnail(self, size):
            open_now.append(1)
            most.append(len(open_now))
            threading.Event().wait(0.01)
            self.picture.thumbnail(size)

        def save(self, *arguments, **options):
            self.picture.save(*arguments, **options)
            open_now.pop()

    monkeypatch.setattr(pictures, "load_image", lambda path: Watched(load(path)))
    threads = [
        threading.Thread(target=pictures.thumbnail, args=(str(path), size)) for size in range(8, 16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    assert pictures.thumbnail(str(path), 8) == pictures.thumbnail(str(path), 8)
    assert len(most) == 8
    Image.new("RGB", (40, 30), "blue").save(path)
    pictures.thumbnail(str(path), 8)
    assert len(most) == 9
    assert pictures.thumbnail(str(tmp_path / "none.png")) is None
