"""Calibrate K over a set of images and prompts, on one process or many.

Every sample is explored once at every K; what is kept of it is a small `Explored`. With shards,
finished samples are in files and a later run, also after a kill, takes them from there.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vtw_core.data.dataset import Item
from vtw_core.data.fingerprint import identity
from vtw_core.data.records import InMemory, Part, Records, Store, finish
from vtw_core.errors import InputError
from vtw_core.files.serialization import deserialize
from vtw_core.results import older_files
from vtw_core.results.calibration import Calibration, Sample, Setting
from vtw_core.results.events import Progress

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

MAX_NEW_TOKENS = 32


@dataclass(frozen=True)
class Explored:
    """The record of one sample, under the name and with the answers that it was first given."""

    setting: Setting
    sample: Sample
    k_min: int

    def __post_init__(self) -> None:
        """Raise InputError where lengths and values do not fit together."""
        Calibration(self.setting, (self.sample,), self.k_min)

    @classmethod
    def from_json(cls, data: Any) -> "Explored":
        """Read the record of a shard; raises InputError, TypeError or KeyError if it is damaged."""
        return deserialize(cls, older_files.explored(data))


class Samples(Sequence[Sample]):
    """The samples behind records, each read on demand: a `Calibration` over these holds
    none of them in memory."""

    def __init__(self, records: Records[Explored]) -> None:
        self._records = records
        first = records[0][1]
        self.setting, self.k_min = first.setting, first.k_min

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        entry, record = self._records[index]
        if (record.setting, record.k_min) != (self.setting, self.k_min):
            raise InputError("The parts differ in model, versions or limits; calibrate them alike.")
        return replace(record.sample, image=entry.name, accepted=entry.accepted)


def calibrate(
    vlm: "VisionLanguageModel",
    items: Sequence[Item],
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    store: Store[Explored] | None = None,
) -> Calibration:
    """Run `calibrate_steps` to its end and return the `Calibration`; same errors."""
    for event in calibrate_steps(vlm, items, max_new_tokens=max_new_tokens, store=store):
        if isinstance(event, Calibration):
            return event
    raise RuntimeError("calibrate_steps ended without a Calibration")


def calibrate_steps(
    vlm: "VisionLanguageModel",
    items: Sequence[Item],
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    store: Store[Explored] | None = None,
) -> Generator[Progress | Calibration, None, None]:
    """Explore the items one after the other: a `Progress` after each, at last the `Calibration`.

    It can be closed at any event; what is finished then is in the store, for instance
    ``Shards(folder, Explored.from_json)``.

    Raises:
        InputError: no items, a bad image, or a store that cannot be written; names the item.
    """
    kept: Store[Explored] = InMemory() if store is None else store
    yield Progress(0, len(items), "model loaded")
    if not items:
        raise InputError("There is no sample to calibrate on; give at least one image.")
    entries = yield from finish(
        items,
        kept,
        depends_on(vlm, max_new_tokens),
        lambda item: explored(vlm, item, max_new_tokens),
        len(items),
    )
    samples = Samples(Records([Part(entries, kept)]))
    yield Calibration(samples.setting, tuple(samples), samples.k_min)


def depends_on(vlm: "VisionLanguageModel", max_new_tokens: int) -> list[Any]:
    """What the record of a sample depends on besides its image and prompt."""
    return ["calibrate", *identity(vlm), max_new_tokens]


def explored(vlm: "VisionLanguageModel", item: Item, max_new_tokens: int) -> Explored:
    """One sample at every K.

    Raises:
        InputError: a bad image, prompt or limit.
    """
    run = vlm.explore(item.image, item.prompt, max_new_tokens=max_new_tokens, timed=False)
    return Explored(Setting.of(run), Sample.of(run, item.name, item.accepted), run.k_min)
