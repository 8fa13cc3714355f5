"""The pool of models: shared loadings, room for others, cancelling, and nothing taken away in use.

The models here are plain objects, and a loading goes on only when the test says so.
"""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from app.service import pool as pool_module
from app.service.pool import ABSENT, MOST_FAILED, READY, Pool
from vtw_core.errors import ModelError
from vtw_core.machine.progress import LoadProgress

PATIENCE = 60  # seconds; no test measures time


class Model:
    """Stands for a model in memory."""

    def __init__(self, name):
        self.name = name


class Loader:
    """Loads when it is let; counts what was begun and what was cancelled.

    Args:
        held: names whose loading stops before its weights until `let` is called for them.
        broken: names that cannot be loaded, with the exception.
    """

    def __init__(self, held=(), broken=()):
        self.gates = {name: threading.Event() for name in held}
        self.broken = dict(broken)
        self.begun, self.cancelled = [], []
        self.alive = weakref.WeakSet()

    def __call__(self, name):
        self.begun.append(name)
        try:
            yield LoadProgress("check")
            gate = self.gates.get(name)
            while gate is not None and not gate.wait(0.01):
                yield LoadProgress("download", 30, 100)
            if name in self.broken:
                raise self.broken[name]
            yield LoadProgress("weights", 0, 8)
            model = Model(name)
            self.alive.add(model)
        except GeneratorExit:
            self.cancelled.append(name)
            raise
        yield model

    def let(self, name):
        self.gates[name].set()


def until(condition):
    """Waits for another thread."""
    waiting = threading.Event()
    for _ in range(100 * PATIENCE):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen")


def load(pool, *names):
    for name in names:
        for _ in pool.loading(name):
            pass


@pytest.fixture(autouse=True)
def nothing_to_collect(monkeypatch):
    """Collecting garbage takes long in a process that has loaded torch; these models are small."""
    monkeypatch.setattr(pool_module, "give_memory_back", lambda: None)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(16) as executor:
        yield executor


def test_a_model_is_loaded_when_it_is_asked_for_and_stays():
    loader = Loader()
    pool = Pool(loader)
    assert pool.state("a") == ABSENT
    with pool.using("a") as first, pool.using("a") as second:
        assert first is second is pool.model("a")
    assert pool.state("a") == READY
    assert loader.begun == ["a"]


def test_all_who_ask_for_a_model_share_one_loading(threads):
    loader = Loader(held="a")
    pool = Pool(loader)
    waiting = [threads.submit(load, pool, "a") for _ in range(8)]
    until(lambda: pool._newest.get("a") and pool._newest["a"].waiting == 8)
    assert pool.state("a").phase == "loading"
    loader.let("a")
    wait(waiting, PATIENCE)
    assert all(one.exception() is None for one in waiting)
    assert loader.begun == ["a"]


def test_how_far_it_is_is_told():
    loader = Loader(held="a")
    pool = Pool(loader)
    steps = pool.loading("a")
    until(lambda: next(steps).stage == "download")
    state = next(steps)
    assert (state.phase, state.done, state.total) == ("loading", 30, 100)
    loader.let("a")
    assert all(one.phase == "loading" for one in steps)
    assert list(pool.loading("a")) == []


def test_the_least_recently_used_one_that_nobody_uses_leaves():
    loader = Loader()
    pool = Pool(loader, places=2)
    load(pool, "a", "b")
    with pool.using("a"):
        pass
    load(pool, "c")
    assert [pool.state(name).phase for name in "abc"] == ["ready", "absent", "ready"]
    with pool.using("a"):  # though it was used longest ago
        load(pool, "d")
        assert [pool.state(name).phase for name in "acd"] == ["ready", "absent", "ready"]
    gc.collect()
    assert {model.name for model in loader.alive} == {"a", "d"}


def test_a_model_in_use_never_leaves_and_who_wants_its_place_waits_for_it(threads):
    pool = Pool(Loader(), places=1)
    with pool.using("a") as model:
        other = threads.submit(load, pool, "b")
        until(lambda: pool.state("b").stage == "place")
        assert pool.model("a") is model
    assert other.exception(PATIENCE) is None
    assert (pool.state("a"), pool.state("b")) == (ABSENT, READY)


def test_who_waits_for_a_place_can_go_away(threads):
    loader = Loader()
    pool = Pool(loader, places=1)
    with pool.using("a"):
        steps = pool.loading("b")
        until(lambda: next(steps).stage == "place")
        steps.close()
        until(lambda: "b" not in pool._newest)
    assert loader.begun == ["a"]
    assert pool.state("a") == READY


def test_the_last_one_who_waits_cancels_and_its_memory_is_free():
    loader = Loader(held="a")
    pool = Pool(loader)
    steps = pool.loading("a")
    until(lambda: next(steps).stage == "download")
    steps.close()
    assert pool.state("a") == ABSENT
    until(lambda: loader.cancelled == ["a"])
    until(lambda: not pool._placed)
    gc.collect()
    assert not loader.alive
    loader.let("a")
    load(pool, "a")
    assert loader.begun == ["a", "a"]


def test_while_another_waits_loading_goes_on(threads):
    loader = Loader(held="a")
    pool = Pool(loader)
    other = threads.submit(load, pool, "a")
    steps = pool.loading("a")
    until(lambda: next(steps).stage == "download" and pool._newest["a"].waiting == 2)
    steps.close()
    loader.let("a")
    assert other.exception(PATIENCE) is None
    assert (loader.begun, loader.cancelled) == (["a"], [])
    assert pool.state("a") == READY


def test_who_asks_again_while_a_cancelled_loading_ends_gets_a_new_one():
    loader = Loader(held="a")
    pool = Pool(loader)
    first = pool.loading("a")
    until(lambda: next(first).stage == "download")
    first.close()
    second = pool.loading("a")
    loader.let("a")
    list(second)
    until(lambda: len(pool._placed) == 1)
    assert pool.state("a") == READY
    assert pool._placed == [pool._newest["a"]]


def test_what_cannot_be_loaded_is_one_sentence_sends_nobody_away_and_can_be_tried_again():
    loader = Loader(broken={"bad": ModelError("There is no model bad; check the name.")})
    pool = Pool(loader, places=1)
    load(pool, "a")
    for _ in range(2):
        with pytest.raises(ModelError, match="check the name") as told:
            load(pool, "bad")
        assert told.value.__cause__ is told.value.__context__ is None
    assert pool.state("bad").problem == "There is no model bad; check the name."
    assert pool.state("a") == READY
    del loader.broken["bad"]
    load(pool, "bad")
    assert pool.state("bad") == READY


def test_an_unexpected_failure_says_no_detail(caplog):
    pool = Pool(Loader(broken={"bad": RuntimeError("/secret/path")}))
    with pytest.raises(ModelError, match="could not be loaded") as told:
        load(pool, "bad")
    assert "secret" not in str(told.value)
    assert "/secret/path" in caplog.text


def test_everybody_who_waits_hears_of_a_failure(threads):
    loader = Loader(held="a")
    pool = Pool(loader)
    waiting = [threads.submit(load, pool, "a") for _ in range(4)]
    until(lambda: pool._newest.get("a") and pool._newest["a"].waiting == 4)
    loader.broken["a"] = ModelError("no")
    loader.let("a")
    wait(waiting, PATIENCE)
    assert [str(one.exception()) for one in waiting] == ["no"] * 4
    assert loader.begun == ["a"]


def test_names_of_failures_do_not_pile_up():
    names = [f"bad{number}" for number in range(MOST_FAILED + 5)]
    pool = Pool(Loader(broken={name: ModelError("no") for name in names}))
    for name in names:
        with pytest.raises(ModelError):
            load(pool, name)
    assert len(pool._newest) <= MOST_FAILED + 1


def test_a_run_on_one_model_ends_while_another_is_being_loaded(threads):
    loader = Loader(held="b")
    pool = Pool(loader)
    load(pool, "a")
    waiting = threads.submit(load, pool, "b")
    until(lambda: pool.state("b").stage == "download")
    with pool.using("a") as model:
        assert model.name == "a"
    assert pool.state("b").phase == "loading"
    loader.let("b")
    assert waiting.exception(PATIENCE) is None


def test_idle_models_leave_early_for_one_that_does_not_fit_beside_them():
    sizes = {"a": 3, "b": 4, "large": 9, "huge": 99}

    def free():
        return 10 - sum(sizes[one.name] for one in pool._placed if one.vlm)

    pool = Pool(Loader(), places=4, memory=sizes.get, free=free)
    load(pool, "a", "b")
    load(pool, "huge")  # nobody's leaving would be enough: it may try
    assert [pool.state(name).phase for name in ("a", "b")] == ["ready", "ready"]
    pool._leave(pool._newest["huge"], ABSENT)
    load(pool, "large")
    assert [pool.state(name).phase for name in ("a", "b", "large")] == ["absent", "absent", "ready"]


def test_under_load_everybody_gets_the_model_he_asked_for_and_places_are_kept(threads):
    loader = Loader()
    pool = Pool(loader, places=2)
    most, guard, using = [], threading.Lock(), dict.fromkeys("abcd", 0)

    def ask(number):
        name = "abcd"[number * 7 % 4]
        with pool.using(name) as model:
            with guard:
                using[name] += 1
                most.append(sum(count > 0 for count in using.values()))
            assert model.name == name
            assert pool.model(name) is model
            with guard:
                using[name] -= 1
        return name

    asked = [threads.submit(ask, number) for number in range(200)]
    wait(asked, PATIENCE)
    assert [one.result() for one in asked] == ["abcd"[number * 7 % 4] for number in range(200)]
    assert max(most) <= 2
    assert len(pool._placed) <= 2
    gc.collect()
    assert len(loader.alive) <= 2


def test_a_model_that_is_not_there_is_refused_to_a_process_of_its_own():
    with pytest.raises(ModelError, match="not in memory"):
        Pool(Loader()).model("a")
