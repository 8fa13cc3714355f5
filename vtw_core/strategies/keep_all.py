"""The baseline: nothing is withdrawn."""

from dataclasses import dataclass

from vtw_core.strategies.base import Strategy
from vtw_core.strategies.registry import register


@register
@dataclass(frozen=True)
class KeepAll(Strategy):
    """Every visual token stays in every layer."""

    name = "none"
    summary = "nothing: the baseline"
