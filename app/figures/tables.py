"""Charts as CSV, one row for each value, so that any program can read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import Any

from vtw_core.errors import InputError

from ..presenters.csv_text import csv_text
from .chart import (
    Bars,
    Chart,
    FloatArray,
    Heatmap,
    Joint,
    Lines,
    Points,
    Series,
    Sheet,
    Stack,
    Table,
)


def chart_csv(chart: Chart) -> str:
    """The chart's numbers, in full, with a header; missing values are empty.

    Raises:
        InputError: a kind of chart without numbers.
    """
    rows = list(_rows(chart))
    return csv_text(rows[0], rows[1:])


@singledispatch
def _rows(chart: Chart) -> Iterator[Sequence[Any]]:
    raise InputError("A {kind} has no numbers to save.", kind=type(chart).__name__)


@_rows.register(Lines)
@_rows.register(Stack)
def _curves(chart: Lines | Stack) -> Iterator[Sequence[Any]]:
    columns = [column for series in chart.series for column in _columns(series)]
    yield [chart.x_label, *(name for name, _ in columns)]
    for index, x in enumerate(chart.x):
        yield [x, *(float(values[index]) for _, values in columns)]


def _columns(series: Series) -> list[tuple[str, FloatArray]]:
    """A curve, and the ends of its band behind it."""
    ends = () if series.band is None else zip(("low", "high"), series.band, strict=True)
    return [
        (series.name, series.values),
        *((f"{series.band_name}: {end}", values) for end, values in ends),
    ]


@_rows.register
def _bars(chart: Bars) -> Iterator[Sequence[Any]]:
    yield [chart.x_label, chart.y_label]
    yield from zip(chart.x, chart.values.tolist(), strict=True)


@_rows.register
def _joint(chart: Joint) -> Iterator[Sequence[Any]]:
    yield [chart.x_label, "panel", "curve", "value"]
    for panel in chart.panels:
        for series in panel.series:
            for x, value in zip(panel.x, series.values.tolist(), strict=True):
                yield [x, panel.title, series.name, value]


@_rows.register
def _heatmap(chart: Heatmap) -> Iterator[Sequence[Any]]:
    value = chart.unit or "value"
    yield ["row", "column", chart.y_label, chart.x_label, value, *(["word"] if chart.words else [])]
    for row, y in enumerate(chart.y_names):
        for column, x in enumerate(chart.x_names):
            words = [chart.words[row][column]] if chart.words else []
            yield [row, column, y, x, float(chart.values[row, column]), *words]


@_rows.register
def _sheet(chart: Sheet) -> Iterator[Sequence[Any]]:
    yield ["map", chart.y_label, chart.x_label, chart.unit or "value"]
    for title, values in zip(chart.titles, chart.values.tolist(), strict=True):
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                yield [title, row, column, value]


@_rows.register
def _points(chart: Points) -> Iterator[Sequence[Any]]:
    yield ["series", "point", chart.x_label, chart.y_label, "low", "high"]
    for series in chart.series:
        numbers = zip(
            *(part.tolist() for part in (series.x, series.y, series.low, series.high)), strict=True
        )
        for name, row in zip(series.names, numbers, strict=True):
            yield [series.name, name, *row]


@_rows.register
def _table(chart: Table) -> Iterator[Sequence[Any]]:
    yield chart.columns
    yield from chart.rows
