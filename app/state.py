"""What one visitor's session holds. Nothing else on the page remembers anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from vtw_core.results.calibration import Calibration
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.fates import TokenFates
from vtw_core.results.run import DEFAULT_ETA, Run

Origin = Literal["live", "recorded", "opened"]


class _Shared:
    """Nothing in it changes, so sessions share it: Gradio would copy a whole run for each visitor
    who opens the page."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True)
class Visitor(_Shared):
    """The run the page shows, and where it comes from: this server ("live"), the examples of the
    page ("recorded"), or a file of the visitor's ("opened").

    ``picture`` is the file that it is about, as long as it is there; ``further`` are those that
    were asked about with it. ``eta`` is the threshold in nats with which the page was opened, by
    its owner's setting or by a link: K* is meant at it. It is one that its line can stand at
    (`app.presenters.view.on_the_line`).
    """

    run: Run | None = None
    origin: Origin = "live"
    picture: str | None = None
    eta: float = DEFAULT_ETA
    further: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[str, ...]:
        """Every file that the run is about; none where the first is not there."""
        return () if self.picture is None else (self.picture, *self.further)


@dataclass(frozen=True)
class ShownMethods(_Shared):
    """The comparison of methods that the page shows.

    ``of`` is the `app.presenters.view.run_id` of the run whose picture and question it is about,
    ``layers`` what the controls were made for. ``refused``: (place, strategy, title, reason) of
    methods that could not run; place 0 is the baseline.
    """

    of: str = ""
    origin: Origin = "live"
    comparison: MethodComparison | None = None
    layers: int = 0
    refused: tuple[tuple[int, str, str, str], ...] = ()


@dataclass(frozen=True)
class ShownCalibration(_Shared):
    """The calibration the page shows, and in words where it comes from."""

    calibration: Calibration
    origin: str


@dataclass(frozen=True)
class Judged(_Shared):
    """One answer under a method that judges tokens by scores, and why each stayed or left.

    ``pictures`` are the files that it is about, as long as they are there. ``label`` is the
    method's name where several were compared, ``model`` what made it; None is the page's own.
    ``ranking`` says whose attention counted, where the strategy has a choice.
    """

    record: TokenFates
    answer: str
    prompt: str
    pictures: tuple[str, ...] = ()
    label: str = ""
    model: str | None = None
    ranking: str = ""


@dataclass(frozen=True, kw_only=True)
class Dropped(Judged):
    """One answer under MustDrop, whose thresholds and stages a visitor may change.

    ``stages``: letters of "abc", those that ran.
    """

    gamma: float
    alpha: float
    stages: str
