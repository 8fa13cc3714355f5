"""Load a model as a stream of how far it is."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from vtw_core.families.catalogue import EMBEDDED
from vtw_core.loading.loading import load_with, resolve
from vtw_core.loading.weights import placement
from vtw_core.machine.progress import LoadProgress, Report

from .background import in_background
from .download import cancellable

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel


def load_steps(
    name: str = EMBEDDED,
    *,
    device: str | None = None,
    dtype: Any = None,
    quantize: str | None = None,
    device_map: Any = None,
    alone: Lock | None = None,
) -> Generator[LoadProgress | VisionLanguageModel, None, None]:
    """Load a model as `vtw_core.load_model` does, in a thread of its own, as a stream of how far it
    is.

    Its last item is the model.

    Closing the generator ends the load, also in the middle of a download, and frees its memory;
    files that were wholly fetched stay in the hub's cache.

    Args:
        alone: held while weights are read in another precision than torch's default, because
            transformers then sets that default for the whole process. Whoever runs other models
            meanwhile holds it around each run.

    Further Args, and Raises: see `vtw_core.load_model`.
    """
    source = resolve(name)
    place = partial(placement, device, dtype, quantize, device_map)

    def load(report: Report) -> VisionLanguageModel:
        return load_with(name, source, place, partial(cancellable, report=report), report, alone)

    yield from in_background(load)
