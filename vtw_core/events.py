"""What an exploration says while it runs; its last event is the `Run` itself. No torch."""

from dataclasses import dataclass
from typing import Literal

from vtw_core.results import FloatArray, Run


@dataclass(frozen=True)
class Token:
    """One more token of an answer.

    Attributes:
        side: "baseline" (K = L) or "withdrawn".
        k: the K of this answer.
        text_so_far: the whole answer up to here.
        is_last: whether the answer ends here.
        seconds: since this answer's prefill began, forward passes only.
    """

    side: Literal["baseline", "withdrawn"]
    k: int
    text_so_far: str
    is_last: bool
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far the exploration is.

    Attributes:
        done, total: model runs finished and to be done in all.
        message: what was just finished, in words.
    """

    done: int
    total: int
    message: str


@dataclass(frozen=True, eq=False)
class Curve:
    """The KL curve is complete; the answers at the other K are still to come.

    Attributes:
        kl_positions: [L+1, T] KL(P_withdrawn || P_full) in nats, as in `Run`.
        k_first: the K whose answer comes next.
    """

    kl_positions: FloatArray
    k_first: int


Event = Token | Progress | Curve | Run
