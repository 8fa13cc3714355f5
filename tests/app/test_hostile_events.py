"""Whatever a browser sends, a handler answers: with what there is, or one sentence."""

import dataclasses
import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import orjson
import pytest
from hostile_inputs import EVENTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inside_runs import SIZES, run_with_inside
from small_budgets import made_up_comparison
from stage_runs import drop_run

from app import guide, ui
from app.components.lesson import show_step
from app.figures import every_k
from app.figures.report import report_html
from app.figures.tables import chart_csv
from app.inputs.drawings import keep_few_drawings
from app.lesson.progress import Progress
from app.lesson.syllabus import STEPS
from app.links.view_address import Places
from app.sections import model_choice
from app.sections import stages as stages_section
from app.sections.board import save_chart
from app.sections.held_k import keep_k
from app.sections.methods_panels import chosen, fit, set_equal
from app.state import ShownCalibration, Visitor
from app.tabs import calibrate, compare, migration, sinks, which_method
from app.ui import TABS
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


def of_service(service):
    examples = tuple(example.name for example in service.examples)
    return guide._Handlers(service, Places(examples, tuple(TABS), len(STEPS)))


def move_k(service, data):
    k = keep_k(VISITOR, 3, event(data.draw(sent(k=ANYTHING))))
    assert k in range(RUN.layers + 1)
    return k


def choose_sinks(service, data):
    return sinks.show(VISITOR, 2, *(data.draw(ANYTHING) for _ in range(5)))


def gaze(service, data):
    return sinks.look(event(data.draw(sent(row=ANYTHING, patch=ANYTHING))), VISITOR, 1)


def choose_migration(service, data):
    return migration.show(VISITOR, 2, *(data.draw(ANYTHING) for _ in range(5)))


def choose_methods(service, data):
    values = tuple(data.draw(ANYTHING) for _ in range(30))
    for choice in chosen(RUN, values):
        assert 0 <= choice.k <= RUN.layers
        with suppress(InputError):  # stages that do not go together
            choice.options(RUN)
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


BUDGETS = which_method._Made(made_up_comparison())


def choose_budget(service, data):
    return BUDGETS.both(*(data.draw(ANYTHING) for _ in range(4)))


def choose_criterion(service, data):
    shown = ShownCalibration(service.recorded_calibration, "")
    criterion = [data.draw(ANYTHING) for _ in range(4)]
    for write in (calibrate.write_json, calibrate.write_csv):
        assert write(shown, *criterion) is None
    _, said, *rest = calibrate.read(shown, *criterion)
    assert rest == [gr.skip()] * 7
    assert len(said) < 400
    return said


def take_preset(service, data):
    return calibrate._take_preset(data.draw(ANYTHING))


def pick_model(service, data):
    value, name = model_choice._Handlers(service).ask(
        event(data.draw(sent(name=ANYTHING))), service.model_name
    )
    assert name in (None, service.model_name)
    return value


def pick_example(service, data):
    picked, _ = compare._picked(SimpleNamespace(index=data.draw(ANYTHING)))
    return compare._Handlers(service).pick_example(picked, VISITOR)[6]


def follow_lesson(service, data):
    handlers = of_service(service)
    view, progress, _ = handlers.wanted(event(data.draw(sent(step=ANYTHING))), VISITOR, Progress())
    handlers.arrive(view, VISITOR, progress)
    answer = event(data.draw(sent(question=ANYTHING, given=ANYTHING)))
    return show_step(handlers.answer(answer, VISITOR, progress)[0], VISITOR)


PARTS = st.sampled_from(["k=", "eta=", "layer=", "row=", "patch=", "token=", "lesson=", "tab=",
                         "example=", "prompt=", "methods=", "stage=", "gamma=", "kind=", "preset=",
                         "threshold=", "vtw-", "fastv-1-", "mustdrop-", "&", "nan", "inf", "-1",
                         "1e999", "%00", "%ud800", "9" * 30, "<script>", ";"])  # fmt: skip
QUERIES = st.lists(PARTS | st.text(max_size=4), max_size=10).map("".join) | ANYTHING


def follow_link(service, data):
    handlers = of_service(service)
    asked = event({"query": data.draw(QUERIES)})
    view, progress, _ = handlers.wanted(asked, VISITOR, Progress())
    return handlers.arrive(view, VISITOR, progress)[2]


def ask_for_code(service, data):
    handlers = of_service(service)
    told = handlers.code(event(data.draw(sent(query=QUERIES))), VISITOR, next(iter(TABS)))
    compile(told["code"], "code", "exec")
    return told


CHART = every_k.charts(RUN, 1)[0]


def ask_for_format(service, data):
    asked = data.draw(sent(format=ANYTHING))
    with open(save_chart(lambda: CHART, asked), encoding="utf-8", newline="") as file:
        return file.read() == chart_csv(CHART)


def open_tab(service, data):
    opened = ui._opened(SimpleNamespace(value=data.draw(ANYTHING)))
    assert opened in TABS
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
    for shown in (sinks.show(visitor, 2, "all_text", 0, True, True, 1),
                  migration.show(visitor, 2, "all_text", 0, 0, 0, 0)):  # fmt: skip
        texts = list(read_as_html(shown))
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
    told = of_service(service).answer(event({"question": 0, "given": 0}), VISITOR, Progress())
    assert told == (Progress(), gr.skip())
    json.dumps(told[1])
