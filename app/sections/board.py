"""The charts of one theme on the page: where they stand, and how they are redrawn and saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from ..components.chart import chart_part, show_chart
from ..figures.chart import Chart, Table
from ..figures.fonts import drawn_language
from ..figures.tables import chart_csv
from ..gradio_internals import sent_with
from ..requests.events import IMMEDIATE
from ..requests.refusal import refusal
from ..words import inside as text
from ..words.language import current, speaking
from .downloads import cached, cached_table, download_on
from .run_flow import Updates, Values

Make = Callable[..., Chart | None]


class Board:
    """Places for charts, by name.

    Args:
        theme: begins the ids of its parts.
        make: name -> how the chart is made of what ``source`` gives.
        source: what the page's components hold -> what the charts are made of, the arguments of
            each maker; None where there is nothing to draw. The values are a visitor's input, which
            the makers clamp. The first argument has layers, as L of a run, or ``layers`` says them.
        gone: the sentence for who saves a chart that is not there; None for the usual one.
    """

    def __init__(
        self,
        theme: str,
        make: Mapping[str, Make],
        source: Callable[[Values], tuple[Any, ...] | None],
        *,
        layers: Callable[[Any], int] = lambda result: int(result.layers),
        gone: str | None = None,
    ) -> None:
        self.theme = theme
        self.make = make
        self.source = source
        self.layers = layers
        self.gone = gone
        self.parts: dict[str, gr.HTML] = {}

    def place(self, *names: str) -> None:
        """Put places for charts here, below one another."""
        for name in names:
            self.parts[name] = chart_part(f"{self.theme}-{name}")

    def show(self, values: Values, names: Sequence[str] | None = None) -> Updates:
        """What some places are told, or all of them."""
        return self.draw(self.source(values), names)

    def draw(self, source: tuple[Any, ...] | None, names: Sequence[str] | None = None) -> Updates:
        """The same of what the charts are made of; None empties the places."""
        shown = [*self.parts] if names is None else names
        if source is None:
            return dict.fromkeys(self.parts[name] for name in shown)
        layers = self.layers(source[0])
        return {self.parts[name]: show_chart(self.make[name](*source), layers) for name in shown}

    def connect(self, inputs: Sequence[Any], controls: Mapping[Any, Sequence[str]]) -> None:
        """Wire the controls, each to the names it moves, and the files to take away.

        Args:
            inputs: what the source reads.
        """
        for control, names in controls.items():
            self.redraw_on(control.input, names, inputs)
        file = gr.DownloadButton(visible="hidden", elem_id=f"{self.theme}-file")
        for name, part in self.parts.items():
            download_on(part.select, self.saver(name), {*inputs}, file)

    def redraw_on(self, event: Any, names: Sequence[str], inputs: Sequence[Any]) -> None:
        """Redraw some charts whenever something happens; while many do, only the last counts."""

        def redraw(values: Values) -> Updates:
            return self.show(values, names)

        event(redraw, {*inputs}, [self.parts[name] for name in names], **IMMEDIATE)

    def saver(self, name: str) -> Callable[..., str]:
        """The handler that writes one chart in the format that the event asks for."""

        def save(values: Values, event: gr.EventData) -> str:
            source = self.source(values)
            if source is None:
                raise refusal(self.gone or text.FIGURE_GONE)
            return save_chart(lambda: self.make[name](*source), sent_with(event))

        return save


def save_chart(make: Callable[[], Chart | None], asked: Any) -> str:
    """The chart as a file in Gradio's cache; an unknown format is CSV, which every chart has.

    Args:
        make: makes the chart, in the language that is spoken: English for a drawn file where this
            machine has no font for the visitor's.

    Raises:
        gr.Error: there is no such chart.
    """
    wanted = asked.get("format") if isinstance(asked, dict) else None
    with speaking(drawn_language() if wanted in ("png", "svg") else current()):
        chart = make()
    if chart is None:
        raise refusal(text.FIGURE_GONE)
    if isinstance(chart, Table) or wanted not in ("png", "svg", "html"):
        return cached_table(chart_csv(chart), f"{chart.name}.csv")
    if wanted == "html":
        from ..figures.plotly_charts import export_html

        return cached(export_html(chart).encode("utf-8"), f"{chart.name}.html")
    # Matplotlib takes long to import, and most visitors never ask for a file.
    from ..figures.matplotlib_charts import export

    return cached(export(chart, "png" if wanted == "png" else "svg"), f"{chart.name}.{wanted}")
