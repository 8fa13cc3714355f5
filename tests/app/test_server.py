"""What the web server adds to the page, and the files that put it into a container."""

import json
import re
import types
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.server.bodies import MOST_BYTES
from app.server.gate import Gate
from app.server.server import HEADERS, app_arguments
from app.server.uploads import MOST_FILES

ROOT = Path(__file__).resolve().parent.parent.parent


def client(state="ready", environment=()):
    service = types.SimpleNamespace(state=state, model_name="embedded")
    app = FastAPI(**app_arguments(service, dict(environment)))

    @app.get("/pieces")
    def pieces():
        return StreamingResponse(iter([b"one ", b"two"]))

    @app.get("/{anything:path}")
    def page(anything):
        return {"page": anything}

    return TestClient(app)


@pytest.mark.parametrize(
    ("state", "status"), [("loading", 200), ("ready", 200), ("failed", 503)]
)  # fmt: skip
def test_the_health_check_says_how_far_the_model_is(state, status):
    answer = client(state).get("/healthz")
    assert answer.status_code == status
    assert answer.json() == {"status": state, "model": "embedded"}


def test_every_response_carries_the_headers_and_streams_pass_through():
    for path in ("/", "/healthz", "/pieces"):
        answer = client().get(path)
        assert HEADERS.items() <= {k.title(): v for k, v in answer.headers.items()}.items()
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert client().get("/pieces").text == "one two"


def test_on_spaces_the_frame_around_the_page_may_bring_its_own_script():
    answer = client(environment={"SPACE_ID": "somebody/vtw"}.items()).get("/")
    assert "content-security-policy" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_services_state_follows_its_model(service):
    assert service.wait(60)
    assert service.state == "ready"


def test_all_that_the_container_copies_is_there_and_not_ignored():
    copied = re.findall(r"^COPY --chown=user (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    sources = " ".join(copied).split()
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"app.py", "app", "vtw_core", "assets", "docs/quantities.md"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in allowed


def test_a_space_is_given_the_gradio_that_was_tested():
    named = re.search(r"^sdk_version: (.+)$", (ROOT / "README.md").read_text(), re.M)[1]
    assert f"\ngradio=={named}\n" in (ROOT / "constraints.txt").read_text()


def test_an_upload_that_does_not_tell_its_size_is_cut_off():
    seen = []

    async def counts(scope, receive, send):
        while True:
            seen.append(len((await receive())["body"]))

    gated = TestClient(Gate(counts, upload_mb=1))
    limit = MOST_FILES * 2**20 + MOST_BYTES
    piece = b"x" * 2**20
    answers = (
        gated.post("/upload", content=(piece for _ in range(40))),
        gated.post("/upload", content=b"x" * (limit + 1)),
    )
    assert sum(seen) <= limit
    words = "The request is larger than 8.645 MB; send less."
    assert [(one.status_code, one.json()["detail"]) for one in answers] == [(413, words)] * 2


def test_what_the_page_is_made_of_is_plain_data(built, service):
    """Gradio copies it for every visitor: an event or a service among it would be copied too."""
    sent = built.get_config_file()
    for component in sent["components"]:
        component["props"].pop("delete_callback", None)  # of every gr.State
    json.dumps(sent)


def test_whether_the_page_is_there_is_told_without_making_it(service):
    arguments = app_arguments(service)
    made = []
    page = Route("/", lambda request: made.append(request) or PlainTextResponse("page"))
    app = Starlette(routes=[*arguments["routes"], page], middleware=arguments["middleware"])
    client = TestClient(app)
    answer = client.head("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert made == []
    assert client.get("/").text == "page"


def test_an_event_whose_progress_is_hidden_tells_no_part_of_the_page_its_status(built):
    """The browser would tell all outputs of all events, each time, and copy all that is in them."""
    config = built.get_config_file()
    hidden = [each for each in config["dependencies"] if each["show_progress"] == "hidden"]
    assert len(hidden) > 100
    assert all(each["show_progress_on"] == [] for each in hidden)
