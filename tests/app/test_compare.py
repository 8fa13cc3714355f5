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
from built_tabs import built, holding
from built_tabs import ran as all_told
from PIL import Image

from app.sections.held_k import keep_k
from app.sections.saved_run import write_run
from app.state import Visitor
from app.tabs.compare import Compare, _drawing_of, _path_of_drawing
from app.tabs.every_k import EveryK, write_table
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
def tab(service):
    return built(Compare, service)


@pytest.fixture
def example(service):
    return service.examples[0]


def event(data):
    return gr.EventData(None, data)


def run(tab, image, prompt, **named):
    return all_told(tab, upload=image, prompt=prompt, **{"visitor": NEW, **named})


def benches(tab, told):
    return [one[tab.bench] for one in told]


def test_a_run_streams_and_ends_with_the_result_in_the_visitors_state(tab, example):
    told = run(tab, str(example.image), "what is this ?")
    shown = benches(tab, told)
    phases = [bench["phase"] for bench in shown]
    assert phases[-1] == "done"
    assert phases.count("running") > 5
    assert any(bench.get("live", {}).get("baseline") for bench in shown)
    visitor = told[-1][tab.shared.visitor]
    assert visitor.run.prompt == "what is this ?"
    assert visitor.origin == "live"
    assert told[-1][tab.shared.k] is None
    assert [one[tab.cancel].visible for one in told] == [True] * (len(told) - 1) + [False]


def test_a_run_on_its_way_leaves_what_the_visitor_does_meanwhile_alone(tab, example):
    for told in run(tab, str(example.image), "what is this ?")[:-1]:
        assert set(told) == {*tab.runs.line.parts, tab.runs.waits}


def test_a_bad_prompt_keeps_the_last_run_and_says_one_sentence(tab, example):
    before = Visitor(run=example.run, origin="recorded")
    told = run(tab, str(example.image), "", visitor=before, k=1)[-1]
    assert not {tab.shared.visitor, tab.shared.k} & set(told)
    bench = told[tab.bench]
    assert bench["notice"]["kind"] == "error"
    assert bench["k"] == 1
    assert bench["prompt"] == example.prompt


def test_without_a_picture_the_page_says_what_to_do(tab):
    (bench,) = benches(tab, run(tab, None, "what is this ?"))
    assert bench["notice"]["text"] == text.NO_PICTURE
    (bench,) = benches(tab, run(tab, None, "what is this ?", is_drawing=True))
    assert bench["notice"]["text"] == text.NO_DRAWING


def test_an_unexpected_failure_shows_no_traceback(tab, example, monkeypatch):
    def broken(path, prompt, model):
        raise RuntimeError("secret detail")
        yield

    monkeypatch.setattr(tab.shared.service, "explore", broken)
    bench = benches(tab, run(tab, str(example.image), "what ?"))[-1]
    assert bench["notice"]["text"] == text.INTERNAL


def test_cancelling_shows_the_run_before(tab, example):
    shown = Visitor(run=example.run, origin="recorded")
    bench = tab.runs.cancel(holding(tab, visitor=shown, k=2))[tab.bench]
    assert bench["notice"]["text"] == text.CANCELLED
    assert bench["phase"] == "done"
    assert bench["k"] == 2
    assert tab.runs.cancel(holding(tab, visitor=NEW))[tab.bench]["phase"] == "idle"


def refused(tab, visitor, waits):
    return tab.runs.refuse(holding(tab, visitor=visitor, runs__waits=waits), SOMEBODY)


def test_a_full_queue_is_said_and_the_last_run_stays(tab, example):
    bench = refused(tab, Visitor(run=example.run, origin="recorded"), True)[tab.bench]
    assert bench["notice"]["text"] == text.QUEUE_IS_FULL
    assert bench["prompt"] == example.prompt


def test_a_cancelled_run_is_no_full_queue(tab, example):
    assert refused(tab, Visitor(run=example.run, origin="recorded"), False) == gr.skip()


def test_a_run_waits_until_its_first_event(tab, example):
    assert tab.runs.wait()[tab.runs.waits] is True
    told = run(tab, str(example.image), "what is this ?")
    assert {one[tab.runs.waits] for one in told} == {False}


def test_who_waits_for_the_queue_sees_it(tab):
    assert tab.runs.wait()[tab.bench]["progress"]["text"] == text.WAITING


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({"k": 2}, 2), ({"k": -5}, 0), ({"k": 10**9}, 4), ({"k": "2"}, None), ({"k": 1.5}, None),
     ({"k": None}, None), ({"k": True}, None), ({}, None), (None, None), ("k", None)],
)  # fmt: skip
def test_a_forged_k_is_clamped_or_ignored(example, sent, kept):
    assert keep_k(Visitor(run=example.run), None, event(sent)) == kept
    assert keep_k(Visitor(run=example.run), 3, event(sent)) == (3 if kept is None else kept)
    assert keep_k(NEW, None, event(sent)) is None


def test_an_example_is_shown_without_the_model(tab, example):
    for index in (0, -7, 10**9):
        told = tab.show_example(holding(tab, picked=index, visitor=Visitor(eta=0.5)))
        assert told[tab.shared.visitor] == Visitor(example.run, "recorded", str(example.image), 0.5)
        assert told[tab.upload] == str(example.image)
        assert told[tab.prompt] == example.prompt
        assert told[tab.bench]["phase"] == "done"
        assert told[tab.shared.k] is None
        assert told[tab.is_drawing] is False
        assert (told[tab.further.held], told[tab.further.strip]) == ((), [])


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


def test_the_charts_and_the_table_follow_the_run(service, example):
    tab = built(EveryK, service)
    told = tab.show(holding(tab, visitor=Visitor(run=example.run), k=2))
    layers = example.run.layers
    assert told[tab.bar] == {"layers": layers, "k": 2, "model": example.run.model}
    charts = [told[part] for part in tab.board.parts.values()]
    assert [len(json.loads(chart["figure"])["data"]) for chart in charts] == [3, 3]
    assert len(told[tab.table]) == layers + 1
    assert set(told) == set(tab.outputs)
    assert tab.show(holding(tab, visitor=Visitor())) == {}


def opened(tab, path, **named):
    return tab.open_run(holding(tab, saved=path, **{"visitor": NEW, **named}), SOMEBODY)


def test_a_saved_run_is_opened_without_its_picture(tab, example, uploads):
    told = opened(tab, str(example.run.save(uploads / "mine.vtw")))
    assert told[tab.bench]["phase"] == "done"
    assert "opened from your file" in told[tab.bench]["origin"]
    visitor = told[tab.shared.visitor]
    assert visitor.run.answers == example.run.answers
    assert (visitor.picture, told[tab.shared.k], told[tab.upload]) == (None, None, None)
    assert told[tab.is_drawing] is False
    assert told[tab.prompt] == example.prompt
    assert (told[tab.further.held], told[tab.further.strip]) == ((), [])


def test_a_file_that_is_no_run_changes_nothing_and_says_one_sentence(tab, example, uploads):
    before = Visitor(run=example.run, origin="recorded")
    bad = uploads / "bad.vtw"
    bad.write_bytes(b"PK\x03\x04 nothing")
    for path in (str(bad), str(uploads / "none.vtw"), "/etc/passwd", None):
        told = opened(tab, path, visitor=before, k=1)
        assert told[tab.bench]["notice"]["kind"] == "error"
        assert told[tab.bench]["k"] == 1
        assert set(told) == {*tab.runs.line.parts}


def test_a_run_elsewhere_on_the_server_is_not_opened(tab, example):
    told = opened(tab, str(example.recording))
    assert told[tab.bench]["notice"]["text"] == text.RUN_ELSEWHERE


def test_a_photograph_for_the_embedded_model_is_answered_with_a_hint(tab, uploads, monkeypatch):
    shades = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    path = uploads / "leaves.png"
    Image.fromarray(shades).resize((320, 240), Image.Resampling.BICUBIC).save(path)
    service = tab.shared.service
    own, explore = service.model_name, service.explore
    monkeypatch.setattr(service, "explore", lambda path, prompt, _: explore(path, prompt))
    for model, hint in (("embedded", text.PHOTOGRAPH_ALONE), (own, None)):
        last = benches(tab, run(tab, str(path), "what is it ?", model=model))[-1]
        assert (last["notice"] or {}).get("text") == hint
        assert last["phase"] == "done"


def test_the_page_builds_and_offers_no_private_function_as_api(built):
    named = built.get_api_info()["named_endpoints"]
    assert set(named) == {"/explore", "/generate"}


def test_what_each_visitor_opens_is_copied_without_the_page_behind_it(built):
    components = built.get_config_file()["components"]
    assert len(copy.deepcopy(components)) == len(components)


def test_what_a_session_begins_with_is_shared_and_not_copied(example):
    shown = Visitor(run=example.run)
    assert copy.deepcopy(shown) is shown
