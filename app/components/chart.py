"""A chart on the page: drawn in place by plotly.js, with its words and files to take away.

``gr.Plot`` remounts at every update, so it flashes, and it cannot follow K without the server. Here
plotly.js comes from the installed package, when the first chart comes near the screen.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gradio as gr
import plotly

from ..figures.chart import Chart, Heatmap, Sheet, Table
from ..figures.fonts import drawn_language
from ..gradio_internals import address_of_file
from ..words import inside as text
from ..words.language import current
from .files import read, script

_PLOTLY = Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"
DRAWN_FORMATS = ("png", "svg", "html", "csv")
TABLE_FORMATS = ("csv",)


def chart_part(elem_id: str) -> gr.HTML:
    """An empty place for one chart; its value is of `show_chart`.

    ``select`` fires with ``{format}`` when a visitor asks for a file: a visitor's input.
    """
    _serve_plotly()
    return gr.HTML(
        value=None,
        html_template=read("chart.html"),
        css_template=read("chart.css"),
        js_on_load=script(
            "chart.js",
            words=text.CHART,
            plotlyFile=address_of_file(_PLOTLY),
        ),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="chart-part",
    )


@functools.cache
def _serve_plotly() -> None:
    """Once: Gradio keeps a path as often as it is told, and tries them all for every file."""
    gr.set_static_paths([_PLOTLY])


def show_chart(chart: Chart | None, layers: int) -> dict[str, Any] | None:
    """What a place for a chart is told; None leaves it empty.

    Args:
        layers: L of the run, by which the page knows whether the K it holds is of this run.
    """
    if chart is None:
        return None
    value: dict[str, Any] = {
        "title": chart.title,
        "summary": chart.summary,
        "caption": chart.caption,
        "layers": layers,
        "k": chart.k_line.k if chart.k_line else None,
    }
    if isinstance(chart, Table):
        table = {"columns": list(chart.columns), "rows": [list(row) for row in chart.rows]}
        return {**value, "table": table, "formats": list(TABLE_FORMATS)}
    # Plotly's part that makes figures is not needed until one is looked at.
    from ..figures.plotly_charts import figure

    return {
        **value,
        # As text: Gradio copies every value in the browser, again and again, number by number.
        "figure": figure(chart).to_json(),
        "narrowest": _narrowest(chart),
        "formats": list(DRAWN_FORMATS),
        "inEnglish": drawn_language() != current(),
    }


def _narrowest(chart: Chart) -> int:
    """Pixels under which the drawing is scrolled sideways rather than squeezed."""
    if isinstance(chart, Sheet):
        return 620
    if isinstance(chart, Heatmap) and chart.words:
        return 120 + 54 * chart.values.shape[1]
    return 0
