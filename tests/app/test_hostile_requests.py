"""Every hostile input once more, over HTTP at a running page; and behind each an ordinary one."""

import json
import socket
from pathlib import Path

import gradio as gr
import httpx
import pytest
from hostile_inputs import (
    CHOSEN,
    ELSEWHERE,
    MANY_VALUES,
    METHODS,
    NO_PICTURE,
    PROMPTS,
    REQUESTS,
    TOO_LARGE,
)
from hostile_pictures import PICTURES, SQUARES, saved
from hostile_saved import SAVED
from saved_files import Saved
from small_records import small_run, with_random_inside

from app.server.bodies import MOST_BYTES
from app.server.server import app_arguments
from app.ui import build_demo

QUESTION = "what is this ?"
MEGABYTES = 20


class Page:
    """A running page, as a program meets it that sends what it likes."""

    def __init__(self, address, demo):
        self.http = httpx.Client(base_url=f"{address}gradio_api", timeout=60)
        self.config = demo.config
        self.ordinary = self.uploaded("squares.png", saved(SQUARES, "PNG"))

    def upload(self, name, data):
        return self.http.post("upload", files={"files": (name, data)})

    def uploaded(self, name, data):
        """The file object of an upload."""
        answer = self.upload(name, data)
        assert answer.status_code == 200, answer.text
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}, "orig_name": name}

    def post(self, path, document):
        # httpx would refuse NaN and half a surrogate pair; a stranger's program does not.
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.http.post(path, content=raw, headers={"content-type": "application/json"})

    def ask(self, picture, prompt=QUESTION, method="none", length=1, model=""):
        """The status and the answer of /generate, or the sentence that refuses it."""
        sent = self.post("call/generate", {"data": [picture, prompt, method, length, model, None]})
        if sent.status_code != 200:
            return sent.status_code, sent.json()["detail"]
        told = self.http.get(f"call/generate/{sent.json()['event_id']}").text
        assert "Traceback" not in told
        kind, data = told.split("\n")[:2]
        answer = json.loads(data.removeprefix("data: "))
        return 200, answer[0] if kind == "event: complete" else answer["error"]

    def event(self, elem_id, name):
        """The number of the page's function that a component's event calls."""
        part = next(one["id"] for one in self.config["components"]
                    if one["props"].get("elem_id") == elem_id)  # fmt: skip
        return next(one for one in self.config["dependencies"]
                    if [part, name] in [list(target) for target in one["targets"]])  # fmt: skip

    def send(self, dependency, data=(), event_data=None, session="stranger"):
        """What the page's own events do: whether it went well, and what came of it."""
        values = [*data, *[None] * (len(dependency["inputs"]) - len(data))]
        sent = self.post("queue/join", {
            "data": values, "fn_index": dependency["id"], "session_hash": session,
            "event_data": event_data,
        })  # fmt: skip
        assert sent.status_code == 200, sent.text
        with self.http.stream("GET", "queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {"msg": ""}
                if message["msg"] == "process_completed":
                    return message["success"], message["output"]
        raise AssertionError("the stream ended")

    def assert_unaffected(self):
        """The next visitor is answered."""
        status, answer = self.ask(self.ordinary)
        assert isinstance(answer, dict), answer
        assert (status, len(answer["visual_tokens_per_layer"])) == (200, 4)


@pytest.fixture(scope="module")
def outside():
    """Every host that this process asks for, or speaks to, while the page runs."""
    asked, ask, speak = set(), socket.getaddrinfo, socket.socket.connect

    def looked_up(host, *rest, **more):
        asked.add(str(host))
        return ask(host, *rest, **more)

    def connected(self, address):
        asked.add(str(address[0]) if isinstance(address, tuple) else "127.0.0.1")
        return speak(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", looked_up)
        patch.setattr(socket.socket, "connect", connected)
        yield asked


@pytest.fixture(scope="module")
def page(service, outside):
    demo = build_demo(service)
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1",
        max_file_size=f"{MEGABYTES}mb", app_kwargs=app_arguments(service, upload_mb=MEGABYTES),
    )  # fmt: skip
    try:
        yield Page(address, demo)
    finally:
        demo.close()


@pytest.fixture(autouse=True)
def next_visitor(page):
    yield
    page.assert_unaffected()


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "large"])
def test_a_picture_is_answered_or_refused_in_one_sentence(page, name):
    row = PICTURES[name]
    picture = page.uploaded(row.name, row.make())
    assert Path(picture["path"]).is_relative_to(gr.utils.get_upload_folder())
    status, answer = page.ask(picture)
    assert status == 200
    if row.refused:
        assert answer == row.refused
    else:
        assert len(answer["visual_tokens_per_layer"]) == 4


def test_an_upload_over_the_limit_is_refused_and_nothing_of_it_is_kept(page):
    row = PICTURES["large"]
    assert page.upload(row.name, row.make()).status_code == 413
    assert not list(Path(gr.utils.get_upload_folder()).rglob(row.name))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_file_in_place_of_an_upload_is_refused_in_one_sentence(page, name):
    row = REQUESTS[name]
    assert page.ask(row.picture) == (row.status, row.refused or NO_PICTURE)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_is_answered_or_refused_in_one_sentence(page, name):
    row = PROMPTS[name]
    status, answer = page.ask(page.ordinary, row.value)
    assert status == 200
    if row.refused:
        assert answer == row.refused
    else:
        assert len(answer["visual_tokens_per_layer"]) == 4


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_refused_in_one_sentence(page, name):
    row = METHODS[name]
    assert page.ask(page.ordinary, QUESTION, row.value) == (200, row.refused)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_model_that_is_not_offered_is_refused_in_one_sentence(page, name):
    row = CHOSEN[name]
    status, said = page.ask(page.ordinary, model=row.value)
    if status == 400:  # a path in an object does not pass the gate
        assert said == ELSEWHERE
        return
    assert status == 200
    before, after = row.refused.split("…", 1)
    assert said.startswith(f"{before}{row.value!r}"[:100])
    assert after.removesuffix("…") in said
    assert len(said) < 250


@pytest.mark.parametrize("length", [0, -1, 10**400, 1e999, float("nan"), "4", [4], {"a": 1}, None])
def test_a_length_is_refused_in_one_sentence(page, length):
    status, said = page.ask(page.ordinary, QUESTION, "none", length)
    assert status == 200
    assert said.startswith("max_new_tokens must be a whole number from 1 to 64, not ")
    assert len(said) < 120


@pytest.fixture(scope="module")
def good_run(tmp_path_factory):
    path = with_random_inside(small_run()).save(tmp_path_factory.mktemp("run") / "x.vtw")
    return Saved.of(path.read_bytes())


# Each once as bytes in tests/core; here those that could hurt a server.
@pytest.mark.parametrize("name", ["truncated", "version", "bomb", "nesting", "nan", "beyond"])
def test_a_saved_run_is_refused_in_one_sentence(page, good_run, name):
    file = page.uploaded("x.vtw", SAVED[name].make(good_run))
    stopped = page.event("open-run", "upload")  # first the run that is on its way is stopped
    assert page.send(stopped)[0]
    opening = next(
        one for one in page.config["dependencies"]
        if one["id"] != stopped["id"] and "open_run" in str(one["api_name"])
    )  # fmt: skip
    saved = stopped["targets"][0][0]
    went_well, output = page.send(
        opening, [file if at == saved else None for at in opening["inputs"]]
    )
    assert went_well
    assert SAVED[name].sentence("x.vtw") in json.dumps(output)


FORGED = (10**30, -1, float("nan"), "2", [2], {"k": 2}, True, None)


@pytest.mark.parametrize("name", ["sinks-k", "migration-k", "every-k-k", "workbench"])
def test_a_forged_k_changes_nothing_but_k(page, name):
    moved = page.event(name, "release")
    for value in FORGED:
        assert page.send(moved, (), {"k": value})[0]
    for sent in (None, "k", [], {"k": {}}):
        assert page.send(moved, (), sent)[0]


@pytest.mark.parametrize(("part", "event", "field"), [
    ("gaze", "select", "row"), ("stages", "release", "gamma"), ("lesson", "select", "step"),
    ("lesson", "submit", "given"), ("share", "submit", "query"), ("share", "select", "query"),
    ("model-state", "submit", "name"),
])  # fmt: skip
def test_a_forged_event_of_a_component_is_answered(page, part, event, field):
    dependency = page.event(part, event)
    for value in FORGED:
        assert page.send(dependency, (), {field: value})[0]


def test_nothing_is_fetched_or_read_for_whoever_asks(page):
    for path in ("http://example.com/a.png", "https://169.254.169.254/latest"):
        answer = page.http.get(f"file={path}")
        assert (answer.status_code, answer.json()["detail"]) == (403, ELSEWHERE)
    for path in ("file=/etc/passwd", "file=assets/embedded_model/config.json", "file=app.py",
                 "file=../../../../etc/passwd", "proxy=http://example.com/"):  # fmt: skip
        answer = page.http.get(path)
        assert answer.status_code in (400, 403, 404)
        assert "root:" not in answer.text
    everywhere = {"path": "http://example.com/a", "meta": {"_type": "gradio.FileData"}}
    assert page.ask(page.ordinary, everywhere) == (400, ELSEWHERE)


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "page.xhtml", "script.js"])
def test_an_upload_that_a_browser_would_run_is_only_ever_saved(page, name):
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    answer = page.http.get(f"file={page.uploaded(name, script)['path']}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_is_bounded_whether_or_not_it_tells_its_size(page):
    too_large = b'{"data": ["' + b"x" * MOST_BYTES + b'"]}'
    for body in (too_large, (too_large[at : at + 65_536] for at in range(0, MOST_BYTES, 65_536))):
        answer = page.http.post("call/generate", content=body)
        assert (answer.status_code, answer.json()["detail"]) == (413, TOO_LARGE)
    for nested, words in ((3_000, "The request is nested too deeply."), (100_000, MANY_VALUES)):
        deep = page.post("call/generate", b"[" * nested)
        assert (deep.status_code, deep.json()["detail"]) in ((400, words), (413, words))
    for body in (b"", b"{", b"\xff", b'{"data": ' + b"9" * 5000 + b"}", b"null", b"{}"):
        assert page.post("call/generate", body).status_code in (400, 422)


def test_no_host_but_this_one_was_asked_or_spoken_to(page, outside):
    assert outside
    assert outside <= {"127.0.0.1", "localhost", "::1", "0.0.0.0"}
