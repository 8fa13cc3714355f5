"""A page that the server has forgotten is told so, and is not taken for a new one."""

import datetime

import httpx
import pytest
from built_tabs import built
from served_page import served

from app.requests.forgotten import HEADER
from app.service.service import Service
from app.tabs.compare import Compare
from app.words import faults as text_faults
from app.words.language import speaking


@pytest.fixture(scope="module")
def page(service):
    with served(service, sessions=2) as page:
        yield page


def ask(page, session, *, known=True, referer=""):
    address, demo = page
    at = next(i for i, fn in demo.fns.items() if fn.api_name == "keep_k")
    return httpx.post(
        f"{address}/gradio_api/run/predict",
        json={"data": [None] * 2, "fn_index": at, "session_hash": session, "event_data": {"k": 2}},
        headers={"referer": referer} | ({HEADER: "1"} if known else {}),
    )  # fmt: skip


def test_a_page_that_was_answered_before_is_known_until_newer_ones_take_its_room(page):
    assert ask(page, "a", known=False).status_code == 200
    assert ask(page, "a").status_code == 200
    for newer in ("b", "c", "d"):
        assert ask(page, newer, known=False).status_code == 200
    gone = ask(page, "a")
    assert (gone.status_code, gone.json()["detail"]) == (410, text_faults.FORGOTTEN)
    with speaking("zh"):
        said = text_faults.FORGOTTEN
    assert ask(page, "a", referer="http://x/zh?k=3").json()["detail"] == said
    # A program, and a page that begins, need not be known.
    assert ask(page, "a", known=False).status_code == 200


def test_a_page_whose_state_was_deleted_while_it_slept_is_forgotten_too(page):
    _, demo = page
    assert ask(page, "sleeper", known=False).status_code == 200
    state = demo.app.state_holder.session_data["sleeper"]
    state.is_closed = True
    assert ask(page, "sleeper").status_code == 200
    long_ago = datetime.datetime.now() - datetime.timedelta(hours=2)
    state._state_ttl = {key: (ttl, long_ago) for key, (ttl, _) in state._state_ttl.items()}
    demo.app.state_holder.delete_all_expired_state()
    assert ask(page, "sleeper").status_code == 410


def test_what_is_restored_was_uploaded_here(tmp_path, monkeypatch):
    from types import SimpleNamespace

    import gradio as gr

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "a.png").write_bytes(b"x")

    tab = built(Compare, Service())

    def restored(sent):
        return tab.restore(SimpleNamespace(_data=sent))

    assert restored({"path": str(tmp_path / "a.png"), "question": "what ?"}) == {
        tab.upload: str(tmp_path / "a.png"), tab.prompt: "what ?",
    }  # fmt: skip
    for sent in ({"path": "/etc/passwd", "question": 3}, {}, None, {"path": ["a"]}, "x"):
        assert restored(sent) == gr.skip()
