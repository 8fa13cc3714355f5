"""One method of a comparison: a strategy, and the number of tokens it is to be fitted to."""

from dataclasses import dataclass

from vtw_core.errors import InputError
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.parameters import TOKENS, VISUAL, Parameter

WANTED_TOKENS = Parameter(
    "real", "tokens", "set it to leave so many visual tokens, mean of layers", name=TOKENS,
    default=None, least=0, most=VISUAL,
)  # fmt: skip
"""The parameter that a method has besides those of its strategy, if that takes a number of
tokens."""


@dataclass(frozen=True)
class Method:
    """One method of a comparison.

    Attributes:
        label: its name there; the baseline's is "baseline".
        strategy: what stays.
        tokens: a mean number of visual tokens to which the strategy is fitted on the very image and
            prompt; its own parameters then say only what is left open, such as MustDrop's
            thresholds, in which proportion they stand. A number out of reach becomes the nearest
            in reach. None: the strategy holds as it is.

    Raises:
        InputError: tokens for a strategy that cannot be fitted, or a number that is none.
    """

    label: str
    strategy: Strategy
    tokens: float | None = None

    def __post_init__(self) -> None:
        if self.tokens is None:
            return
        if not self.strategy.takes_tokens():
            raise InputError(
                "{strategy} cannot be set to a number of visual tokens; leave tokens out.",
                strategy=self.strategy.name,
            )
        if not 0 <= self.tokens < float("inf"):
            raise InputError(
                "tokens must be a number of visual tokens, not {value}.", value=self.tokens
            )
