"""Which models visitors may choose, what is known of each, and how they are loaded here."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vtw_core.errors import InputError, ModelError, Sentence, VTWError
from vtw_core.families.catalogue import EMBEDDED, KnownModel, known, memory_bytes
from vtw_core.families.packages import missing
from vtw_core.loading.hub import is_fetched
from vtw_core.loading.loading import HUB_ID
from vtw_core.machine import devices as machine
from vtw_core.machine.progress import LoadProgress

from ..words import models as text
from .loading.steps import load_steps
from .pool import ModelState, Pool

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

RESIDENT = 2
# The folders in front of a file or folder, such as of an adapter's base model; no web address.
_PLACE = re.compile(r"(?<![\w.:/])(?:/[^/\s'\"();,]+)+/(?=[^/\s'\"();,])")


@dataclass(frozen=True)
class LoadOptions:
    """How every model is loaded, as `vtw_core.load_model` takes it; None: as suits the machine."""

    device: str | None = None
    dtype: str | None = None
    quantize: str | None = None
    device_map: str | None = None


@dataclass(frozen=True)
class Offer:
    """A model that visitors may choose.

    Attributes:
        name: how visitors, programs and runs call it: a folder of the server goes by its own name.
        source: what `load_model` takes.
        known: its entry in the catalogue, if it has one.
        is_typed: a visitor named it; it is in no list.
    """

    name: str
    source: str
    known: KnownModel | None = None
    is_typed: bool = False

    @classmethod
    def of(cls, source: str) -> Offer:
        """Whoever runs the page names it: "embedded", a folder or a hub id."""
        entry = known(source)
        is_folder = entry is None and Path(source).is_dir()
        return cls(Path(source).resolve().name if is_folder else source, source, entry)

    @property
    def title(self) -> str:
        """How people call it, in the visitor's language."""
        title = self.known.title if self.known else self.name
        return str(text.CATALOGUE.get(title, title))

    @property
    def is_folder(self) -> bool:
        """Whether it lies in a folder of the server."""
        return self.name != self.source

    @cached_property
    def weights(self) -> int | None:
        """Bytes to fetch, or of a folder to read; None where that is not known."""
        if self.known:
            return self.known.download_bytes
        if not self.is_folder:
            return None
        return sum(file.stat().st_size for file in Path(self.source).glob("*.safetensors"))

    @property
    def is_fetched(self) -> bool:
        """Whether the hub's cache has it."""
        return is_fetched(self.source)

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that it needs and that are not installed."""
        return missing(self.known.packages) if self.known else ()


class Models:
    """The models of one page.

    Args:
        default: source of the model that is loaded at the start and used by who chooses none.
        others: sources of more models that visitors may choose.
        resident: how many may be in memory.
        free: whether visitors may type any hub id.
        fixed: whether all are loaded at the start and none later.
        load: as `load_steps`.

    Raises:
        InputError: two of them go by one name.
    """

    def __init__(
        self,
        default: str = EMBEDDED,
        others: Sequence[str] = (),
        *,
        resident: int = RESIDENT,
        free: bool = False,
        fixed: bool = False,
        options: LoadOptions = LoadOptions(),
        load: Callable[..., Generator[LoadProgress | VisionLanguageModel, None, None]] = load_steps,
    ) -> None:
        offers = [Offer.of(source) for source in dict.fromkeys((default, *others))]
        self.offers = {offer.name: offer for offer in offers}
        twice = next((one for one in offers if self.offers[one.name] is not one), None)
        if twice is not None:
            raise InputError(
                "Two models are called {name!r}; rename one of the folders.", name=twice.name
            )
        self.default = offers[0].name
        self.free = free
        self.fixed = fixed
        self.options = options
        self._load = load
        # One run at a time uses a model, and none while weights of another precision are read.
        self.busy = threading.Lock()
        places = len(offers) if fixed else resident
        self.pool = Pool(self._steps, places, memory=self.memory, free=self.free_memory)
        self._start_is_over = threading.Event()

    # ------------------------------------------------------------ which
    def offer(self, name: Any) -> Offer:
        """What is known of a model that a visitor or a program names.

        Raises:
            InputError: it is not offered here.
        """
        found = self.offers.get(name) if isinstance(name, str) else None
        if found is not None:
            return found
        if self.free and isinstance(name, str) and _is_hub_id(name):
            return Offer(name, name, known(name), is_typed=True)
        template = text.NOT_A_HUB_ID if self.free else text.NOT_OFFERED
        raise InputError(template, model=repr(name)[:100], names=", ".join(self.offers))

    def of_run(self, model: str) -> str:
        """The name by which the model that made a run goes here.

        Raises:
            InputError: it is not offered here.
        """
        named = (one.name for one in self.offers.values() if model in (one.name, one.source))
        found = next(named, None)
        if found is None and not (self.free and _is_hub_id(model)):
            raise InputError(text.RUN_OF_ANOTHER, model=model[:100])
        return found or model

    # ------------------------------------------------------------ loading
    def start(self) -> None:
        """Load the default in the background."""
        threading.Thread(target=self.load, name="first-model", daemon=True).start()

    def load(self) -> None:
        """Load the default, or all that are fixed; problems are told to who wants to use one."""
        for name in tuple(self.offers) if self.fixed else (self.default,):
            try:
                for _ in self.pool.loading(name):
                    pass
            except ModelError:
                continue  # the pool remembers why
        self._start_is_over.set()

    def wait(self, seconds: float) -> bool:
        """Whether the start is over within ``seconds`` (with success or not)."""
        return self._start_is_over.wait(seconds)

    @property
    def health(self) -> Literal["loading", "ready", "failed"]:
        """How far the page's own model is; ready, too, when it has left and would be back."""
        if not self._start_is_over.is_set():
            return "loading"
        return "failed" if self.state(self.default).phase == "failed" else "ready"

    def state(self, name: str) -> ModelState:
        """How far a model is."""
        return self.pool.state(name)

    def loading(self, name: str) -> Generator[ModelState, None, None]:
        """Have a model in memory, as `Pool.loading`.

        Raises:
            InputError: it is not offered here.
            ModelError: it could not be loaded.
        """
        self._check(name)
        yield from self.pool.loading(name)

    def using(self, name: str) -> AbstractContextManager[VisionLanguageModel]:
        """The model for a job, as `Pool.using`.

        Raises:
            InputError, ModelError: as `loading`.
        """
        self._check(name)
        return self.pool.using(name)

    def _check(self, name: str) -> None:
        self.offer(name)
        state = self.state(name)
        if self.fixed and self.wait(0) and state.phase != "ready":
            raise ModelError.of(state.problem or Sentence(text.NOT_IN_MEMORY, model=name))

    def _steps(self, name: str) -> Generator[LoadProgress | VisionLanguageModel, None, None]:
        """What the pool loads by."""
        offer = self.offer(name)
        try:
            for step in self._load(offer.source, **vars(self.options), alone=self.busy):
                if isinstance(step, LoadProgress):
                    yield step
                    continue
                # A process's first pass is slow; where jobs have processes of their own, each is.
                if not self.wait(0) and not self.fixed:
                    step.limit_threads()
                    step.warm_up()
                yield replace(step, name=name)
        except VTWError as problem:
            if not offer.is_folder:
                raise
            # Where the server keeps its models is nothing for visitors.
            folder = str(Path(offer.source).resolve())
            raise ModelError.of(
                problem.sentence.with_values(
                    lambda value: _PLACE.sub(
                        "", value.replace(folder, name).replace(offer.source, name)
                    )
                )
            ) from problem

    # ------------------------------------------------------------ memory
    @cached_property
    def device(self) -> str:
        """Where models are loaded; asks torch."""
        return self.options.device or machine.best_device()

    @cached_property
    def dtype(self) -> str:
        """What they are loaded in; asks torch."""
        return self.options.dtype or machine.best_dtype(self.device)

    def memory(self, name: str) -> int | None:
        """Bytes that a model takes here, weights and working room; None where not known."""
        entry = self.offer(name).known
        if entry is None:
            return None
        try:
            return memory_bytes(entry.parameters, self.dtype, self.options.quantize)
        except Exception:  # torch's, by back end, of a device that is not there: loading says so
            return None

    def free_memory(self) -> int | None:
        """Bytes that are free for models; None where that is not known, or several devices are."""
        return None if self.options.device_map else machine.free_memory(self.device)


def _is_hub_id(name: str) -> bool:
    """org/name, and no path of this server that looks like one."""
    is_id = bool(HUB_ID.fullmatch(name)) and ".." not in name and "--" not in name
    return is_id and not Path(name).exists()
