"""Position ids of what stays: a parameter that several strategies share."""

from typing import Any, get_args

from vtw_core.families.layout import Positions, check_positions
from vtw_core.strategies.parameters import parameter


def positions_parameter() -> Any:
    """The field `positions` of a strategy that can renumber."""
    return parameter(
        "choice",
        "positions",
        "position ids of what stays: as they were, or renumbered",
        default="keep",
        choices=get_args(Positions),
        check=_checked,
    )


def _checked(value: Any) -> Any:
    check_positions(value)
    return value
