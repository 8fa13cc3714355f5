"""What a comparison is asked for: a strategy, and the number of tokens it is to be fitted to."""

from dataclasses import dataclass

from vtw_core.errors import InputError
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.mustdrop import MustDrop


@dataclass(frozen=True)
class Method:
    """One method of a comparison.

    Attributes:
        label: its name there; the baseline's is "baseline".
        strategy: what stays.
        tokens: MustDrop only: a mean number of visual tokens to which its thresholds are fitted on
            the very image and prompt; they say then only in which proportion they stand. A number
            out of reach becomes the nearest in reach. None: the thresholds hold as they are.

    Raises:
        InputError: another strategy's tokens, or a number that is none.
    """

    label: str
    strategy: Strategy
    tokens: float | None = None

    def __post_init__(self) -> None:
        if self.tokens is None:
            return
        if not isinstance(self.strategy, MustDrop):
            raise InputError(
                "Only MustDrop's thresholds are fitted; leave tokens out of {strategy}.",
                strategy=self.strategy.name,
            )
        if not 0 <= self.tokens < float("inf"):
            raise InputError(
                "tokens must be a number of visual tokens, not {value}.", value=self.tokens
            )
