"""Where a link or a step of the lesson puts the page, without a browser."""

import gradio as gr
import pytest
from built_tabs import arrive, guided
from small_records import small_run, with_random_inside

from app.inputs.methods_choice import Choice
from app.lesson.progress import Progress
from app.lesson.syllabus import STEPS
from app.links.view_address import View
from app.service.service import Service
from app.state import Visitor
from app.tabs import calibrate
from app.words.english.page import PRESET_OWN
from app.words.english.share import OWN_QUESTION
from vtw_core.measures.presets import ETA_PRESETS


@pytest.fixture(scope="module")
def guide(service):
    return guided(service)


@pytest.fixture
def own(service):
    """A visitor with a run of his own on a picture of his own."""
    return Visitor(run=service.examples[0].run, origin="live", picture="/nowhere/mine.png")


class Arrived:
    """What a view tells the page, by the names of its parts; what it leaves alone is ``LEFT``."""

    def __init__(self, guide, view, visitor, progress=None):
        self.guide, self.told = guide, arrive(guide, view, visitor, progress)

    def __getitem__(self, name):
        guide = self.guide
        tab, _, control = name.rpartition(" ")
        if tab:
            return self.told.get(guide.page.tabs[tab].controls[control], LEFT)
        page = {"visitor": guide.visitor, "tab": guide.page.opened, "address": guide.parts.share,
                "k": guide.page.shared.k, "methods": guide.page.tabs["methods"].wanted,
                "source": guide.page.tabs["calibrate"].source}  # fmt: skip
        return self.told.get(page.get(name) or getattr(guide.page.tabs["compare"], name), LEFT)


LEFT = object()


def test_an_example_is_shown_with_its_question_at_the_k_of_the_link(guide, service, own):
    example = service.examples[0]
    there = Arrived(guide, View(example="squares", k=1, tab="sinks", eta=0.5), own)
    assert there["visitor"] == Visitor(example.run, "recorded", str(example.image), 0.5)
    assert (there["tab"], there["k"], there["bench"]["k"]) == ("sinks", 1, 1)
    assert (there["upload"], there["prompt"]) == (str(example.image), example.prompt)
    assert there["address"]["query"] == "example=squares&tab=sinks"
    assert there["address"]["go"]["eta"] == 0.5
    assert there["bench"]["notice"] is None


def test_without_an_example_the_visitors_run_stays(guide, own):
    there = Arrived(guide, View(k=99), own)
    assert there["visitor"] == own
    assert there["k"] == own.run.layers
    assert there["upload"] is there["prompt"] is LEFT
    assert there["address"]["origin"] == "picture"


def test_a_question_of_ones_own_stands_in_the_box_and_is_not_asked(guide, service):
    example = service.examples[0]
    there = Arrived(guide, View(example="squares", prompt="why ?"), Visitor())
    assert there["prompt"] == "why ?"
    assert there["bench"]["prompt"] == example.prompt
    assert there["bench"]["notice"] == {"kind": "info", "text": OWN_QUESTION}
    assert there["address"]["query"] == "example=squares&prompt=why+%3F&tab=compare"
    opened = Visitor(example.run, "recorded", str(example.image))
    assert Arrived(guide, View(prompt="why ?"), opened)["prompt"] == "why ?"


def test_k_star_is_worked_out_at_the_etas_of_the_link(guide, service):
    run = service.examples[0].run
    there = Arrived(guide, View(eta=1e9), Visitor(run=run))
    assert there["address"]["go"]["k"] == run.choose_k(1e9) == 0
    assert Arrived(guide, View(), Visitor(run=run))["address"]["go"]["k"] == run.choose_k()


def test_the_step_that_asks_for_a_drawing_puts_the_canvas_in_front(guide, own):
    number = next(at for at, step in enumerate(STEPS, start=1) if step.asks_of == "own")
    there = Arrived(guide, STEPS[number - 1].view(own.run, number), own, Progress(step=number))
    assert there["picture_tabs"].selected == "draw"
    assert there["is_drawing"] is True
    assert there["visitor"] == own


def test_controls_get_room_for_what_they_are_told(guide):
    run = with_random_inside(small_run())
    view = View(tab="sinks", rows=1, head=1, withdrawn=True, linear=True, layer=1, token=0)
    there = Arrived(guide, view, Visitor(run=run))
    names = ("rows", "head", "withdrawn", "linear", "layer")
    rows, head, withdrawn, log, layer = (there[f"sinks {name}"] for name in names)
    assert (rows.value, head.value, withdrawn.value, log.value) == (1, 1, True, False)
    assert 1 in [value for _, value in rows.choices]
    assert 1 in [value for _, value in head.choices]
    assert layer.value == 1
    assert layer.maximum == run.layers - 1
    assert there["migration token"].value == 0
    assert len(there["migration token"].choices) == len(run.answer_ids[run.layers])
    assert there["migration rows"] is there["migration state"] is LEFT


def test_rows_are_those_of_the_tab_that_the_link_opens(guide):
    there = Arrived(guide, View(tab="migration", rows="question", state=1, grid=0, image=0),
                   Visitor(run=with_random_inside(small_run())))  # fmt: skip
    assert there["migration rows"].value == "question"
    assert there["migration state"].value == 1
    assert there["sinks rows"] is LEFT


def test_a_run_without_an_inside_leaves_the_controls_alone(guide):
    there = Arrived(guide, View(tab="sinks", rows=3, head=2), Visitor(run=small_run()))
    assert there["sinks rows"] is there["sinks head"] is LEFT


def test_a_threshold_of_calibrate_brings_its_words_and_the_rest_stays(guide, own):
    there = Arrived(guide, View(tab="calibrate", preset=1, scope="answer_max"), own)
    assert there["calibrate threshold"] == ETA_PRESETS[1].eta
    assert "K = 20" in there["source"]
    assert there["calibrate scope"] == "answer_max"
    assert there["calibrate pick"] is there["calibrate direction"] is LEFT
    there = Arrived(guide, View(tab="calibrate", threshold=0.25), own)
    assert there["calibrate preset"] == calibrate.OWN_VALUE
    assert there["calibrate threshold"] == 0.25
    assert there["source"] == PRESET_OWN
    assert Arrived(guide, View(tab="calibrate"), own)["source"] is LEFT


def test_methods_of_a_link_are_those_that_the_run_can_have_and_wait_for_their_tab(guide, own):
    wanted = (Choice("vtw", {"k": 999}), Choice("fastv", {"k": 0, "ratio": 0.25}))
    there = Arrived(guide, View(tab="methods", methods=wanted), own)
    vtw, fastv = there["methods"]
    assert [one.options["k"] for one in (vtw, fastv)] == [own.run.layers, 1]
    assert there["address"]["query"] == (
        f"tab=methods&methods=vtw:k={own.run.layers}+fastv:k=1,ratio=0.25"
    )
    assert Arrived(guide, View(tab="sinks", methods=wanted), own)["methods"] is None


def test_the_address_keeps_the_methods_when_code_is_asked_for(guide, service):
    example = service.examples[0]
    visitor = Visitor(example.run, "recorded", str(example.image))
    asked = gr.EventData(None, {"query": "example=squares&tab=methods&methods=vtw:k=1"})
    told = guide.code({guide.visitor: visitor, guide.page.opened: "methods"}, asked)
    assert told["query"] == "example=squares&tab=methods&methods=vtw:k=1"


def test_the_controls_of_equal_budget_follow_a_link_where_there_is_a_comparison(
    guide, service, own, tmp_path
):
    view = View(tab="budget", kind="count", cost="kv_bytes", variants=True)
    there = Arrived(guide, view, own)
    assert (there["budget kind"], there["budget cost"]) == ("count", "kv_bytes")
    assert there["budget variants"] is True
    assert there["budget measure"] is LEFT
    none = Service(service.models, service.examples[0].image.parent, budgets=tmp_path / "none.json")
    bare = guided(none)
    assert "kind" not in bare.table.fields
    assert Arrived(bare, bare.table.read("tab=budget&kind=count"), own)["tab"] == "budget"
