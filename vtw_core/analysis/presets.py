"""The thresholds that VTW was released with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EtaPreset:
    """A published KL threshold.

    Attributes:
        model: which model it was chosen for.
        eta: nats, KL(P_withdrawn || P_full) at the first answer token.
        k: the K that was used with that model, where one is named.
        source: where the number stands.
    """

    model: str
    eta: float
    k: int | None
    source: str


_CODE = "released VTW code, lzhxmu/VTW"

ETA_PRESETS: tuple[EtaPreset, ...] = (
    EtaPreset("LLaVA-1.5-7B", 0.003, 16, _CODE),
    EtaPreset("LLaVA-1.5-13B", 0.0005, 20, _CODE),
    EtaPreset("LLaVA-1.6-7B", 0.0001, None, _CODE),
    EtaPreset("other models", 0.003, None, _CODE),
)
