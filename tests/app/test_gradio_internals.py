"""What the page relies on in Gradio, part by part; a test that fails here names what to look up."""

import ast
import asyncio
import copy
import functools
import inspect
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from conftest import ROOT
from gradio.route_utils import GradioMultiPartParser
from gradio.routes import App, file_upload_statuses
from gradio.state_holder import SessionState
from starlette.datastructures import Headers

from app import gradio_internals as internals
from app.components.files import read

FUNCTIONS = {
    name: one
    for name, one in vars(internals).items()
    if inspect.isfunction(one) and one.__module__ == internals.__name__ and name[0] != "_"
}


def section(function, name):
    """What a docstring says behind ``name:``, on one line."""
    found = re.search(rf"^{name}: (.*?)(?:^\w+:|\Z)", inspect.getdoc(function) or "", re.M | re.S)
    return "" if found is None else " ".join(found[1].split())


def of_gradio(function):
    """A test of one function: whatever fails in it is put down to the part that it reaches for."""

    def decorate(test):
        @functools.wraps(test)
        def told(*inputs, **named):
            try:
                test(*inputs, **named)
            except Exception as problem:
                raise AssertionError(
                    f"Gradio {gr.__version__} is not as app.gradio_internals."
                    f"{function.__name__} takes it. Look at: {section(function, 'Upstream')} It is "
                    f"needed because: {section(function, 'Why')} ({problem!r})"
                ) from problem

        told.of = function.__name__
        return told

    return decorate


@pytest.fixture
def demo():
    with gr.Blocks() as demo:
        box = gr.Textbox()
        state = gr.State("first")
        part = gr.HTML(js_on_load="trigger('every'); trigger('select')")
        demo.queue(max_size=5)
        box.submit(lambda said: said, [box], [box], concurrency_id="model", show_progress="hidden")
        part.select(lambda: None, None, state)
    return demo


def body_of(demo, session="a", at=0):
    return SimpleNamespace(fn_index=at, session_hash=session, event_id=None, data=[])


def pushed(demo, session="a", at=0):
    """The answer of Gradio's own queue to one event, in which nothing is worked off."""
    request = SimpleNamespace(client=SimpleNamespace(host="203.0.113.7"))
    return asyncio.run(internals.queue_of(demo).push(body_of(demo, session, at), request, None))


# ---------------------------------------------------------------- the queue
@of_gradio(internals.queue_of)
def test_the_queue_is_the_one_that_events_go_through(demo):
    assert internals.queue_of(demo).max_size == 5


@of_gradio(internals.guard_queue)
def test_the_guard_is_asked_before_anything_is_in_the_queue(demo):
    asked, entered = [], []

    def admit(event, most):
        asked.append((event, most, len(internals.queue_of(demo))))
        if event is None or event.session == "unwanted":
            raise PermissionError
        return lambda: entered.append(event.session)

    internals.guard_queue(demo, admit)
    assert pushed(demo)[0] is True
    for session, at in (("unwanted", 0), ("a", 99)):
        with pytest.raises(PermissionError):
            pushed(demo, session, at)
    first, second, nothing = asked
    assert (first[0].session, first[0].concurrency_id, first[0].page) == ("a", "model", "")
    assert first[0].request.client.host == "203.0.113.7"
    assert (first[1:], second[1:], nothing[0]) == ((5, 0), (5, 1), None)
    assert entered == ["a"]


@of_gradio(internals.guard_queue)
def test_what_finds_the_queue_full_has_not_entered(demo):
    entered = []
    internals.guard_queue(demo, lambda event, most: lambda: entered.append(event.session))
    answers = [pushed(demo)[0] for _ in range(7)]
    assert answers == [True] * 5 + [False] * 2
    assert len(entered) == 5


@of_gradio(internals.events_in_queue)
def test_what_waits_is_told_and_then_what_is_answered(demo):
    for session in ("a", "b"):
        pushed(demo, session)
    queue = internals.queue_of(demo)
    assert [one.session for one in internals.events_in_queue(queue)] == ["a", "b"]
    waiting = queue.event_queue_per_concurrency_id["model"].queue
    queue.active_jobs = [None, [waiting.pop(0)]]
    told = list(internals.events_in_queue(queue))
    assert [(one.session, one.concurrency_id, one.page) for one in told] == [
        ("b", "model", ""), ("a", "model", ""),
    ]  # fmt: skip
    assert told[0].request.client.host == "203.0.113.7"


@of_gradio(internals.forget_gone_sessions)
def test_sessions_of_which_nothing_waits_are_forgotten(demo):
    queue = internals.queue_of(demo)
    for session in ("a", "b", "c"):
        pushed(demo, session)
    for event in list(queue.event_ids_to_events.values()):
        if event.session_hash != "b":
            del queue.event_ids_to_events[event._id]
    internals.forget_gone_sessions(queue, 3)
    assert set(queue.pending_event_ids_session) == {"a", "b", "c"}
    internals.forget_gone_sessions(queue, 2)
    assert set(queue.pending_event_ids_session) == {"b"}


@of_gradio(internals.is_busy)
def test_a_queue_is_busy_while_anything_waits_or_is_answered(demo):
    queue = internals.queue_of(demo)
    assert not internals.is_busy(queue)
    pushed(demo)
    assert internals.is_busy(queue)
    waiting = queue.event_queue_per_concurrency_id["model"].queue
    queue.active_jobs = [[waiting.pop()]]
    assert internals.is_busy(queue)
    queue.active_jobs = [None]
    assert not internals.is_busy(queue)


@of_gradio(internals.keep_few_timings)
def test_the_times_of_a_few_events_are_kept(demo):
    internals.keep_few_timings(demo, 2)
    for _ in range(4):
        pushed(demo)
    assert len(internals.queue_of(demo).event_analytics) == 2


# ---------------------------------------------------------------- sessions
@of_gradio(internals.is_forgotten)
def test_a_session_is_forgotten_when_it_or_a_part_of_it_is_gone(demo):
    app = App.create_app(demo)
    state = app.state_holder["a"]
    (at,) = [one._id for one in demo.blocks.values() if isinstance(one, gr.State)]
    state[at] = "second"
    assert not internals.is_forgotten(app, "a")
    assert internals.is_forgotten(app, "b")
    del state.state_data[at]  # as `StateHolder.delete_all_expired_state` does
    assert internals.is_forgotten(app, "a")
    assert not internals.is_forgotten(object(), "a")


@of_gradio(internals.describe_page_once)
def test_a_visitor_gets_no_description_of_the_page(demo):
    internals.describe_page_once(demo)
    (box,) = [one for one in demo.blocks.values() if isinstance(one, gr.Textbox)]
    session = SessionState(demo)
    assert set(session.config_values) == set(demo.blocks)
    assert not any(session.config_values.values())
    session[box._id] = gr.Textbox(label="his", render=False)
    assert (session[box._id].label, SessionState(demo)[box._id]) == ("his", box)
    assert len(demo.get_config_file()["components"]) == len(demo.blocks)


# ---------------------------------------------------------------- parts and events
@of_gradio(internals.functions_of)
def test_each_event_has_a_number(demo):
    assert internals.functions_of(demo) == {0, 1}


@of_gradio(internals.wrap_functions)
def test_the_functions_of_new_events_are_wrapped_and_called(demo):
    internals.wrap_functions(demo, {1}, lambda function: lambda *said: function(*said) + "!")
    assert asyncio.run(demo.process_api(demo.fns[0], ["hello"]))["data"] == ["hello!"]
    assert demo.fns[1].fn() is None


@of_gradio(internals.take_no_words_for_events)
def test_no_part_holds_an_event_for_a_word_of_its_script(demo):
    (part,) = [one for one in demo.blocks.values() if isinstance(one, gr.HTML)]
    assert callable(part.every), "Gradio takes no word for an event any more: this can go"
    internals.take_no_words_for_events(demo)
    assert part.get_config().get("every") is None
    json.dumps(part.get_config())


@of_gradio(internals.skip_hidden_progress)
def test_hidden_progress_is_told_to_no_output(demo):
    said = [one.get_config()["show_progress_on"] for one in demo.fns.values()]
    assert said == [None, None], "None means: tell all outputs"
    internals.skip_hidden_progress(demo)
    assert [one.get_config()["show_progress_on"] for one in demo.fns.values()] == [[], None]


@of_gradio(internals.sent_with)
def test_all_that_a_script_sends_is_read():
    assert internals.sent_with(gr.EventData(None, {"k": 3, "at": None})) == {"k": 3, "at": None}
    for nothing in (None, [1], "k", 3):
        assert internals.sent_with(gr.EventData(None, nothing)) == {}


@of_gradio(internals.hand_on)
def test_a_component_that_is_made_anew_still_hands_on(demo):
    with demo:
        picture = gr.Image()
    internals.hand_on(picture, lambda payload: ("unopened", payload))
    again = copy.copy(picture)
    fresh = picture.__class__(**picture.constructor_args)  # as `Blocks.postprocess_data` does
    for one in (picture, again, fresh):
        assert one.preprocess("sent") == ("unopened", "sent")
        assert isinstance(one, gr.Image)
        assert one.get_block_name() == "image"


# ---------------------------------------------------------------- drawings
@of_gradio(internals.receive_drawings)
def test_the_canvas_gives_what_is_sent_to_one_function(demo):
    heard = []
    with demo:
        canvas = gr.ImageEditor()
    internals.receive_drawings(canvas, lambda said, files: heard.append((said, files)))
    sent = SimpleNamespace(data={"type": "layer"}, files=[("a", b"x")])
    canvas.accept_blobs(sent)
    assert heard == [({"type": "layer"}, [("a", b"x")])]
    assert getattr(canvas.accept_blobs, "_is_server_fn", False)
    # What the browser may call, the configuration names.
    assert "accept_blobs" in canvas.get_config()["server_fns"]
    source = inspect.getsource(App.create_app)
    assert "_is_server_fn" in source, "no longer asked for: any function of a part may be called?"


@of_gradio(internals.drawings_of)
def test_the_canvas_keeps_drawings_by_the_senders_name(demo):
    with demo:
        canvas = gr.ImageEditor()
    sent = SimpleNamespace(
        data={"type": "composite", "index": None, "id": "x"}, files=[("a", b"drawn")]
    )
    canvas.accept_blobs(sent)
    assert internals.drawings_of(canvas)["x"].composite == b"drawn"


@of_gradio(internals.flat_drawing)
def test_a_flat_drawing_is_read_by_the_canvas(demo):
    from PIL import Image

    with demo:
        canvas = gr.ImageEditor(type="pil")
    out = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(out, "PNG")
    internals.drawings_of(canvas)["x"] = internals.flat_drawing(out.getvalue())
    read = canvas.preprocess(canvas.data_model(background=None, composite=None, id="x"))
    assert (read["composite"].size, read["layers"]) == ((4, 3), [])


# ---------------------------------------------------------------- files
@of_gradio(internals.upload_folder)
def test_uploads_lie_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    assert internals.upload_folder() == tmp_path / "uploads"


@of_gradio(internals.keep_file)
def test_a_kept_file_lies_below_the_folder_of_uploads(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = Path(internals.keep_file(b"some", "a.csv"))
    assert (path.read_bytes(), path.name) == (b"some", "a.csv")
    assert path.is_relative_to(tmp_path)


@of_gradio(internals.forget_upload_progress)
def test_how_far_uploads_are_is_kept_of_the_last_ones():
    async def follow():
        for name in ("x", "y", "z"):
            file_upload_statuses.track(name)
            file_upload_statuses._signals[name]

    asyncio.run(follow())
    internals.forget_upload_progress(2)
    assert [name in file_upload_statuses._statuses for name in ("x", "y", "z")] == [
        False, True, True,
    ]  # fmt: skip
    assert len(file_upload_statuses._signals) == 2
    internals.forget_upload_progress(1)
    assert not file_upload_statuses.is_done("z")


@of_gradio(internals.delete_half_written)
def test_what_was_written_of_a_broken_upload_is_deleted(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    begun = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nxxxx'

    async def broken_off():
        yield begun
        raise ConnectionError

    headers = Headers({"content-type": "multipart/form-data; boundary=b"})
    written = []

    async def parse():
        parser = GradioMultiPartParser(headers, broken_off(), max_file_size=2**20)
        try:
            await parser.parse()
        finally:
            written.extend(Path(file.name) for file in parser._files_to_close_on_error)

    with pytest.raises(ConnectionError) as broken:
        asyncio.run(parse())
    assert [one.exists() for one in written] == [True]
    internals.delete_half_written(broken.value)
    assert [one.exists() for one in written] == [False]


# ---------------------------------------------------------------- requests
@pytest.fixture(scope="module")
def routes():
    """Path of every route of Gradio's server -> its methods."""
    with gr.Blocks() as demo:
        gr.Textbox()
    found = {}
    pending = list(App.create_app(demo).routes)
    while pending:
        one = pending.pop()
        pending.extend(getattr(getattr(one, "original_router", one), "routes", None) or ())
        if getattr(one, "methods", None):
            found.setdefault(one.path, set()).update(one.methods)
    return found


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (internals.UPLOAD, "POST"), (internals.DRAWING, "POST"), (internals.RECORDING, "POST"),
        (internals.UPLOAD_PROGRESS, "GET"), (internals.CONFIG, "GET"), ("queue/join", "POST"),
        ("run/{api_name}", "POST"), ("app_id", "GET"),
    ],
)  # fmt: skip
def test_what_the_server_and_the_scripts_look_for_in_addresses_is_there(routes, name, method):
    found = [path for path, methods in routes.items()
             if path.rstrip("/").endswith(f"/{name}") and method in methods]  # fmt: skip
    assert found, f"Gradio {gr.__version__} answers no {method} of .../{name}: gradio/routes.py"


@of_gradio(internals.address_of_file)
def test_a_static_file_is_given_out_at_its_address(tmp_path):
    file = tmp_path / "a b.txt"
    file.write_text("given")
    with gr.Blocks() as demo:
        gr.Textbox()
    gr.set_static_paths([file])

    async def ask(address):
        transport = httpx.ASGITransport(App.create_app(demo))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get(address)

    assert asyncio.run(ask(internals.address_of_file(file))).text == "given"


@of_gradio(internals.paths_named_in)
def test_every_file_that_gradio_would_take_is_found():
    from gradio_client.utils import is_file_obj, traverse

    document = {"data": [{"path": "a"}, [{"x": {"path": "b", "url": "c"}}], {"path": 3}, "path"]}
    taken = []
    traverse(document, lambda one: taken.append(one["path"]), is_file_obj)
    assert sorted(internals.paths_named_in(document)) == sorted(taken) == ["a", "b"]


@of_gradio(internals.session_named_in)
def test_a_request_names_its_session_as_gradio_reads_it():
    from gradio.data_classes import PredictBody

    document = {"data": [], "session_hash": "abc"}
    assert internals.session_named_in(document) == PredictBody(**document).session_hash == "abc"
    assert internals.session_named_in([]) is None


@of_gradio(internals.in_head)
def test_the_head_of_gradios_page_takes_a_language_and_more():
    page = (Path(gr.__file__).parent / "templates/frontend/index.html").read_text(encoding="utf-8")
    changed = internals.in_head(page, "zh-CN", "<script>first</script>")
    assert re.search(r'<html\s+lang="zh-CN"', changed)
    assert 'lang="en"' not in changed
    assert re.search(r"<head>\s*<script>first</script>", changed)
    assert 'href="/manifest.json"' in page
    assert 'href="/manifest.json"' not in changed
    assert len(changed) == len(page) + len("<script>first</script>") + len("zh-CN") - len("en") + 1


# ---------------------------------------------------------------- that it is all of them
def row(name, upstream, why):
    return f"| `{name}` | {upstream} | {why[0].upper()}{why[1:]} |".replace("``", "`")


def rows():
    """What docs/gradio.md tells of each function, and of those of the browser."""
    for name, function in FUNCTIONS.items():
        yield row(name, section(function, "Upstream"), section(function, "Why"))
    said = read("gradio_page.js")
    for note, name in re.findall(
        r"/\*\*((?:(?!\*/).)*)\*/\nexport .*?(\w+) ?[(=]", said, re.DOTALL
    ):
        plain = " ".join(re.sub(r"^ \* ?|@param.*", "", note, flags=re.MULTILINE).split())
        why, upstream = re.search(r"Why: (.*) Upstream: (.*)", plain).groups()
        yield row(name, upstream, why)


def test_the_document_lists_every_one():
    told = (ROOT / "docs" / "gradio.md").read_text(encoding="utf-8")
    wanted = list(rows())
    assert len(wanted) > 35
    assert [line for line in told.splitlines() if line.startswith("| `")] == wanted


def test_every_function_tells_why_it_is_there_where_its_part_stands_and_has_a_test():
    tested = {one.of for one in globals().values() if hasattr(one, "of")}
    assert tested == set(FUNCTIONS)
    for name, function in FUNCTIONS.items():
        assert section(function, "Why"), name
        assert re.search(r"[\w/]+\.(py|html)\b", section(function, "Upstream")), name


def test_a_failure_names_the_part_of_gradio():
    @of_gradio(internals.queue_of)
    def gone():
        gr.Blocks._no_such_part  # noqa: B018

    with pytest.raises(AssertionError, match=r"gradio/blocks\.py, `Blocks\._queue`") as told:
        gone()
    assert "_no_such_part" in str(told.value)


_OTHERS = {"os._exit"}
"""Underscores that are not Gradio's."""
_UNDOCUMENTED = {
    "ANALYTICS_MAX_EVENTS", "accept_blobs", "active_jobs", "blob_storage", "blocks",
    "blocks_config", "config_for_block", "config_values", "default_config", "event_analytics",
    "event_ids_to_events", "event_queue_per_concurrency_id", "fns",
    "get_active_worker_count", "max_thread_count", "pending_event_ids_session",
    "pending_messages_per_session", "push", "root_block", "session_data", "show_progress_on",
    "state_data", "state_holder",
}  # fmt: skip
"""Attributes of Gradio's objects without an underscore that its documentation does not name."""


def reaches(source):
    """'line: what' for each use of a part of Gradio that is not documented."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            base = ast.unparse(node.value)
            is_private = node.attr.startswith("_") and not node.attr.startswith("__")
            is_own = base in ("self", "cls") or f"{base}.{node.attr}" in _OTHERS
            is_module = base == "gr" and node.attr not in (*gr.__all__, "themes")
            if (is_private and not is_own) or node.attr in _UNDOCUMENTED or is_module:
                found.append(f"{node.lineno}: {base}.{node.attr}")
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name.startswith("gradio")]
            found += [f"{node.lineno}: import {name}" for name in names if name != "gradio"]
        elif isinstance(node, ast.ImportFrom):
            if not node.level and node.module.split(".")[0] == "gradio":
                found.append(f"{node.lineno}: from {node.module}")
        elif isinstance(node, ast.Constant) and node.value in _UNDOCUMENTED - {"blocks", "push"}:
            found.append(f"{node.lineno}: {node.value!r}")
    return found


def test_a_reach_into_gradio_is_seen():
    source = """
import gradio as gr, gradio.blocks
from gradio.queueing import Queue
from .gradio_internals import queue_of
gr.utils.get_upload_folder(), gr.Error, gr.themes.Base, self._own, os._exit
demo._queue, demo.fns, getattr(app, "state_holder", None), event._data.get("k")
"""
    assert sorted(reaches(source)) == [
        "2: import gradio.blocks", "3: from gradio.queueing", "5: gr.utils", "6: 'state_holder'",
        "6: demo._queue", "6: demo.fns", "6: event._data",
    ]  # fmt: skip


def test_nothing_else_of_the_page_reaches_into_gradio():
    files = [*sorted((ROOT / "app").rglob("*.py")), ROOT / "app.py"]
    found = [
        f"{path.relative_to(ROOT)}:{reach}"
        for path in files
        if path.name != "gradio_internals.py" and path.is_file()
        for reach in reaches(path.read_text(encoding="utf-8"))
    ]
    assert not found, "ask a function of app.gradio_internals for it:\n" + "\n".join(found)
