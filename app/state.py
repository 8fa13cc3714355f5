"""What one visitor's session holds. Nothing else on the page remembers anything."""

from __future__ import annotations

from dataclasses import dataclass

from vtw_core.calibrated import Calibration
from vtw_core.results import Run


@dataclass(frozen=True)
class Visitor:
    """The run the page shows, and whether it came with the page (``recorded``).

    ``picture`` is the file that it is about, as long as it is there.
    """

    run: Run | None = None
    recorded: bool = False
    picture: str | None = None


@dataclass(frozen=True)
class ShownCalibration:
    """The calibration the page shows, and in words where it comes from."""

    calibration: Calibration
    origin: str
