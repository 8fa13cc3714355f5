"""Where a link or a step of the lesson puts the page, without a browser."""

import gradio as gr
import pytest
from small_records import small_run, with_random_inside

from app.guide import _Handlers
from app.inputs.methods_choice import Choice
from app.lesson.progress import Progress
from app.lesson.syllabus import STEPS
from app.links.view_address import Places, View
from app.state import Visitor
from app.tabs import calibrate, migration, sinks
from app.ui import TABS
from app.words.english.page import PRESET_OWN
from app.words.english.share import OWN_QUESTION
from vtw_core.measures.presets import ETA_PRESETS

NO_LESSON = Progress()


@pytest.fixture
def handlers(service):
    return _Handlers(service, Places(("squares",), tuple(TABS), len(STEPS)))


@pytest.fixture
def own(service):
    """A visitor with a run of his own on a picture of his own."""
    return Visitor(run=service.examples[0].run, origin="live", picture="/nowhere/mine.png")


def arrive(handlers, view, visitor, progress=NO_LESSON):
    names = ("tabs", "tab", "address", "bench", "run", "cancel", "visitor", "k",
             "picture_tabs", "picture", "question", "is_drawing", "further", "strip",
             *(f"sinks {name}" for name in sinks.PLACES),
             *(f"migration {name}" for name in migration.PLACES),
             *(f"calibrate {name}" for name in calibrate.PLACES), "source", "methods",
             )  # fmt: skip
    return dict(zip(names, handlers.arrive(view, visitor, progress), strict=True))


def test_an_example_is_shown_with_its_question_at_the_k_of_the_link(handlers, service, own):
    example = service.examples[0]
    there = arrive(handlers, View(example="squares", k=1, tab="sinks", eta=0.5), own)
    assert there["visitor"] == Visitor(example.run, "recorded", str(example.image), 0.5)
    assert (there["tab"], there["k"], there["bench"]["k"]) == ("sinks", 1, 1)
    assert (there["picture"], there["question"]) == (str(example.image), example.prompt)
    assert there["address"]["query"] == "example=squares&tab=sinks"
    assert there["address"]["go"]["eta"] == 0.5
    assert there["bench"]["notice"] is None


def test_without_an_example_the_visitors_run_stays(handlers, own):
    there = arrive(handlers, View(k=99), own)
    assert there["visitor"] == own
    assert there["k"] == own.run.layers
    assert there["picture"] == there["question"] == gr.skip()
    assert there["address"]["origin"] == "picture"


def test_a_question_of_ones_own_stands_in_the_box_and_is_not_asked(handlers, service):
    example = service.examples[0]
    there = arrive(handlers, View(example="squares", prompt="why ?"), Visitor())
    assert there["question"] == "why ?"
    assert there["bench"]["prompt"] == example.prompt
    assert there["bench"]["notice"] == {"kind": "info", "text": OWN_QUESTION}
    assert there["address"]["query"] == "example=squares&prompt=why+%3F&tab=compare"
    opened = Visitor(example.run, "recorded", str(example.image))
    assert arrive(handlers, View(prompt="why ?"), opened)["question"] == "why ?"


def test_k_star_is_worked_out_at_the_etas_of_the_link(handlers, service):
    run = service.examples[0].run
    there = arrive(handlers, View(eta=1e9), Visitor(run=run))
    assert there["address"]["go"]["k"] == run.choose_k(1e9) == 0
    assert arrive(handlers, View(), Visitor(run=run))["address"]["go"]["k"] == run.choose_k()


def test_the_step_that_asks_for_a_drawing_puts_the_canvas_in_front(handlers, own):
    number = next(at for at, step in enumerate(STEPS, start=1) if step.asks_of == "own")
    there = arrive(handlers, STEPS[number - 1].view(own.run, number), own, Progress(step=number))
    assert there["picture_tabs"].selected == "draw"
    assert there["is_drawing"] is True
    assert there["visitor"] == own


def test_controls_get_room_for_what_they_are_told(handlers):
    run = with_random_inside(small_run())
    view = View(tab="sinks", rows=1, head=1, withdrawn=True, linear=True, layer=1, token=0)
    there = arrive(handlers, view, Visitor(run=run))
    rows, head, withdrawn, log, layer = (there[f"sinks {name}"] for name in sinks.PLACES)
    assert (rows.value, head.value, withdrawn.value, log.value) == (1, 1, True, False)
    assert 1 in [value for _, value in rows.choices]
    assert 1 in [value for _, value in head.choices]
    assert layer.value == 1
    assert layer.maximum == run.layers - 1
    assert there["migration token"].value == 0
    assert len(there["migration token"].choices) == len(run.answer_ids[run.layers])
    assert there["migration rows"] == there["migration state"] == gr.skip()


def test_rows_are_those_of_the_tab_that_the_link_opens(handlers):
    there = arrive(handlers, View(tab="migration", rows="question", state=1, grid=0, image=0),
                   Visitor(run=with_random_inside(small_run())))  # fmt: skip
    assert there["migration rows"].value == "question"
    assert there["migration state"].value == 1
    assert there["sinks rows"] == gr.skip()


def test_a_run_without_an_inside_leaves_the_controls_alone(handlers):
    there = arrive(handlers, View(tab="sinks", rows=3, head=2), Visitor(run=small_run()))
    assert there["sinks rows"] == there["sinks head"] == gr.skip()


def test_a_threshold_of_calibrate_brings_its_words_and_the_rest_stays(handlers, own):
    there = arrive(handlers, View(tab="calibrate", preset=1, scope="answer_max"), own)
    assert there["calibrate threshold"] == ETA_PRESETS[1].eta
    assert "K = 20" in there["source"]
    assert there["calibrate scope"] == "answer_max"
    assert there["calibrate pick"] == there["calibrate direction"] == gr.skip()
    there = arrive(handlers, View(tab="calibrate", threshold=0.25), own)
    assert there["calibrate preset"] == calibrate.OWN_VALUE
    assert there["calibrate threshold"] == 0.25
    assert there["source"] == PRESET_OWN
    assert arrive(handlers, View(tab="calibrate"), own)["source"] == gr.skip()


def test_methods_of_a_link_are_those_that_the_run_can_have_and_wait_for_their_tab(handlers, own):
    wanted = (Choice("vtw", 999), Choice("fastv", 0, 0.5))
    there = arrive(handlers, View(tab="methods", methods=wanted), own)
    vtw, fastv = there["methods"]
    assert (vtw.k, fastv.k, fastv.ratio) == (own.run.layers, 1, 0.5)
    assert there["address"]["query"] == f"tab=methods&methods=vtw-{own.run.layers}+fastv-1-0.5"
    assert arrive(handlers, View(tab="sinks", methods=wanted), own)["methods"] is None


def test_the_address_keeps_the_methods_when_code_is_asked_for(handlers, service):
    example = service.examples[0]
    visitor = Visitor(example.run, "recorded", str(example.image))
    asked = gr.EventData(None, {"query": "example=squares&tab=methods&methods=vtw-1"})
    told = handlers.code(asked, visitor, "methods")
    assert told["query"] == "example=squares&tab=methods&methods=vtw-1"


def test_the_controls_of_which_method_follow_a_link_where_there_are_kinds(service, own):
    kinds = _Handlers(service, Places(("squares",), tuple(TABS), len(STEPS), kinds=("count",)))
    view = View(tab="budget", kind="count", cost="kv_bytes", variants=True)
    told = kinds.arrive(view, own, NO_LESSON)
    assert told[-11:-7] == ("count", gr.skip(), "kv_bytes", True)
