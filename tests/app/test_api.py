"""The endpoints that programs call, in the process and over the wire."""

import json
import re
import shutil
from pathlib import Path

import gradio as gr
import httpx
import pytest

from app.api import _Endpoints
from app.requests.faults import raising_refusals
from app.ui import build_demo
from vtw_core.strategies.words import method_from

PROMPT = "what is this ?"


@pytest.fixture
def endpoints(service):
    return _Endpoints(service)


@pytest.fixture
def uploaded_path(image_path):
    folder = Path(gr.utils.get_upload_folder()) / "api-test"
    folder.mkdir(parents=True, exist_ok=True)
    yield shutil.copy(image_path, folder / "picture.png")
    shutil.rmtree(folder)


def explore(endpoints, path, **changed):
    asked = {"max_new_tokens": 4, "eta": 0.003, "scope": "first_token", "rule": "first"} | changed
    return endpoints.explore(path, PROMPT, **asked)


def test_explore_answers_what_the_command_line_prints(endpoints, uploaded_path, service):
    answer = explore(endpoints, uploaded_path)
    run = service.explored(uploaded_path, PROMPT, 4)
    expected = run.to_json(0.003, "first_token", "first")
    assert answer.keys() == expected.keys()
    assert answer["answers"] == expected["answers"]
    assert answer["kl_first_token"] == expected["kl_first_token"]
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize(
    "method",
    [
        "none",
        "vtw --k 2",
        "fastv --k 2 --ratio 0.5",
        "mustdrop --stages bc --gamma 0.1 --alpha 0.1",
    ],
)
def test_generate_takes_every_method_in_the_words_of_the_command_line(
    endpoints, uploaded_path, method
):
    answer = endpoints.generate(uploaded_path, PROMPT, method, 4)
    assert answer["strategy"]["name"] == method.split()[0]
    assert len(answer["visual_tokens_per_layer"]) == 4


@pytest.mark.parametrize(
    "method", ["", "vtw", "vtw --k 99", "vtw --k -1", "nothing", "--k 3", "vtw --k 'x", "random"]
)
def test_a_bad_method_is_refused_in_one_sentence(endpoints, uploaded_path, method):
    with pytest.raises(gr.Error) as refused:
        raising_refusals(endpoints.generate)(uploaded_path, PROMPT, method, 4)
    assert "\n" not in refused.value.message
    assert not refused.value.print_exception


@pytest.mark.parametrize("length", [0, -1, 65, 10**9, True, None, "4", 4.5])
def test_the_length_of_an_answer_is_bounded(endpoints, uploaded_path, length):
    with pytest.raises(gr.Error, match="from 1 to 64"):
        raising_refusals(endpoints.generate)(uploaded_path, PROMPT, "none", length)


@pytest.mark.parametrize("eta", [-1, float("nan"), float("inf"), None])
def test_a_bad_threshold_is_refused_before_the_model_runs(endpoints, uploaded_path, eta):
    with pytest.raises(gr.Error, match="eta"):
        raising_refusals(endpoints.explore)(uploaded_path, PROMPT, 4, eta, "first_token", "first")


def test_several_pictures_are_withdrawn_together(endpoints, uploaded_path, service, vlm):
    asked = {"more_images": [uploaded_path]}
    answer = endpoints.generate(uploaded_path, PROMPT, "vtw --k 2", 4, **asked)
    one = endpoints.generate(uploaded_path, PROMPT, "vtw --k 2", 4)["visual_tokens_per_layer"]
    assert answer["visual_tokens_per_layer"] == [2 * count for count in one]
    run = explore(endpoints, uploaded_path, **asked)
    assert run["answers"][2] == answer["answer"]
    assert len(run["image_sizes"]) == 2
    assert explore(endpoints, uploaded_path, more_images=[])["image_sizes"] == [[48, 40]]


def test_further_pictures_meet_the_same_checks(endpoints, uploaded_path):
    for more in (["/etc/passwd"], [uploaded_path, ""], [None]):
        with pytest.raises(gr.Error, match="upload"):
            raising_refusals(endpoints.generate)(uploaded_path, PROMPT, "none", 4, "", more)
    with pytest.raises(gr.Error, match="There are 9 images; give at most 8"):
        raising_refusals(endpoints.generate)(
            uploaded_path, PROMPT, "none", 4, "", [uploaded_path] * 8
        )


@pytest.mark.parametrize("path", [None, "", "/etc/passwd", "../../etc/passwd", "http://x/y.png"])
def test_only_a_picture_that_was_uploaded_here_is_opened(endpoints, path):
    with pytest.raises(gr.Error, match="upload"):
        raising_refusals(endpoints.generate)(path, PROMPT, "none", 4)


def assert_refused(address, picture):
    """A caller who does not use the client may name a file as he likes."""
    url = f"{address}gradio_api/call/generate"
    picture = {**picture, "meta": {"_type": "gradio.FileData"}}
    asked = httpx.post(url, json={"data": [picture, PROMPT, "none", 4, "", None]})
    events = httpx.get(f"{url}/{asked.json()['event_id']}", timeout=60).text
    assert "event: error" in events
    assert "event: complete" not in events
    assert "Traceback" not in events


def test_over_the_wire_both_are_named_typed_and_refuse_a_path_on_the_server(service, image_path):
    from gradio_client import Client, handle_file

    demo = build_demo(service)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        client = Client(address, verbose=False)
        named = client.view_api(return_format="dict")["named_endpoints"]
        assert set(named) == {"/explore", "/generate"}
        for endpoint in named.values():
            names = [one["parameter_name"] for one in endpoint["parameters"]]
            assert names[:2] == ["image", "prompt"]
        picture = handle_file(str(image_path))
        answer = client.predict(picture, PROMPT, "vtw --k 2", 4, api_name="/generate")
        assert answer["visual_tokens_per_layer"][2:] == [0, 0]
        both = client.predict(
            picture, PROMPT, "vtw --k 2", 4, more_images=[picture], api_name="/generate"
        )
        assert both["visual_tokens_per_layer"] == [
            2 * count for count in answer["visual_tokens_per_layer"]
        ]
        assert_refused(address, {"path": "/etc/passwd"})
        assert_refused(address, {"path": str(image_path)})
        with pytest.raises(Exception, match="empty"):
            client.predict(picture, "  ", "none", 4, api_name="/generate")
    finally:
        demo.close()


def test_every_method_that_the_documentation_names_is_taken():
    page = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:none|vtw|fastv|random|mustdrop)(?::[^`]*)?)`", page)
    assert "mustdrop:preset=128,stages=bc" in named
    for one in named:
        assert method_from(one).label == one
