"""The handlers of the main tab, without a browser."""

import copy
import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.sections.held_k import keep_k
from app.state import Visitor
from app.tabs.compare import _drawing_of, _Handlers, _path_of_drawing
from app.tabs.every_k import show, write_run, write_table
from app.words import page as text
from vtw_core.results.run import load_run

NEW = Visitor()
SOMEBODY = SimpleNamespace(session_hash="somebody", client=None)


@pytest.fixture
def uploads():
    """A folder of Gradio's uploads."""
    folder = Path(gr.utils.get_upload_folder()) / "of-a-test"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def handlers(service):
    return _Handlers(service)


@pytest.fixture
def example(service):
    return service.examples[0]


def event(data):
    return gr.EventData(None, data)


def run(handlers, image, prompt, visitor=NEW, k=None, drawing=None, is_drawing=False):
    model = handlers.service.model_name
    return list(handlers.run(image, drawing, prompt, is_drawing, visitor, k, model, True))


def test_a_run_streams_and_ends_with_the_result_in_the_visitors_state(handlers, example):
    shown = run(handlers, str(example.image), "what is this ?")
    phases = [bench["phase"] for bench, *_ in shown]
    assert phases[-1] == "done"
    assert phases.count("running") > 5
    assert any(bench.get("live", {}).get("baseline") for bench, *_ in shown)
    *_, visitor, k, _ = shown[-1]
    assert visitor.run.prompt == "what is this ?"
    assert visitor.origin == "live"
    assert k is None


def test_a_run_on_its_way_leaves_what_the_visitor_does_meanwhile_alone(handlers, example):
    for *_, visitor, k, _ in run(handlers, str(example.image), "what is this ?")[:-1]:
        assert visitor == k == gr.skip()


def test_a_bad_prompt_keeps_the_last_run_and_says_one_sentence(handlers, example):
    before = Visitor(run=example.run, origin="recorded")
    bench, *_, visitor, k, _ = run(handlers, str(example.image), "", before, k=1)[-1]
    assert visitor == k == gr.skip()
    assert bench["notice"]["kind"] == "error"
    assert bench["k"] == 1
    assert bench["prompt"] == example.prompt


def test_without_a_picture_the_page_says_what_to_do(handlers):
    bench, *_ = run(handlers, None, "what is this ?")[-1]
    assert bench["notice"]["text"] == text.NO_PICTURE
    bench, *_ = run(handlers, None, "what is this ?", is_drawing=True)[-1]
    assert bench["notice"]["text"] == text.NO_DRAWING


def test_an_unexpected_failure_shows_no_traceback(handlers, example, monkeypatch):
    def broken(path, prompt, model):
        raise RuntimeError("secret detail")
        yield

    monkeypatch.setattr(handlers.service, "explore", broken)
    bench, *_ = run(handlers, str(example.image), "what ?")[-1]
    assert bench["notice"]["text"] == text.INTERNAL


def test_cancelling_shows_the_run_before(handlers, example):
    bench, *_ = handlers.cancel(Visitor(run=example.run, origin="recorded"), 2)
    assert bench["notice"]["text"] == text.CANCELLED
    assert bench["phase"] == "done"
    assert bench["k"] == 2
    assert handlers.cancel(NEW, None)[0]["phase"] == "idle"


def test_a_full_queue_is_said_and_the_last_run_stays(handlers, example):
    bench, *_ = handlers.refuse(Visitor(run=example.run, origin="recorded"), None, True, SOMEBODY)
    assert bench["notice"]["text"] == text.QUEUE_IS_FULL
    assert bench["prompt"] == example.prompt


def test_a_cancelled_run_is_no_full_queue(handlers, example):
    shown = handlers.refuse(Visitor(run=example.run, origin="recorded"), None, False, SOMEBODY)
    assert shown == (gr.skip(),) * 3


def test_a_run_waits_until_its_first_event(handlers, example):
    assert handlers.wait()[-1] is True
    assert {shown[-1] for shown in run(handlers, str(example.image), "what is this ?")} == {False}


def test_who_waits_for_the_queue_sees_it(handlers):
    bench, *_ = handlers.wait()
    assert bench["progress"]["text"] == text.WAITING


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({"k": 2}, 2), ({"k": -5}, 0), ({"k": 10**9}, 4), ({"k": "2"}, None), ({"k": 1.5}, None),
     ({"k": None}, None), ({"k": True}, None), ({}, None), (None, None), ("k", None)],
)  # fmt: skip
def test_a_forged_k_is_clamped_or_ignored(handlers, example, sent, kept):
    assert keep_k(Visitor(run=example.run), None, event(sent)) == kept
    assert keep_k(Visitor(run=example.run), 3, event(sent)) == (3 if kept is None else kept)
    assert keep_k(NEW, None, event(sent)) is None


def test_an_example_is_shown_without_the_model(handlers, example):
    for index in (0, -7, 10**9):
        told = handlers.pick_example(index, Visitor(eta=0.5))
        bench, _, _, visitor, k, _, image, prompt, is_drawing, *further = told
        assert visitor.eta == 0.5
        assert image == str(example.image)
        assert prompt == example.prompt
        assert bench["phase"] == "done"
        assert visitor.origin == "recorded"
        assert k is None
        assert is_drawing is False
        assert further == [(), []]


def test_a_drawing_reaches_the_loader_as_a_file_that_nobody_has_opened():
    with gr.Blocks():
        canvas = gr.ImageEditor()
    canvas.blob_storage["a"] = SimpleNamespace(composite=b"not a picture")
    path = _path_of_drawing(_drawing_of(canvas, {"id": "a"}))
    with open(path, "rb") as file:
        assert file.read() == b"not a picture"
    assert canvas.blob_storage == {}
    assert _drawing_of(canvas, {"id": "a"}) is None
    assert _path_of_drawing(_drawing_of(canvas, {"path": "x.png"})) == "x.png"
    for other in (None, {}, "x.png", ["a"], {"id": ["a"]}, {"id": "b"}, {"path": 7}):
        assert _path_of_drawing(_drawing_of(canvas, other)) is None


def test_the_saved_run_is_the_run(example):
    path = write_run(Visitor(run=example.run))
    assert load_run(path).answers == example.run.answers
    assert write_run(Visitor()) is None


def test_the_saved_table_has_a_line_for_each_k_and_no_formula(example):
    answers = ("=1+1", "+1+1", "-1+1", "@x", "\tx")
    path = write_table(Visitor(run=replace(example.run, answers=answers)))
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == example.run.layers + 2
    column = rows[0].index("answer")
    assert [row[column] for row in rows[1:]] == [f"'{answer}" for answer in answers]


def test_the_charts_and_the_table_follow_the_run(example):
    _, bar, kl, cost, rows = show(Visitor(run=example.run), 2)
    layers = example.run.layers
    assert bar == {"layers": layers, "k": 2, "model": example.run.model}
    assert [len(json.loads(chart["figure"])["data"]) for chart in (kl, cost)] == [3, 3]
    assert len(rows) == layers + 1
    assert show(Visitor(), None) == (gr.skip(),) * 5


def test_a_saved_run_is_opened_without_its_picture(handlers, example, uploads):
    path = str(example.run.save(uploads / "mine.vtw"))
    told = handlers.open_run(path, NEW, None, SOMEBODY)
    bench, _, _, visitor, k, _, picture, prompt, is_drawing, *further = told
    assert bench["phase"] == "done"
    assert "opened from your file" in bench["origin"]
    assert visitor.run.answers == example.run.answers
    assert (visitor.picture, k, picture, is_drawing) == (None, None, None, False)
    assert prompt == example.prompt
    assert further == [(), []]


def test_a_file_that_is_no_run_changes_nothing_and_says_one_sentence(handlers, example, uploads):
    before = Visitor(run=example.run, origin="recorded")
    bad = uploads / "bad.vtw"
    bad.write_bytes(b"PK\x03\x04 nothing")
    for path in (str(bad), str(uploads / "none.vtw"), "/etc/passwd", None):
        bench, _, _, *rest = handlers.open_run(path, before, 1, SOMEBODY)
        assert bench["notice"]["kind"] == "error"
        assert bench["k"] == 1
        assert rest == [gr.skip()] * 8


def test_a_run_elsewhere_on_the_server_is_not_opened(handlers, example):
    bench, *_ = handlers.open_run(str(example.recording), NEW, None, SOMEBODY)
    assert bench["notice"]["text"] == text.RUN_ELSEWHERE


def test_a_photograph_for_the_embedded_model_is_answered_with_a_hint(
    handlers, uploads, monkeypatch
):
    shades = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    path = uploads / "leaves.png"
    Image.fromarray(shades).resize((320, 240), Image.Resampling.BICUBIC).save(path)
    own, explore = handlers.service.model_name, handlers.service.explore
    monkeypatch.setattr(handlers.service, "explore", lambda path, prompt, _: explore(path, prompt))
    for model, hint in (("embedded", text.PHOTOGRAPH_ALONE), (own, None)):
        *_, last = handlers.run(str(path), None, "what is it ?", False, NEW, None, model, True)
        assert (last[0]["notice"] or {}).get("text") == hint
        assert last[0]["phase"] == "done"


def test_the_page_builds_and_offers_no_private_function_as_api(built):
    named = built.get_api_info()["named_endpoints"]
    assert set(named) == {"/explore", "/generate"}


def test_what_each_visitor_opens_is_copied_without_the_page_behind_it(built):
    components = built.get_config_file()["components"]
    assert len(copy.deepcopy(components)) == len(components)


def test_what_a_session_begins_with_is_shared_and_not_copied(example):
    shown = Visitor(run=example.run)
    assert copy.deepcopy(shown) is shown
