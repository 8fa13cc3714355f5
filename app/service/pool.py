"""The models in memory: loaded when somebody asks, shared by all visitors, a few at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vtw_core.errors import ModelError, Sentence, VTWError
from vtw_core.machine.memory import give_memory_back
from vtw_core.machine.progress import LoadProgress

from ..words import models as text

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

log = logging.getLogger(__name__)

Load = Callable[[str], Generator["LoadProgress | VisionLanguageModel", None, None]]
Stage = Literal["check", "download", "processor", "weights", "place"]
HEARTBEAT = 0.25
"""Seconds: how often progress is reported to a waiting visitor, who can leave then."""
MOST_FAILED = 20
"""Names whose problem is remembered; where visitors may type names, they could be any number."""

UNKNOWN = Sentence("")
"""Why a model could not be loaded, where the library knew no sentence for it."""


@dataclass(frozen=True)
class ModelState:
    """How far a model is.

    Attributes:
        phase: "absent" is not in memory and will be loaded when it is asked for.
        stage: of loading, as `LoadProgress.stage`, or "place": every place is taken by a model
            that somebody uses.
        done, total: bytes of this stage; a total of 0 is not known.
        problem: why it could not be loaded, in the library's sentence; `UNKNOWN` where it had none.
    """

    phase: Literal["absent", "loading", "ready", "failed"]
    stage: Stage = "check"
    done: int = 0
    total: int = 0
    problem: Sentence = UNKNOWN


ABSENT, READY = ModelState("absent"), ModelState("ready")


class _Loading:
    """One loading of a model and, once it is done, the model as long as it is in memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = ModelState("loading")
        self.vlm: VisionLanguageModel | None = None
        self.waiting = 0  # for its end
        self.users = 0  # of the model
        self.is_cancelled = False

    @property
    def is_idle(self) -> bool:
        """Whether the model can leave."""
        return self.vlm is not None and not self.users and not self.waiting


class Pool:
    """Loads models and holds at most so many of them; the least recently used idle one leaves.

    Loading happens in a thread of its own for each model, once for all who want it, and ends when
    nobody does any more. A model that is used never leaves.

    Args:
        load: yields how far it is, and at last the model; closing it cancels.
        places: how many models may be in memory.
        memory: bytes a model takes and bytes that are free, as far as they are known: idle models
            leave early for one that would not fit beside them.
    """

    def __init__(
        self,
        load: Load,
        places: int = 2,
        *,
        memory: Callable[[str], int | None] = lambda name: None,
        free: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._load = load
        self._places = places
        self._memory = memory
        self._free = free
        # Guards everything below, and everything in a `_Loading`.
        self._changed = threading.Condition()
        self._newest: dict[str, _Loading] = {}  # by name
        self._placed: list[_Loading] = []  # weights in memory or on their way; next to leave first

    def state(self, name: str) -> ModelState:
        """How far a model is."""
        one = self._newest.get(name)
        return ABSENT if one is None or one.is_cancelled else one.state

    def model(self, name: str) -> VisionLanguageModel:
        """A model that is in memory; takes no lock, so that a forked process can ask for it too.

        Raises:
            ModelError: it is not there.
        """
        one = self._newest.get(name)
        if one is None or one.vlm is None:
            raise ModelError(text.NOT_IN_MEMORY, model=name)
        return one.vlm

    def loading(self, name: str) -> Generator[ModelState, None, None]:
        """Have it in memory: yields how far it is until it is there, at once if it is already.

        Who closes this waits no longer; when nobody waits any more, loading ends.

        Raises:
            ModelError: it could not be loaded. Who asks again begins a new attempt.
        """
        with self._changed:
            one = self._newest.get(name)
            if one is None or one.is_cancelled or one.state.phase == "failed":
                one = self._begin(name)
            one.waiting += 1
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(_over(one), HEARTBEAT)
                    state = one.state
                if state.phase == "failed":
                    raise ModelError.of(state.problem or Sentence(text.NOT_LOADED, model=name))
                if state.phase == "ready":
                    return
                yield state
        finally:
            with self._changed:
                one.waiting -= 1
                if not one.waiting and one.state.phase == "loading":
                    one.is_cancelled = True
                self._changed.notify_all()

    @contextmanager
    def using(self, name: str) -> Iterator[VisionLanguageModel]:
        """The model, which stays in memory inside the ``with``; loads it where it is not there.

        Raises:
            ModelError: it could not be loaded.
        """
        while True:
            with self._changed:
                one = self._newest.get(name)
                if one is not None and one.vlm is not None:
                    one.users += 1
                    self._placed.remove(one)
                    self._placed.append(one)
                    vlm = one.vlm
                    break
            for _ in self.loading(name):
                pass
        try:
            yield vlm
        finally:
            with self._changed:
                one.users -= 1
                self._changed.notify_all()

    def _begin(self, name: str) -> _Loading:
        one = _Loading(name)
        self._newest.pop(name, None)
        self._newest[name] = one
        failed = [old for old, each in self._newest.items() if each.state.phase == "failed"]
        for old in failed[:-MOST_FAILED]:
            del self._newest[old]
        threading.Thread(target=self._work, args=(one,), name=f"load {name}", daemon=True).start()
        return one

    def _work(self, one: _Loading) -> None:
        """The thread of one loading."""
        problem: Sentence | None = None
        vlm: VisionLanguageModel | None = None
        try:
            self._reserve(one)
            self._make_room(one)
            vlm = self._loaded(one)
            self._settle(one)
        except Exception as failure:
            log.exception("the model %s could not be loaded", one.name)
            # Only the sentence is kept: an exception would keep every frame's weights alive. Here
            # nobody's language is spoken, so words of the page's own are found by who shows it.
            problem = failure.sentence if isinstance(failure, VTWError) else UNKNOWN
        with self._changed:
            if vlm is not None and not one.is_cancelled and problem is None:
                one.vlm, one.state = vlm, READY
            elif problem is None:
                self._leave(one, ABSENT)
            else:
                self._leave(one, ModelState("failed", problem=problem))
            self._changed.notify_all()
        del vlm
        give_memory_back()

    def _loaded(self, one: _Loading) -> VisionLanguageModel | None:
        """The model; None when nobody wants it any more."""
        if one.is_cancelled:
            return None
        with closing(self._load(one.name)) as steps:
            for step in steps:
                if not isinstance(step, LoadProgress):
                    return step
                if step.stage != "check":
                    self._settle(one)
                with self._changed:
                    one.state = ModelState("loading", step.stage, step.done, step.total)
                if one.is_cancelled:
                    return None
        raise ModelError("Loading {name} ended without a model; try again.", name=one.name)

    def _reserve(self, one: _Loading) -> None:
        """Wait until one of the places can be had; idle models keep theirs until `_settle`."""
        with self._changed:
            while not one.is_cancelled:
                if sum(not other.is_idle for other in self._placed) < self._places:
                    self._placed.append(one)
                    return
                one.state = ModelState("loading", "place")
                self._changed.wait()

    def _make_room(self, one: _Loading) -> None:
        """Let idle models leave for one that does not fit beside them, if that is enough."""
        needed, free = self._memory(one.name), self._free()
        if needed is None or free is None or needed <= free:
            return
        with self._changed:
            leaving = []
            for idle in [other for other in self._placed if other.is_idle]:
                if needed > free:
                    free += self._memory(idle.name) or 0
                    leaving.append(idle)
            if needed <= free:
                for idle in leaving:
                    self._leave(idle, ABSENT)
        give_memory_back()

    def _settle(self, one: _Loading) -> None:
        """Idle models leave until no more are there than there are places.

        Not before the checks are passed: what cannot be loaded anyway sends nobody away.
        """
        with self._changed:
            if len(self._placed) <= self._places:
                return
            while len(self._placed) > self._places and not one.is_cancelled:
                idle = next((other for other in self._placed if other.is_idle), None)
                if idle is None:  # it was asked for again meanwhile
                    self._changed.wait()
                else:
                    self._leave(idle, ABSENT)
        give_memory_back()

    def _leave(self, one: _Loading, state: ModelState) -> None:
        """Nothing of it is in memory any more; the lock is held."""
        one.vlm, one.state = None, state
        if one in self._placed:
            self._placed.remove(one)
        if state is ABSENT and self._newest.get(one.name) is one:
            del self._newest[one.name]


def _over(one: _Loading) -> Callable[[], bool]:
    return lambda: one.state.phase != "loading"
