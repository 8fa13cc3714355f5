"""The code of a view, run as a reader would run it."""

import ast
import contextlib
import io

import gradio as gr
import pytest
from built_tabs import guided
from inside_runs import run_with_inside

from app.links.snippet import code_for
from app.links.view_address import View
from app.service.service import Service
from app.state import Visitor
from app.words.english.share import BIBTEX, OWN_PICTURE_FILE


@pytest.fixture(scope="module")
def bundled():
    """The page's own examples; the model is not loaded."""
    service = Service()
    return guided(service)


def code(guide, query, visitor, tab):
    """What the share part is told when the code of a view is asked for."""
    held = {guide.visitor: visitor, guide.page.opened: tab}
    return guide.code(held, gr.EventData(None, {"query": query}))


def address(guide, visitor, tab):
    return guide.address({guide.visitor: visitor, guide.page.opened: tab})


def printed(code):
    """What the code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "snippet", "exec"), {})
    return out.getvalue()


def test_the_code_of_a_view_reproduces_what_the_page_shows(bundled, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    example = next(each for each in bundled.service.examples if each.name == "red_circle")
    visitor = Visitor(run=example.run, origin="recorded", picture=str(example.image))
    query = "example=red_circle&k=3&eta=0.01"
    said = printed(code(bundled, query, visitor, "compare")["code"])
    assert f"image in all layers: {example.run.baseline_answer}\n" in said
    assert f"image withdrawn from layer 3 on: {example.run.answers[3]}\n" in said
    assert f"K*: {example.run.choose_k(0.01)} by the rule first\n" in said
    query = "example=red_circle&eta=10&rule=released"
    said = printed(code(bundled, query, visitor, "compare")["code"])
    assert f"K*: {example.run.choose_k(10, rule='released')} by the rule released\n" in said
    assert "image withdrawn from layer 5 on" in said


@pytest.mark.parametrize("tab", ["every-k", "sinks", "migration"])
def test_the_code_of_every_tab_runs_on_the_run_it_is_about(tab, monkeypatch):
    import vtw_core

    run = run_with_inside()

    class Model:
        def explore(self, picture, prompt, **options):
            assert (picture, prompt) == ("it's.png", run.prompt)
            assert options.get("inside", False) is (tab != "every-k")
            return run

    monkeypatch.setattr(vtw_core, "load_model", lambda name: Model(), raising=False)
    said = printed(code_for(run, View(tab=tab, k=2, layer=1, row=0), ["it's.png"]))
    assert said.count("\n") >= {"every-k": 8, "sinks": 3, "migration": 2}[tab]


def test_words_of_a_visitor_stay_words_in_the_code():
    run = run_with_inside()
    object.__setattr__(run, "prompt", '"""); import os; os.abort(); """ \\')
    calls = [node for node in ast.walk(ast.parse(code_for(run, View(), ["x.png"])))
             if isinstance(node, ast.Constant) and node.value == run.prompt]  # fmt: skip
    assert len(calls) == 1


def test_a_picture_of_the_visitors_own_has_a_name_to_fill_in(bundled, tmp_path, image):
    image.save(tmp_path / "mine.png")
    visitor = Visitor(
        run=bundled.service.examples[0].run, origin="live", picture=str(tmp_path / "mine.png")
    )
    shown = code(bundled, "", visitor, "compare")
    assert repr(OWN_PICTURE_FILE) in shown["code"]
    assert shown["origin"] == "picture"
    assert address(bundled, Visitor(run=visitor.run, origin="opened"), "sinks")["origin"] == "file"


def test_a_copy_of_an_examples_picture_is_that_example(bundled, tmp_path):
    example = bundled.service.examples[1]
    copy = tmp_path / "anything.png"
    copy.write_bytes(example.image.read_bytes())
    visitor = Visitor(run=example.run, origin="live", picture=str(copy))
    assert address(bundled, visitor, "compare")["query"] == f"example={example.name}&tab=compare"


def test_both_papers_are_cited_by_their_numbers():
    assert "2405.05803" in BIBTEX
    assert "2411.10803" in BIBTEX
    assert BIBTEX.count("{") == BIBTEX.count("}")
