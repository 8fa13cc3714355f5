"""What an exploration says while it runs; its last event is the `Run` itself. No torch."""

from dataclasses import dataclass

from vtw_core.results import FloatArray, Run


@dataclass(frozen=True)
class Token:
    """One more token of the baseline answer.

    Attributes:
        text_so_far: the whole answer up to here.
        is_last: whether the answer ends here.
        seconds: since the prefill began, forward passes only.
    """

    text_so_far: str
    is_last: bool
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far the exploration is.

    Attributes:
        done, total: steps finished and to be done in all.
        message: what was just finished, in words.
    """

    done: int
    total: int
    message: str


@dataclass(frozen=True, eq=False)
class Curve:
    """The KL curve is complete; the answers at K < L are still to come.

    Attributes:
        kl_positions: [L+1, T] KL(P_withdrawn || P_full) in nats, as in `Run`.
    """

    kl_positions: FloatArray


@dataclass(frozen=True)
class Answers:
    """The answers at every K as far as they have come; all of them grow together.

    Attributes:
        texts: [L+1] the answer up to here.
        finished: [L+1] whether it is complete.
    """

    texts: tuple[str, ...]
    finished: tuple[bool, ...]


Event = Token | Progress | Curve | Answers | Run
