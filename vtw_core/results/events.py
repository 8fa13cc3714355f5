"""The events that an exploration or a comparison yields; the last is the result itself.

No torch.
"""

from dataclasses import dataclass

from vtw_core.errors import Sentence
from vtw_core.measures.arrays import FloatArray
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.run import Run


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
        done, total: steps finished and to be done in all; total is 0 where it is not known, as for
            a stream of samples.
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
        k_min: as in `Run`.
    """

    kl_positions: FloatArray
    k_min: int


@dataclass(frozen=True)
class Answers:
    """The answers at every K as far as they have come; all of them grow together.

    Attributes:
        texts: [L+1] the answer up to here.
        finished: [L+1] whether it is complete.
    """

    texts: tuple[str, ...]
    finished: tuple[bool, ...]


@dataclass(frozen=True)
class MethodToken:
    """One more token of one method's own answer.

    Attributes:
        method: 0 is the baseline, then the methods as they were requested.
        text_so_far: the whole answer up to here.
        is_last: whether the answer ends here.
    """

    method: int
    text_so_far: str
    is_last: bool


@dataclass(frozen=True)
class MethodRefused:
    """One method cannot be run; the comparison goes on without it.

    Attributes:
        method: as in `MethodToken`.
        reason: one sentence.
    """

    method: int
    reason: Sentence


Event = Token | Progress | Curve | Answers | Run
MethodEvent = Progress | MethodToken | MethodRefused | MethodComparison
