"""What one visitor's session holds. Nothing else on the page remembers anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vtw_core.calibrated import Calibration
from vtw_core.results import Run
from vtw_core.strategies.mustdrop import MustDrop
from vtw_core.strategies.mustdrop.record import MustDropRecord

Origin = Literal["live", "recorded", "opened"]


@dataclass(frozen=True)
class Visitor:
    """The run the page shows, and where it comes from: this server ("live"), the examples of the
    page ("recorded"), or a file of the visitor's ("opened").

    ``picture`` is the file that it is about, as long as it is there.
    """

    run: Run | None = None
    origin: Origin = "live"
    picture: str | None = None


@dataclass(frozen=True)
class ShownCalibration:
    """The calibration the page shows, and in words where it comes from."""

    calibration: Calibration
    origin: str


@dataclass(frozen=True)
class Dropped:
    """One answer under MustDrop, and why each visual token stayed or fell.

    ``picture`` is the file that it is about, as long as it is there.
    """

    strategy: MustDrop
    record: MustDropRecord
    answer: str
    prompt: str
    picture: str | None = None
