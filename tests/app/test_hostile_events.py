"""Whatever a browser sends, a handler answers: with what there is, or one sentence."""

import dataclasses
import functools
import json
import types
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import orjson
import pytest
from built_tabs import TAB_IDS, arrive, built, guided, holding, looked_up
from hostile_inputs import EVENTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inside_runs import SIZES, run_with_inside
from small_budgets import made_up_comparison
from stage_runs import drop_run

from app import ui
from app.components.lesson import show_step
from app.figures import every_k
from app.figures.report import report_html
from app.figures.tables import chart_csv
from app.inputs.drawings import keep_few_drawings
from app.inputs.methods_choice import MOST_PANELS
from app.inputs.methods_fields import layout, offered
from app.lesson.progress import Progress
from app.sections import model_choice
from app.sections import stages as stages_section
from app.sections.board import save_chart
from app.sections.held_k import keep_k
from app.sections.methods_panels import chosen, fit, set_equal
from app.service.service import Service
from app.state import ShownCalibration, Visitor
from app.tabs.calibrate import Calibrate
from app.tabs.compare import Compare
from app.tabs.equal_budget import EqualBudget
from app.tabs.migration import Migration
from app.tabs.sinks import Sinks
from app.tabs.tab import Shared
from vtw_core.errors import InputError

RUN = run_with_inside(**SIZES["usual"])
VISITOR = Visitor(run=RUN, origin="opened")
DROPPED = drop_run()

EDGES = (10**400, -(10**400), 2**63, -1, 0, 1, 2, 5, "\ud800", "a")
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(EDGES)
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
QUICK = {
    "derandomize": True, "deadline": None, "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}  # fmt: skip


def sent(**named):
    """An event that carries these fields, or anything at all."""
    return st.fixed_dictionaries({}, optional=named) | ANYTHING


def event(data):
    return gr.EventData(None, data)


@functools.cache
def of_service(service):
    return guided(service)


@functools.cache
def tab_of(service, kind):
    return built(kind, service)


def named(told):
    """What a handler tells, as Gradio sends it."""
    return list(told.values())


def move_k(service, data):
    k = keep_k(VISITOR, 3, event(data.draw(sent(k=ANYTHING))))
    assert k in range(RUN.layers + 1)
    return k


def choose_sinks(service, data):
    tab = tab_of(service, Sinks)
    chosen = {name: data.draw(ANYTHING) for name in ("rows", "head", "withdrawn", "log", "layer")}
    return named(tab.show(holding(tab, visitor=VISITOR, k=2, **chosen)))


def gaze(service, data):
    tab, asked = tab_of(service, Sinks), event(data.draw(sent(row=ANYTHING, patch=ANYTHING)))
    return tab.look(holding(tab, visitor=VISITOR, k=1), asked)


def choose_migration(service, data):
    tab = tab_of(service, Migration)
    chosen = {name: data.draw(ANYTHING) for name in ("rows", "image", "token", "state", "grid")}
    return named(tab.show(holding(tab, visitor=VISITOR, k=2, **chosen)))


def choose_methods(service, data):
    names = [data.draw(st.sampled_from([*offered()]) | ANYTHING) for _ in range(MOST_PANELS)]
    sent = [[name, *(data.draw(ANYTHING) for _ in layout())] for name in names]
    values = tuple(value for panel in sent for value in panel)
    for choice in chosen(RUN, values):
        assert choice == choice.at(RUN)
        assert choice.options.get("k", 0) in range(RUN.layers + 1)
        with suppress(InputError):  # stages that do not go together
            choice.checked()
    return set_equal(VISITOR, (True, True, False), *values), fit(values[0], values[1])


def move_stages(service, data):
    asked = data.draw(sent(gamma=ANYTHING, alpha=ANYTHING, stages=ANYTHING, asked=ANYTHING))
    wanted = stages_section.Wanted.clamped(asked, DROPPED)
    assert 0 <= wanted.gamma <= 1
    assert 0 <= wanted.alpha <= 1
    without_picture = dataclasses.replace(DROPPED, pictures=())
    return stages_section._Handlers(service).measure(event(asked), without_picture)


def choose_which(service, data):
    return stages_section._pick(stages_section._Followed(None, (DROPPED,)), data.draw(ANYTHING))


BUDGETS = types.SimpleNamespace(recorded_budgets=made_up_comparison(), model_name="")


def choose_budget(service, data):
    with gr.Blocks():
        tab = EqualBudget(Shared(BUDGETS, None, None, None, None))
        tab.build()
    return named(tab.board.show({part: data.draw(ANYTHING) for part in tab.inputs}))


def choose_criterion(service, data):
    tab = tab_of(service, Calibrate)
    criterion = {part: data.draw(ANYTHING) for part in tab.inputs[1:]}
    values = {tab.shown: ShownCalibration(service.recorded_calibration, ""), **criterion}
    assert tab.write_json(values) is tab.write_csv(values) is None
    told = tab.show(values)
    assert set(told) == {tab.summary}
    assert len(told[tab.summary]) < 400
    return named(told)


def take_preset(service, data):
    tab = tab_of(service, Calibrate)
    return named(tab.take_preset({tab.preset: data.draw(ANYTHING)}))


def pick_model(service, data):
    value, name = model_choice._Handlers(service).ask(
        event(data.draw(sent(name=ANYTHING))), service.model_name
    )
    assert name in (None, service.model_name)
    return value


def pick_example(service, data):
    tab = tab_of(service, Compare)
    picked = tab.pick(SimpleNamespace(index=data.draw(ANYTHING)))[tab.picked]
    return tab.show_example(holding(tab, picked=picked, visitor=VISITOR))[tab.upload]


def follow_lesson(service, data):
    guide = of_service(service)
    view, progress = looked_up(guide, data.draw(sent(step=ANYTHING)), VISITOR, Progress())
    arrive(guide, view, VISITOR, progress)
    answer = event(data.draw(sent(question=ANYTHING, given=ANYTHING)))
    told = guide.answer({guide.visitor: VISITOR, guide.progress: progress}, answer)
    return show_step(told[guide.progress], VISITOR)


PARTS = st.sampled_from(["k=", "eta=", "layer=", "row=", "patch=", "token=", "lesson=", "tab=",
                         "example=", "prompt=", "methods=", "stage=", "gamma=", "kind=", "preset=",
                         "threshold=", "vtw-", "fastv-1-", "mustdrop-", "&", "nan", "inf", "-1",
                         "1e999", "%00", "%ud800", "9" * 30, "<script>", ";"])  # fmt: skip
QUERIES = st.lists(PARTS | st.text(max_size=4), max_size=10).map("".join) | ANYTHING


def follow_link(service, data):
    guide = of_service(service)
    view, progress = looked_up(guide, {"query": data.draw(QUERIES)}, VISITOR, Progress())
    return arrive(guide, view, VISITOR, progress)[guide.parts.share]


def ask_for_code(service, data):
    guide = of_service(service)
    held = {guide.visitor: VISITOR, guide.page.opened: TAB_IDS[0]}
    told = guide.code(held, event(data.draw(sent(query=QUERIES))))
    compile(told["code"], "code", "exec")
    return told


CHART = every_k.charts(RUN, 1)[0]


def ask_for_format(service, data):
    asked = data.draw(sent(format=ANYTHING))
    with open(save_chart(lambda: CHART, asked), encoding="utf-8", newline="") as file:
        return file.read() == chart_csv(CHART)


def open_tab(service, data):
    guide = of_service(service)
    open_tab = ui._opener(guide.page.tabs, guide.page.opened)
    opened = open_tab(SimpleNamespace(value=data.draw(ANYTHING)))[guide.page.opened]
    assert opened in TAB_IDS
    return opened


def draw(service, data):
    canvas = SimpleNamespace(blob_storage={})
    keep_few_drawings(canvas)
    said = data.draw(sent(type=st.just("layer") | ANYTHING, index=st.just("9" * 12) | ANYTHING,
                          id=ANYTHING))  # fmt: skip
    files = data.draw(st.lists(st.tuples(st.text(max_size=3), st.binary(max_size=9)), max_size=2))
    canvas.accept_blobs(SimpleNamespace(data=said, files=files))
    assert not any(one.layers for one in canvas.blob_storage.values())
    return len(canvas.blob_storage)


HANDLERS = {
    "K": (move_k, 60), "sinks": (choose_sinks, 5), "gaze": (gaze, 20),
    "migration": (choose_migration, 5), "methods": (choose_methods, 30),
    "stages": (move_stages, 40), "which": (choose_which, 15), "budget": (choose_budget, 10),
    "criterion": (choose_criterion, 15), "preset": (take_preset, 40), "example": (pick_example, 25),
    "model": (pick_model, 40),
    "lesson": (follow_lesson, 25), "link": (follow_link, 40), "code": (ask_for_code, 40),
    "format": (ask_for_format, 25), "tab": (open_tab, 40), "drawing": (draw, 40),
}  # fmt: skip


def test_every_row_of_the_table_is_tested():
    assert set(HANDLERS) == set(EVENTS)


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_answers_whatever_a_browser_sends(service, name):
    handle, examples = HANDLERS[name]

    @settings(max_examples=examples, **QUICK)
    @given(data=st.data())
    def answers(data):
        # As Gradio does: an integer of more than 64 bits, for one, would break the answer.
        orjson.dumps(handle(service, data), default=str, option=orjson.OPT_SERIALIZE_NUMPY)

    answers()


def test_drawings_are_kept_until_they_are_too_many_and_the_newest_stay(monkeypatch):
    monkeypatch.setattr("app.inputs.drawings.MOST_BYTES", 10)
    canvas = SimpleNamespace(blob_storage={})
    keep_few_drawings(canvas)
    for name in ("a", "b", "a", "c"):
        canvas.accept_blobs(
            SimpleNamespace(data={"type": "composite", "id": name}, files=[("f", b"1234")])
        )
    assert list(canvas.blob_storage) == ["a", "c"]


COMPONENTS = Path(ui.__file__).parent / "components"
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>![x](http://example.com/x.png)"


def evil_run():
    """A run in which every text is hostile."""
    lens = RUN.inside.lens
    inside = dataclasses.replace(
        RUN.inside,
        lens=dataclasses.replace(lens, pieces=dict.fromkeys(lens.pieces, EVIL)),
        counterfactuals=tuple(
            dataclasses.replace(test, name=f"{EVIL}{at}")
            for at, test in enumerate(RUN.inside.counterfactuals)
        ),
    )
    rows = range(RUN.layers + 1)
    return dataclasses.replace(
        RUN, model=EVIL, model_type=EVIL, prompt=EVIL, dtype=EVIL, device=EVIL, created=EVIL,
        tokens=(EVIL,) * len(RUN.tokens), answers=(EVIL,) * len(rows), inside=inside,
        answer_tokens=tuple((EVIL,) * len(one) for one in RUN.answer_tokens),
        first_tokens=tuple((EVIL,) * len(one) for one in RUN.first_tokens),
        versions=((EVIL, EVIL),), flops_convention=EVIL,
    )  # fmt: skip


def read_as_html(value):
    """Every text in what a handler returns that Gradio or plotly would read as HTML or Markdown."""
    if isinstance(value, (gr.Markdown, str)):
        yield str(value.value if isinstance(value, gr.Markdown) else value)
    elif isinstance(value, dict) and isinstance(value.get("figure"), str):
        figure = json.loads(value["figure"])
        for trace in figure["data"]:
            trace.pop("meta", None)  # read by the component's own script, which writes text
        yield json.dumps(figure)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from read_as_html(one)


def test_no_text_of_a_run_is_ever_markup():
    run = evil_run()
    visitor = Visitor(run=run, origin="opened")
    for kind in (Sinks, Migration):
        tab = built(kind, Service())
        told = tab.show(holding(tab, visitor=visitor, k=2, rows="all_text"))
        texts = list(read_as_html(list(told.values())))
        assert any("data" in text for text in texts)
        assert not [text for text in texts if "<img" in text or "<script" in text]
        assert not [text for text in texts[:1] if "example.com" in text]
    page = report_html(run)
    assert "<img src=x" not in page
    assert "<script>alert" not in page


def test_no_component_puts_what_it_is_told_into_html():
    scripts, templates = list(COMPONENTS.glob("*.js")), list(COMPONENTS.glob("*.html"))
    assert len(scripts) > 8
    assert len(templates) > 5
    doors = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    for path in scripts:
        assert not [door for door in doors if door in path.read_text()], path
    for path in templates:
        assert not [door for door in ("${", "{{") if door in path.read_text()], path


def test_a_lesson_that_is_closed_asks_nothing(service):
    guide = of_service(service)
    held = {guide.visitor: VISITOR, guide.progress: Progress()}
    told = guide.answer(held, event({"question": 0, "given": 0}))
    assert told == {guide.progress: Progress()}
