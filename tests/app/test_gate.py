"""What one request may cost: parts, names and bytes are counted before Gradio reads them."""

import json
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio.routes import file_upload_statuses
from served_page import served

from app.requests.refusals import RequestRefused
from app.requests.upload_limits import UploadLimits
from app.server import gate
from app.server.bodies import LONGEST_NAME, MOST_NAMED, Uploads, check_body
from app.server.upload_parts import MOST_FIELD_BYTES, MOST_PARTS, Parts
from app.words.language import speaking


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def address(here):
    return here


def detail(answer):
    return answer.status_code, answer.json()["detail"]


def files():
    return {path for path in Path(gr.utils.get_upload_folder()).rglob("*") if path.is_file()}


def test_an_upload_of_many_parts_is_refused_and_nothing_of_it_is_kept(address):
    before = files()
    most = [("files", (f"{number}.png", b"x")) for number in range(MOST_PARTS)]
    kept = httpx.post(f"{address}/gradio_api/upload", files=most)
    assert (kept.status_code, len(kept.json())) == (200, MOST_PARTS)
    between = files()
    answer = httpx.post(f"{address}/gradio_api/upload", files=[*most, ("files", ("a.png", b"y"))])
    assert detail(answer) == (413, "A request may contain at most 32 files; send fewer at once.")
    assert files() == between
    assert len(between - before) == MOST_PARTS


@pytest.mark.parametrize("path", ["upload", "component_server"])
def test_what_comes_beside_the_files_is_bounded(address, path):
    """Gradio would copy all of a field again at each piece, and keep the name of a session."""
    fields = {"session_hash": "x" * (MOST_FIELD_BYTES + 1)}
    answer = httpx.post(
        f"{address}/gradio_api/{path}", data=fields, files={"files": ("a.png", b"x")}
    )
    assert detail(answer) == (413, "The request is larger than 10 kB; send less.")


def test_the_parts_are_told_as_they_come_whatever_the_pieces():
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    field = b'\r\n--b\r\nCONTENT-disposition: form-data; name="n"\r\n\r\n'
    body = head + b"x" * 50_000 + field + b"y" * MOST_FIELD_BYTES + b"\r\n--b--\r\n"
    for size in (1, 7, 1_000, len(body)):
        parts = Parts("multipart/form-data; boundary=b")
        for at in range(0, len(body), size):
            parts.add(body[at : at + size])
    with pytest.raises(RequestRefused, match="REQUEST_TOO_LARGE"):
        Parts("multipart/form-data; boundary=b").add(body.replace(b"y", b"yy", 1))
    for kind in (
        "multipart/form-data",
        "text/plain",
        "",
        "multipart/form-data; boundary=" + "b" * 999,
    ):
        Parts(kind).add(body)  # which Gradio refuses


def test_a_path_is_an_uploads_by_what_it_says_and_by_where_it_leads(tmp_path, monkeypatch):
    (tmp_path / "real" / "hash").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "link"))
    (tmp_path / "real" / "out").symlink_to("/etc")
    kept = Uploads()
    for folder in ("link", "real"):
        assert kept.holds(str(tmp_path / folder / "hash" / "a.png"))
        assert not kept.holds(str(tmp_path / folder / "out" / "passwd"))
        assert not kept.holds(str(tmp_path / folder / ".." / ".." / "etc"))
        assert not kept.holds(str(tmp_path / folder))
    for path in ("", "a", "/etc/passwd", "/etc/\0", "\ud800", str(tmp_path / "link" / ("a/" * 9))):
        assert not kept.holds(path)


def test_no_long_path_is_resolved(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    kept, resolved = Uploads(), []
    monkeypatch.setattr(Path, "resolve", lambda self: resolved.append(self) or self)
    for path in (f"{tmp_path}/" + "a/" * 2_000, f"{tmp_path}/" + "x" * 5_000, "a/" * 100_000):
        assert not kept.holds(path)
    assert resolved == []
    named = [{"path": f"{tmp_path}/hash/{number}.png"} for number in range(MOST_NAMED)]
    body = json.dumps({"data": named, "session_hash": "x" * LONGEST_NAME}).encode()
    assert check_body(body, kept) == "x" * LONGEST_NAME
    assert len(resolved) == MOST_NAMED


def test_the_name_of_a_session_and_of_an_upload_is_bounded(address):
    """Gradio remembers it in some ten places, thousands of times."""
    body = {"data": [], "fn_index": 0, "session_hash": "x" * (LONGEST_NAME + 1)}
    gone = (400, "The page has no such function; reload it.")
    for path in ("queue/join", "run/predict", "cancel", "component_server"):
        assert detail(httpx.post(f"{address}/gradio_api/{path}", json=body)) == gone
    for path in ("upload_progress", "upload_progress/"):
        answer = httpx.get(f"{address}/gradio_api/{path}", params={"upload_id": "x" * 1_000})
        assert answer.status_code == 414
    assert httpx.get(f"{address}/{'x' * 5_000}").status_code == 414
    assert httpx.get(f"{address}/", params={"prompt": "x" * 33_000}).status_code == 414
    assert httpx.get(f"{address}/healthz", params={"prompt": "x" * 32_000}).status_code == 200


def test_uploads_that_nobody_asks_for_again_are_forgotten(address, monkeypatch):
    monkeypatch.setattr(gate, "_MOST_PROGRESS", 3)
    for number in range(6):
        httpx.post(
            f"{address}/gradio_api/upload", params={"upload_id": f"u{number}"},
            files={"files": ("a.png", b"x")},
        )  # fmt: skip
    assert len(file_upload_statuses._statuses) <= 4
    assert len(file_upload_statuses._signals) <= 4


def test_gradios_screen_recordings_are_refused(address):
    answer = httpx.post(f"{address}/gradio_api/process_recording", files={"video": ("a", b"x")})
    assert answer.status_code == 404


def test_one_address_uploads_so_often_and_so_much_and_is_told_in_its_language(service):
    clock = Clock()
    limits = UploadLimits(3, 1, clock=clock)

    def upload(size, page=""):
        return httpx.post(
            f"{address}/gradio_api/upload", files={"files": ("a.png", b"x" * size)},
            headers={"referer": f"{address}/{page}"},
        )  # fmt: skip

    with served(service, uploads=limits) as (address, _):
        assert upload(400_000).status_code == 200
        much = upload(700_000)
        assert much.status_code == 429
        assert much.json()["detail"].startswith("Your network address may upload 1 MB an hour")
        seconds = int(much.headers["retry-after"])
        assert 300 < seconds < 500
        assert upload(1_000, "zh").status_code == 200
        assert upload(1_000, "zh").status_code == 200
        often = upload(1_000, "zh?k=3")
        assert (often.status_code, often.headers["retry-after"]) == (429, "60")
        assert often.json()["detail"].startswith("从您的网络地址每分钟最多可上传 3 个文件")
        clock.now += seconds + 20
        assert upload(700_000).status_code == 200


def test_a_drawing_is_an_upload(service):
    limits = UploadLimits(0, 1)
    with served(service, uploads=limits) as (address, _):
        statuses = [
            httpx.post(f"{address}/gradio_api/component_server", files={"a": ("a", b"x" * 400_000)})
            .status_code
            for _ in range(3)
        ]  # fmt: skip
    assert statuses[-1] == 429
    assert statuses[0] != 429


def test_an_upload_that_does_not_tell_its_size_is_counted_while_it_comes(service):
    before, limits = files(), UploadLimits(0, 1)
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'

    def pieces():
        yield head
        for _ in range(30):
            yield b"x" * 65_536
        yield b"\r\n--b--\r\n"

    with served(service, uploads=limits) as (address, _):
        answer = httpx.post(
            f"{address}/gradio_api/upload", content=pieces(),
            headers={"content-type": "multipart/form-data; boundary=b"},
        )  # fmt: skip
    assert answer.status_code == 429
    assert files() == before


def test_all_whose_address_a_proxy_hides_have_what_ten_addresses_have():
    from app.requests.visitors import Networks

    limits = UploadLimits(2, 1, Networks.behind("127.0.0.1"), Clock())
    scope = {"client": ("127.0.0.1", 5)}
    for _ in range(20):
        limits.begin(scope, 1)
    with speaking("en"), pytest.raises(RequestRefused, match="UPLOADS_TOO_OFTEN"):
        limits.begin(scope, 1)
