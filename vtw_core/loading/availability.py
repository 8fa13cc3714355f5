"""Can this machine run a known model, and if not, why. No torch until it is called."""

from dataclasses import asdict, dataclass
from typing import Any

from vtw_core.errors import ModelError
from vtw_core.families.catalogue import SHIPPED, KnownModel, memory_bytes
from vtw_core.families.packages import missing
from vtw_core.loading.hub import is_fetched
from vtw_core.loading.loading import resolve
from vtw_core.machine import devices as machine


@dataclass(frozen=True)
class Availability:
    """A known model on this machine.

    Attributes:
        model: what is known of it.
        device, dtype, quantize: how it would be run.
        need: bytes of memory, see `memory_bytes`.
        free: bytes that are free on the device now, None where that is not known.
        missing_packages: names on PyPI that would have to be installed.
        fetched: whether its files are on this machine.
        reason: what prevents it, one sentence each; "" where nothing does.
    """

    model: KnownModel
    device: str
    dtype: str
    quantize: str | None
    need: int
    free: int | None
    missing_packages: tuple[str, ...]
    fetched: bool
    reason: str

    @property
    def runnable(self) -> bool:
        """Whether nothing prevents it."""
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        own = asdict(self)
        return own.pop("model") | own | {"runnable": self.runnable}


def availability(
    model: KnownModel, device: str, dtype: str, quantize: str | None = None
) -> Availability:
    """What this machine makes of a known model.

    Args:
        device, dtype, quantize: as of a `vtw_core.loading.weights.Placement`.
    """
    need, free = memory_bytes(model.parameters, dtype, quantize), machine.free_memory(device)
    lacking = missing(model.packages)
    fetched, reasons = is_fetched(model.name), []
    if model.name in SHIPPED:
        try:
            resolve(model.name)
            fetched = True
        except ModelError as error:
            reasons.append(str(error))
    if lacking:
        reasons.append(
            f"""It needs {" and ".join(lacking)}: pip install "visual-token-withdrawal[real]"."""
        )
    if free is not None and need > free:
        kind = " ".join(filter(None, (dtype, quantize)))
        reasons.append(
            f"It needs about {need / 1e9:.1f} GB of memory in {kind}, {free / 1e9:.1f} GB are free "
            f"on {device}."
        )
    return Availability(
        model, device, dtype, quantize, need, free, lacking, fetched, " ".join(reasons)
    )
