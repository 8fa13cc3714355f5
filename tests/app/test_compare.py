"""The handlers of the main tab, without a browser."""

import gradio as gr
import pytest

from app import text
from app.state import Visitor
from app.tabs.compare import _Handlers
from app.tabs.every_k import show, write_run, write_table
from app.ui import build_demo
from vtw_core.results import load_run


@pytest.fixture
def handlers(service):
    return _Handlers(service)


@pytest.fixture
def example(service):
    return service.examples[0]


def event(data):
    return gr.EventData(None, data)


def test_a_run_streams_and_ends_with_the_result_in_the_visitors_state(handlers, example):
    shown = list(handlers.run(str(example.image), None, "what is this ?", Visitor()))
    phases = [bench["phase"] for bench, *_ in shown]
    assert phases[-1] == "done"
    assert phases.count("running") > 5
    assert any(bench.get("live", {}).get("baseline") for bench, *_ in shown)
    _, visitor, *_ = shown[-1]
    assert visitor.run.prompt == "what is this ?"
    assert visitor.recorded is False


def test_a_bad_prompt_keeps_the_last_run_and_says_one_sentence(handlers, example):
    before = Visitor(run=example.run, recorded=True, k=1)
    shown = list(handlers.run(str(example.image), None, "", before))
    bench, visitor, *_ = shown[-1]
    assert visitor == before
    assert bench["notice"]["kind"] == "error"
    assert bench["k"] == 1
    assert bench["prompt"] == example.prompt


def test_without_a_picture_the_page_says_what_to_do(handlers):
    (bench, visitor, *_) = list(handlers.run(None, None, "what is this ?", Visitor()))[-1]
    assert bench["notice"]["text"] == text.NO_PICTURE
    assert visitor.run is None


def test_an_unexpected_failure_shows_no_traceback(handlers, example, monkeypatch):
    def broken(path, prompt):
        raise RuntimeError("secret detail")
        yield

    monkeypatch.setattr(handlers.service, "explore", broken)
    bench = list(handlers.run(str(example.image), None, "what ?", Visitor()))[-1][0]
    assert bench["notice"]["text"] == text.INTERNAL


def test_cancelling_shows_the_run_before(handlers, example):
    bench, *_ = handlers.cancel(Visitor(run=example.run, recorded=True))
    assert bench["notice"]["text"] == text.CANCELLED
    assert bench["phase"] == "done"
    assert handlers.cancel(Visitor())[0]["phase"] == "idle"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({"k": 2}, 2), ({"k": -5}, 0), ({"k": 10**9}, 4), ({"k": "2"}, None), ({"k": 1.5}, None),
     ({"k": None}, None), ({"k": True}, None), ({}, None), (None, None), ("k", None)],
)  # fmt: skip
def test_a_forged_k_is_clamped_or_ignored(handlers, example, sent, kept):
    visitor = Visitor(run=example.run)
    assert handlers.keep_k(visitor, event(sent)).k == kept


def test_an_example_is_shown_without_the_model(handlers, example):
    picked = handlers.pick_example(Visitor(), gr.SelectData(None, {"index": 0, "value": None}))
    _, image, prompt, bench, visitor = picked
    assert image == str(example.image)
    assert prompt == example.prompt
    assert bench["phase"] == "done"
    assert visitor.recorded


def test_the_saved_run_is_the_run(example):
    path = write_run(Visitor(run=example.run))
    assert load_run(path).answers == example.run.answers
    assert write_run(Visitor()) is None


def test_the_saved_table_has_a_line_for_each_k_and_no_formula(example):
    path = write_table(Visitor(run=example.run))
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
    assert len(lines) >= example.run.layers + 2
    assert not any(line.split(",")[4][:1] in ("=", "@") for line in lines[1:])


def test_the_figure_and_the_table_follow_the_run(example):
    figure, rows = show(Visitor(run=example.run))
    assert [len(trace.x) for trace in figure.data] == [example.run.layers + 1] * 3
    assert figure.data[0].y[-1] == pytest.approx(100)
    assert len(rows) == example.run.layers + 1


def test_the_page_builds_and_offers_no_private_function_as_api(service):
    demo = build_demo(service)
    named = demo.get_api_info()["named_endpoints"]
    assert named == {}
