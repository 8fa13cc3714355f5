"""Thresholds that were published with VTW, and where."""

from dataclasses import dataclass

_CODE = "VTW's released code (github.com/lzhxmu/VTW)"


@dataclass(frozen=True)
class EtaPreset:
    """One published threshold.

    Attributes:
        model: what it was published for.
        eta: nats, compared with the mean first-token KL(P_withdrawn || P_full).
        k: the K published for that model; None where there is none.
        source: where eta and K are to be found.
    """

    model: str
    eta: float
    k: int | None
    source: str


ETA_PRESETS = (
    EtaPreset("LLaVA-1.5-7B", 0.003, 16, f"{_CODE}: η and K = 16 (its README's example: K = 15)"),
    EtaPreset("LLaVA-1.5-13B", 0.0005, 20, f"{_CODE}: η and K = 20"),
    EtaPreset("LLaVA-1.6-7B", 0.0001, 16, f"η: {_CODE}; K = 16: VTW's table of FLOPs"),
    EtaPreset("any other model", 0.003, None, f"{_CODE}: the value it falls back to"),
)
