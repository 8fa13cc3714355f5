"""The charts of one theme on the page: where they stand, and how they are drawn anew and saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from vtw_core.results.run import Run

from ..components.chart import chart_part, show_chart
from ..figures.chart import Chart, Table
from ..figures.fonts import drawn_language
from ..figures.tables import chart_csv
from ..gradio_internals import sent_with
from ..requests.events import GLUE
from ..requests.refusal import refusal
from ..state import Visitor
from ..words import inside as text
from ..words.language import current, speaking
from .downloads import cached, cached_table, download_on
from .held_k import k_of

Make = Callable[[Run, Any], Chart | None]


class Board:
    """Places for charts, by name.

    Args:
        theme: begins the ids of its parts.
        make: name -> how the chart is made of a run and choices.
        needs_inside: whether the charts are of what was recorded inside a run.
        choices: the visitor, K and the values of the tab's controls -> choices; the values are a
            visitor's input, which the makers clamp.
    """

    def __init__(
        self,
        theme: str,
        make: Mapping[str, Make],
        choices: Callable[..., Any],
        *,
        needs_inside: bool = True,
    ) -> None:
        self.theme = theme
        self.needs_inside = needs_inside
        self.make = make
        self.choices = choices
        self.parts: dict[str, gr.HTML] = {}

    def place(self, *names: str) -> None:
        """Put places for charts here, below one another."""
        for name in names:
            self.parts[name] = chart_part(f"{self.theme}-{name}")

    def values(self, visitor: Visitor, choices: Any, names: Sequence[str]) -> list[Any]:
        """What some places are told."""
        run = self._shown(visitor)
        if run is None:
            return [None] * len(names)
        return [show_chart(self.make[name](run, choices), run.layers) for name in names]

    def _shown(self, visitor: Visitor) -> Run | None:
        """The visitor's run, if the charts can be made of it."""
        run = visitor.run
        return None if run is None or (self.needs_inside and run.inside is None) else run

    def connect(
        self, visitor: gr.State, k: gr.State, controls: Mapping[Any, Sequence[str]]
    ) -> None:
        """Wire the controls, each to the names it moves, and the files to take away."""
        inputs = [visitor, k, *controls]
        for control, names in controls.items():
            self.redraw_on(control.input, names, inputs)
        file = gr.DownloadButton(visible="hidden", elem_id=f"{self.theme}-file")
        for name, part in self.parts.items():
            download_on(part.select, self.saver(name), inputs, file)

    def redraw_on(self, event: Any, names: Sequence[str], inputs: list[Any]) -> None:
        """Draw some charts anew whenever something happens; while many do, only the last counts."""

        def redraw(visitor: Visitor, k: int | None, *controls: Any) -> Any:
            drawn = self.values(visitor, self.choices(visitor, k_of(visitor, k), *controls), names)
            return drawn if len(drawn) > 1 else drawn[0]

        outputs = [self.parts[name] for name in names]
        event(redraw, inputs, outputs, **GLUE)

    def saver(self, name: str) -> Callable[..., str]:
        """The handler that writes one chart in the format that the event asks for."""

        def save(event: gr.EventData, visitor: Visitor, k: int | None, *controls: Any) -> str:
            run = self._shown(visitor)
            if run is None:
                raise refusal(text.FIGURE_GONE)
            choices = self.choices(visitor, k_of(visitor, k), *controls)
            return save_chart(lambda: self.make[name](run, choices), sent_with(event))

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
