"""Calibrate K over a set of images and prompts, on one process or many.

Every sample is explored once at every K; what is kept of it is a small `Sample`. With a store,
finished samples lie in files and a later run, also after a kill, takes them from there.
"""

import hashlib
import json
import os
from collections.abc import Generator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vtw_core
from vtw_core.calibrated import Calibration, Sample, Setting
from vtw_core.dataset import Item
from vtw_core.documents import refuse_constant
from vtw_core.errors import InputError
from vtw_core.events import Progress

if TYPE_CHECKING:
    from vtw_core.models.vlm import VisionLanguageModel

MAX_NEW_TOKENS = 32
# Values of each weight tensor that go into the fingerprint: training moves every one of them.
FINGERPRINT_VALUES = 64


def calibrate(
    vlm: "VisionLanguageModel",
    items: Sequence[Item],
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    store: "Store | None" = None,
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
    store: "Store | None" = None,
) -> Generator[Progress | Calibration, None, None]:
    """Explore the items one after the other: a `Progress` behind each, at last the `Calibration`.

    It can be closed at any event; what is finished then is in the store.

    Raises:
        InputError: no items, a bad image, or a store that cannot be written; names the item.
    """
    records: list[tuple[Setting, Sample]] = []
    yield Progress(0, len(items), "model loaded")
    for item in items:
        key = None if store is None else store.key(item)
        found = None if store is None or key is None else store.get(key)
        if found is None:
            found = _explore(vlm, item, max_new_tokens)
            if store is not None and key is not None:
                store.put(key, *found)
        # Name and answers are not part of the key: they do not change what the model does.
        own = replace(found[1], image=item.image.name, accepted=item.accepted)
        records.append((found[0], own))
        yield Progress(len(records), len(items), item.image.name)
    if not records:
        raise InputError("There is no sample to calibrate on; give at least one image.")
    yield Calibration(records[0][0], tuple(sample for _, sample in records))


def _explore(vlm: "VisionLanguageModel", item: Item, max_new_tokens: int) -> tuple[Setting, Sample]:
    try:
        run = vlm.explore(item.image, item.prompt, max_new_tokens=max_new_tokens)
    except InputError as error:
        raise InputError(f"{item.where or item.image.name}: {error}") from error
    return Setting.of(run), Sample.of(run, item.image.name, item.accepted)


class Store:
    """A folder with one JSON file for each finished sample.

    The file's name is a hash of everything that the result depends on: the model's name, weights,
    precision and kind of device, the image's bytes, the prompt, the limit and the versions. So
    another model or a changed picture is never mistaken for a finished sample, several processes
    never write the same file, and one folder can serve many calibrations.
    """

    def __init__(
        self, folder: str | Path, vlm: "VisionLanguageModel", max_new_tokens: int = MAX_NEW_TOKENS
    ) -> None:
        self.folder = Path(folder)
        self._depends_on = [
            vlm.name, fingerprint(vlm.model), str(vlm.model.dtype), vlm.device.type,
            max_new_tokens, vtw_core.__version__, version("torch"), version("transformers"),
        ]  # fmt: skip
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder} cannot be made a folder: {error.strerror}.") from error

    def key(self, item: Item) -> str:
        """The name of an item's record; raises InputError if its image cannot be read."""
        try:
            image = hashlib.sha256(item.image.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{item.where}: {item.image} cannot be read.") from error
        parts = json.dumps([*self._depends_on, image, item.prompt])
        return hashlib.sha256(parts.encode("utf-8")).hexdigest()

    def get(self, key: str) -> tuple[Setting, Sample] | None:
        """A finished record; None if there is none, or if it is damaged and must be redone."""
        try:
            text = self._path(key).read_text(encoding="utf-8")
            document = json.loads(text, parse_constant=refuse_constant)
            if document["key"] != key:
                return None
            setting = Setting.from_json(document["setting"])
            sample = Sample.from_json(document["sample"])
            Calibration(setting, (sample,))  # checks that lengths and values fit together
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return setting, sample

    def put(self, key: str, setting: Setting, sample: Sample) -> None:
        """Write a record whole or not at all, so that a kill leaves no half of one."""
        document = {"key": key, "setting": setting.to_json(), "sample": sample.to_json()}
        path = self._path(key)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            partial.write_text(json.dumps(document), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {error.strerror}.") from error

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def fingerprint(model: Any) -> str:
    """A hash of a model's weights: name, shape and the first values of every tensor.

    Weights that are not in memory (offloaded) count by name and shape only.
    """
    digest = hashlib.sha256()
    for name, weight in model.named_parameters():
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        if weight.device.type != "meta":
            first = weight.detach().flatten()[:FINGERPRINT_VALUES].float().cpu()
            digest.update(first.numpy().tobytes())
    return digest.hexdigest()
