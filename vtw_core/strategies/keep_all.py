"""The baseline: nothing is withdrawn."""

from dataclasses import dataclass
from typing import Any

from vtw_core.families.layout import TokenLayout
from vtw_core.strategies.base import IntArray


@dataclass(frozen=True)
class KeepAll:
    """Every visual token stays in every layer."""

    name = "none"

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        return {"name": self.name}

    def check(self, layers: int) -> None:
        """Fits every decoder."""

    def visual_kept(self, layer: int, layout: TokenLayout, alive: IntArray) -> IntArray:
        """All that are there."""
        return alive
