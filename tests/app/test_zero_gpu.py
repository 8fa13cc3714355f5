"""Jobs in a forked process, arguments and results pickled, as ZeroGPU runs them."""

import multiprocessing
import pickle
import sys
import types

import gradio as gr
import numpy as np
import pytest

from app.sections import model_choice
from app.service import jobs, zero_gpu
from app.service.models import Models
from app.service.service import Service
from vtw_core.errors import VTWError
from vtw_core.results.run import Run

PROMPT = "what is this ?"


def in_a_forked_process(run):
    """Runs a job in a child, with nothing but pickled bytes on the way there and back."""

    def forked(model, job, *arguments):
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        sent = pickle.dumps((model, job, arguments))

        def child():
            try:
                name, wanted, given = pickle.loads(sent)
                for result in run(name, wanted, *given):
                    there.send_bytes(pickle.dumps(("result", result)))
                there.send_bytes(pickle.dumps(("end", None)))
            except Exception as problem:
                there.send_bytes(pickle.dumps(("error", problem)))

        process = context.Process(target=child, daemon=True)
        process.start()
        try:
            while True:
                kind, found = pickle.loads(here.recv_bytes())
                if kind == "end":
                    return
                if kind == "error":
                    raise found
                yield found
        finally:
            process.terminate()
            process.join(10)

    return forked


@pytest.fixture(scope="module")
def forking(tiny_folder, examples_folder):
    service = Service(str(tiny_folder), examples_folder, elsewhere=in_a_forked_process)
    service.load()
    assert service.state == "ready"
    return service


def test_a_run_is_the_same_there_as_here(forking, service, image_path):
    *_, there = forking.explore(str(image_path), PROMPT)
    *_, here = service.explore(str(image_path), PROMPT)
    assert isinstance(there, Run)
    assert there.answers == here.answers
    assert np.array_equal(there.kl_positions, here.kl_positions)
    assert np.array_equal(there.inside.attention.mass, here.inside.attention.mass)


def test_every_job_and_its_results_travel(forking, service, image_path):
    picture = str(image_path)
    run = forking.explored(picture, PROMPT, 4)
    assert run.answers == service.explored(picture, PROMPT, 4).answers
    made = forking.generate(picture, PROMPT, "fastv --k 1 --ratio 0.5", 4)
    assert made.answer == service.generate(picture, PROMPT, "fastv --k 1 --ratio 0.5", 4).answer
    *_, compared = forking.compare(picture, PROMPT, [("a", "vtw --k 2"), ("b", "random --k 2")])
    assert [entry.label for entry in compared.entries] == ["a", "b"]
    *_, whole = forking.explore(picture, PROMPT)
    again = forking.test_image(whole, picture, picture, "the same")
    assert again.inside.counterfactuals[-1].name == "the same"
    *_, calibration = forking.calibrate([picture], PROMPT)
    assert calibration.layers == run.layers
    dropped = forking.must_drop(picture, PROMPT, 0.01, 0.01, "bc")
    assert dropped.stages == "bc"


def test_a_refusal_travels_and_the_next_visitor_is_served(forking, image_path):
    with pytest.raises(VTWError, match="empty"):
        list(forking.explore(str(image_path), "  "))
    assert isinstance(list(forking.explore(str(image_path), PROMPT))[-1], Run)


def test_a_run_that_is_left_alone_frees_the_model(forking, image_path):
    steps = forking.explore(str(image_path), PROMPT)
    next(steps)
    steps.close()
    assert isinstance(list(forking.explore(str(image_path), PROMPT))[-1], Run)


def test_a_gpu_is_asked_for_only_as_long_as_a_job_takes(monkeypatch):
    asked = {}

    def gpu(duration):
        asked["seconds"] = duration
        return lambda function: function

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    run = zero_gpu.on_gpu(lambda model, job, *arguments: iter([model, job, *arguments]))
    asks = ["a/b", jobs.explore, "a.png", "?", 64]
    assert list(run(*asks)) == asks
    short = asked["seconds"]("a/b", jobs.generate, "a.png", "?", None, 8)
    long = asked["seconds"]("a/b", jobs.explore, "a.png", "?", 200)
    assert short < long < asked["seconds"]("a/b", jobs.calibrate, [None] * 50) <= 120


def test_every_model_is_there_before_the_page_starts_and_none_is_loaded_later(
    tiny_folders, examples_folder, image_path, tmp_path
):
    folders = [str(tiny_folders(family)) for family in ("llava", "llava_next")]
    missing = tmp_path / "damaged"
    missing.mkdir()
    models = Models(folders[0], [folders[1], str(missing)], resident=1, fixed=True)
    service = Service(models, examples_folder, elsewhere=in_a_forked_process)
    service.load()
    first, second, damaged = models.offers
    assert [models.state(name).phase for name in (first, second, damaged)] == [
        "ready", "ready", "failed",
    ]  # fmt: skip
    runs = [service.explored(str(image_path), PROMPT, 4, name) for name in (first, second, first)]
    assert [run.model for run in runs] == [first, second, first]
    assert runs[0].visual_tokens < runs[1].visual_tokens
    # What a visitor picks is there at once, or is refused: nothing is loaded for him.
    picker = model_choice._Handlers(service)
    *_, (value, chosen, _) = picker.load(first, second)
    assert chosen == second
    assert value["fixed"]
    *_, (value, chosen, _) = picker.load(first, damaged)
    assert chosen == gr.skip()
    assert models.state(damaged).problem in value["models"][-1]["said"]


@pytest.mark.parametrize(
    ("environment", "here"),
    [({}, False), ({"SPACES_ZERO_GPU": "true"}, True), ({"SPACES_ZERO_GPU": "0"}, False)],
)
def test_zero_gpu_is_known_by_its_variable(environment, here):
    assert zero_gpu.is_here(environment) is here
