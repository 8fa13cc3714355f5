"""A chart as data: what is drawn and what it means, not how. Renderers stand beside this file.

Every chart says what it shows: quantity, layers, heads, query rows and unit in its `caption`, and
what it comes to in its `summary`, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vtw_core.measures.arrays import frozen

FloatArray = NDArray[np.float64]
Axis = Literal["x", "y"]
Dash = Literal["solid", "dash", "dot", "dashdot"]
Marker = Literal["circle", "square", "diamond", "triangle-up", "star"]


@dataclass(frozen=True)
class KLine:
    """K drawn through a chart as a line.

    Attributes:
        axis: the axis that carries layers, states or K.
        k: where it stands; None draws nothing until somebody chooses.
        offset: added to K for the place of the line: -0.5 on an axis of layers, where K lies
            between the last layer with the image and the first without.
    """

    axis: Axis = "x"
    k: int | None = None
    offset: float = 0.0

    @property
    def at(self) -> float:
        """The place of the line on its axis."""
        return (0 if self.k is None else self.k) + self.offset


@dataclass(frozen=True)
class Mark:
    """A straight line with a name: a horizontal one at a y, or a vertical one at an x."""

    axis: Axis
    at: float
    name: str
    color: str


@dataclass(frozen=True)
class Band:
    """Part of a heatmap's axis, from `start` up to but not including `stop`."""

    start: int
    stop: int
    name: str
    color: str


@dataclass(frozen=True, eq=False)
class Series:
    """One curve, or one share of a stack.

    Attributes:
        name: as the legend says it.
        values: [points], one for each x; NaN leaves a gap.
        color: CSS hex colour.
        dash: of the line.
        marker: plotly's word for the shape of a point, so that no curve depends on its colour.
        band: [2, points] lower and upper ends of an interval around the curve, drawn as a band;
            None draws none.
        band_name: as the legend says it.
    """

    name: str
    values: FloatArray
    color: str
    dash: Dash = "solid"
    marker: Marker = "circle"
    band: FloatArray | None = None
    band_name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float64))
        if self.band is not None:
            object.__setattr__(self, "band", frozen(self.band, np.float64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Chart:
    """What every chart has.

    Attributes:
        name: of its file, without an ending.
        title: one line, printed above it.
        x_label, y_label: with units.
        unit: of the values drawn.
        caption: the definition.
        summary: one or two sentences in words.
        is_share: the values are parts of a whole: they are told in percent.
        k_line: whether and where K is drawn.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    unit: str
    caption: str
    summary: str
    is_share: bool = False
    k_line: KLine | None = None


# Of the height of a logarithmic axis, left free at both ends.
_MARGIN = 0.03


class _OnAxis:
    """What is drawn along a y axis."""

    log_y: bool
    y_range: tuple[float, float] | None

    @property
    def y_limits(self) -> tuple[float, float] | None:
        """Where the axis ends: at `y_range`, a logarithmic one a little beyond it, since a decade
        often ends where a value stands, and half of its marker would be cut."""
        if self.y_range is None or not self.log_y:
            return self.y_range
        low, high = self.y_range
        beyond = (high / low) ** _MARGIN
        return low / beyond, high * beyond


@dataclass(frozen=True, eq=False, kw_only=True)
class Lines(_OnAxis, Chart):
    """Curves over a common x.

    Attributes:
        x: [points].
        series: the curves.
        log_y: a logarithmic axis; what is not above 0 leaves a gap.
        y_range: None for whatever holds all values.
        marks: straight lines.
    """

    x: Sequence[float]
    series: tuple[Series, ...]
    log_y: bool = False
    y_range: tuple[float, float] | None = None
    marks: tuple[Mark, ...] = ()

    def drawn_band(self, series: Series) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """x, lower and upper ends of a curve's band where the axis has a place for them: a
        logarithmic one cuts it off where `y_range` ends, and leaves out what has no curve."""
        if series.band is None:
            return None
        x, (low, high) = np.asarray(self.x, dtype=np.float64), series.band
        if self.log_y:
            shown = series.values > 0
            floor = self.y_range[0] if self.y_range else series.values[shown].min(initial=np.inf)
            x, low, high = x[shown], np.maximum(low[shown], floor), np.maximum(high[shown], floor)
        return x, low, high


@dataclass(frozen=True, eq=False, kw_only=True)
class Bars(_OnAxis, Chart):
    """One column for each x, such as how many there are.

    Attributes:
        x: [bars].
        values: [bars].
        color: CSS hex colour.
        y_range: None for whatever holds all values.
        marks: straight lines.
    """

    x: Sequence[float]
    values: FloatArray
    color: str
    y_range: tuple[float, float] | None = None
    marks: tuple[Mark, ...] = ()
    log_y: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Stack(Chart):
    """Shares that sum to 1 at each x, as columns on top of each other; the first lies lowest."""

    x: Sequence[float]
    series: tuple[Series, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Coloured(Chart):
    """Values as colours on one absolute scale.

    Attributes:
        values: NaN is no value and stays empty.
        low, high: ends of the colour scale, in the values' unit.
        log: whether the scale is logarithmic (then low > 0; smaller values get the lowest colour).
        flipped: row 0 on top.
    """

    values: FloatArray
    low: float
    high: float
    log: bool = False
    flipped: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float64))

    @property
    def scaled(self) -> FloatArray:
        """The values as coloured: log10 on a logarithmic scale, with `low` as floor."""
        return np.log10(np.maximum(self.values, self.low)) if self.log else self.values

    @property
    def scaled_range(self) -> tuple[float, float]:
        """Ends of the scale as coloured; never of no width."""
        low, high = np.log10([self.low, self.high]) if self.log else (self.low, self.high)
        return float(low), float(max(high, low + 1e-9))


@dataclass(frozen=True, eq=False, kw_only=True)
class Heatmap(Coloured):
    """A matrix: values [row, column].

    Attributes:
        diverging: a scale with two hues around its middle.
        x_names, y_names: [column], [row] what a column or row is; shown on hover and in the CSV.
        x_ticks, y_ticks: (place, words) pairs; None numbers every few.
        bands: parts of the x axis with names, such as segments.
        y_bands: likewise of the y axis.
        words: [row][column] text in the cells; None for none.
    """

    diverging: bool = False
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    x_ticks: tuple[tuple[float, str], ...] | None = None
    y_ticks: tuple[tuple[float, str], ...] | None = None
    bands: tuple[Band, ...] = ()
    y_bands: tuple[Band, ...] = ()
    words: tuple[tuple[str, ...], ...] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Sheet(Coloured):
    """Small multiples, values [map, row, column]: heatmaps with one colour scale.

    Attributes:
        titles: [map], short.
        highlight: index of the map to frame, or None.
    """

    titles: tuple[str, ...]
    highlight: int | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Joint(Chart):
    """Charts of curves below one another, lined up on one x axis; K runs through all of them."""

    panels: tuple[Lines, ...]


@dataclass(frozen=True, eq=False)
class Scatter:
    """Points of one kind, joined in their order.

    Attributes:
        name: as the legend says it.
        names: [points] what each point is; shown on hover and in the CSV.
        x, y: [points].
        low, high: [points] ends of y's interval.
        color: CSS hex colour.
        dash: of the line.
        marker: plotly's word for the shape of a point.
        filled: whether the points are filled; two kinds of one colour differ in it.
        labels: [points] short words printed beside the points; empty for none.
    """

    name: str
    names: tuple[str, ...]
    x: FloatArray
    y: FloatArray
    low: FloatArray
    high: FloatArray
    color: str
    dash: Dash = "solid"
    marker: Marker = "circle"
    filled: bool = True
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("x", "y", "low", "high"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Points(_OnAxis, Chart):
    """Named points with vertical intervals, what is paid against what is had.

    Attributes:
        series: the points.
        x_unit: of x.
        log_y: a logarithmic axis; points and ends under the lower end of `y_range`, which it then
            needs, are cut off there: a value of 0 has no point.
        y_range: None for whatever holds all values.
    """

    series: tuple[Scatter, ...]
    x_unit: str = ""
    log_y: bool = False
    y_range: tuple[float, float] | None = None

    def drawn(self, series: Scatter) -> tuple[FloatArray, FloatArray]:
        """y [points], NaN where a logarithmic axis has no place for it, and [2, points] how far
        the interval reaches below and above it."""
        y, low = series.y, series.low
        if self.log_y and self.y_range is not None:
            y = np.where(y > 0, np.maximum(y, self.y_range[0]), np.nan)
            low = np.maximum(low, self.y_range[0])
        return y, np.stack([np.maximum(y - low, 0), np.maximum(series.high - y, 0)])


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Chart):
    """Rows of words and numbers; `x_label`, `y_label` and `unit` may be empty."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
