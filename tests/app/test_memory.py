"""Memory that runs out inside a model: one sentence, nothing left behind, the next run the same."""

import dataclasses
import gc
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from built_tabs import built, ran
from tiny_models import save_tiny_model

from app.sections.picture_choice import Pictures
from app.service.service import Service
from app.tabs.compare import Compare
from app.words import faults as text
from vtw_core.errors import ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.machine.memory import is_out_of_memory

QUESTION = "what is this ?"
MEASURED = {"seconds", "created"}


def vision_layers(vlm):
    return vlm.model.model.vision_tower.encoder.layers


PLACES = {
    "a decoder layer": lambda vlm: decoder_layers(vlm.model)[1],
    "the vision tower": lambda vlm: vision_layers(vlm)[0],
}


def no_room_on_the_cpu():
    torch.empty(10**15)


def no_room_on_the_gpu():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def no_room_in_python():
    raise MemoryError


def no_room_in_numpy():
    np.empty(10**15)


ERRORS = (no_room_on_the_cpu, no_room_on_the_gpu, no_room_in_python, no_room_in_numpy)

JOBS = {
    "explore": lambda service, path, run: list(service.explore(path, QUESTION))[-1],
    "explored": lambda service, path, run: service.explored(path, QUESTION, 4),
    "generate": lambda service, path, run: service.generate(path, QUESTION, "vtw --k 2", 4),
    "compare": lambda service, path, run: list(
        service.compare(path, QUESTION, [("a", "vtw --k 2"), ("b", "fastv --k 1 --ratio 0.5")])
    )[-1],
    "must_drop": lambda service, path, run: service.must_drop(path, QUESTION, 0.1, 0.1, "bc"),
    "test_image": lambda service, path, run: service.test_image(run, path, path, "other"),
    "calibrate": lambda service, path, run: list(service.calibrate([path], QUESTION))[-1],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, examples_folder):
    """A service of its own: what fails in it must not touch the other tests' model."""
    folder = save_tiny_model(tmp_path_factory.mktemp("llava"), "llava")
    service = Service(str(folder), examples_folder, answer_tokens=4)
    service.load()
    return service


@pytest.fixture(scope="module")
def undisturbed(tiny, image_path):
    """What each job answers before anything has failed, and how often it calls each place."""
    path, answers, calls = str(image_path), {}, {}
    run = JOBS["explore"](tiny, path, None)
    for name, job in JOBS.items():
        with ExitStack() as stack:
            counted = {
                place: stack.enter_context(
                    Fails(module(tiny.models.pool.model(tiny.model_name)), 0, None)
                )
                for place, module in PLACES.items()
            }
            answers[name] = job(tiny, path, run)
        calls |= {(name, place): one.calls for place, one in counted.items()}
    return run, answers, calls


class Fails:
    """A hook that fails at one of the calls of its module."""

    def __init__(self, module, at, fail):
        self.calls, self.at, self.fail = 0, at, fail
        self.handle = module.register_forward_pre_hook(self)

    def __call__(self, *_):
        self.calls += 1
        if self.calls == self.at:
            self.fail()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.handle.remove()


def traces(model):
    """Whatever a run could leave on a model."""
    return [
        (name, len(one._forward_pre_hooks), len(one._forward_hooks), sorted(vars(one)))
        for name, one in model.named_modules()
    ], model.config.to_json_string()


def same(one, other):
    """Whether two results are equal bit for bit, apart from times."""
    if type(one) is not type(other):
        return False
    if dataclasses.is_dataclass(one):
        return all(
            same(getattr(one, field.name), getattr(other, field.name))
            for field in dataclasses.fields(one)
            if field.name not in MEASURED and "seconds" not in field.name
        )
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def big_tensors():
    """How many tensors there are, apart from weights."""
    gc.collect()
    return sum(type(one) is torch.Tensor for one in gc.get_objects())


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_finds_no_memory_says_so_and_leaves_nothing_behind(
    tiny, undisturbed, image_path, name, place
):
    run, answers, calls = undisturbed
    path, vlm = str(image_path), tiny.models.pool.model(tiny.model_name)
    module = PLACES[place](vlm)
    before, tensors = traces(vlm.model), big_tensors()
    # In the middle and at the last call: sweep, answers, timing. Each kind of error in turn.
    places = sorted({(calls[name, place] + 1) // 2, calls[name, place]})
    first = 2 * ((list(JOBS).index(name) + list(PLACES).index(place)) % 2)
    for at, fail in zip(places, ERRORS[first:], strict=False):
        with Fails(module, at, fail), pytest.raises(ModelError) as refused:
            JOBS[name](tiny, path, run)
        assert str(refused.value) == text.OUT_OF_MEMORY
        assert refused.value.__context__ is None  # it would keep the frames, and so the tensors
        del refused
        assert traces(vlm.model) == before
    assert big_tensors() <= tensors
    assert not tiny.models.busy.locked()
    assert same(JOBS[name](tiny, path, run), answers[name])


def test_the_page_says_what_to_do_and_serves_the_next(tiny, undisturbed, image_path, monkeypatch):
    tab = built(Compare, tiny)
    monkeypatch.setattr(Pictures, "roots", [image_path.parent])
    from app.state import Visitor

    def last():
        return ran(tab, upload=str(image_path), prompt=QUESTION, visitor=Visitor())[-1]

    vlm = tiny.models.pool.model(tiny.model_name)
    with Fails(PLACES["a decoder layer"](vlm), 3, no_room_on_the_gpu):
        assert last()[tab.bench]["notice"] == {"kind": "error", "text": text.OUT_OF_MEMORY}
    assert same(last()[tab.shared.visitor].run, undisturbed[0])


def test_only_a_lack_of_memory_is_taken_for_one():
    for problem in (RuntimeError("shapes do not fit"), ValueError("can't allocate memory"),
                    OSError(28, "No space left on device"), ImportError(
                        "libgomp.so: cannot allocate memory in static TLS block")):  # fmt: skip
        assert not is_out_of_memory(problem)
