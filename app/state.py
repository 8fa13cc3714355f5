"""What one visitor's session holds. Nothing else on the page remembers anything."""

from __future__ import annotations

from dataclasses import dataclass

from vtw_core.results import Run


@dataclass(frozen=True)
class Visitor:
    """``run`` is what the page shows; ``drawing`` says which picture tab is in front."""

    run: Run | None = None
    recorded: bool = False
    k: int | None = None
    drawing: bool = False
