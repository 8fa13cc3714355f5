"""A run as one HTML file for a lecture: figures, definitions and words, no network, no model.

``python -m app.figures.report run.vtw --out report.html`` writes it from a saved run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from vtw_core.analysis.rows import tokens_of
from vtw_core.analysis.sinks import sink_verdict
from vtw_core.errors import InputError, system_reason
from vtw_core.files.printing import print_error, print_pieces
from vtw_core.files.replacing import replace_file
from vtw_core.results.run import DEFAULT_ETA, Run, load_run

from ..inputs.pictures import thumbnails
from ..presenters.inside_view import sink_words
from ..words import inside as text_inside
from ..words import page as text
from ..words.language import language
from . import every_k, migration, plotly_charts, sinks
from .chart import Chart, Table

_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #222; background: #fff; max-width: 1080px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd; }
figure { margin: 1rem 0 2rem; } figcaption, .facts { color: #555; font-size: .875rem; }
figure > h3 { margin: 0; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; } td, th { border: 1px solid #ddd; padding: .25rem .6rem; }
th { text-align: left; } :lang(zh) th { word-break: keep-all; }
.asked { display: flex; gap: 1.5rem; flex-wrap: wrap; }
.asked img { max-width: 240px; border: 1px solid #ddd; } dt { font-weight: 600; } dd { margin: 0; }
@media print { figure { break-inside: avoid; } }
"""


def report_html(run: Run, pictures: Sequence[str] = (), eta: float = DEFAULT_ETA) -> str:
    """The report of one run, at K*.

    Args:
        pictures: data URL of each picture; none leaves them out.
        eta: threshold of K* in nats.
    """
    k = run.choose_k(eta)
    parts = [_head(run, k, pictures), _section(text.REPORT_EVERY_K, every_k.charts(run, k, eta))]
    if run.inside is not None:
        words = sink_words(sink_verdict(run), tokens_of(run)[1]).replace("**", "")
        parts.append(_section(text_inside.TAB_SINKS, sinks.charts(run, sinks.Choices(k=k)), words))
        parts.append(
            _section(
                text_inside.TAB_MIGRATION, migration.charts(run, migration.Choices(k=k, eta=eta))
            )
        )
    return (
        f'<!doctype html><html lang="{language().tag}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(text.REPORT_TITLE)}: {escape(run.prompt)}</title>"
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _head(run: Run, k: int, pictures: Sequence[str]) -> str:
    images = "".join(f'<img src="{escape(picture)}" alt="">' for picture in pictures)
    facts = text.REPORT_FACTS.format(
        model=run.model, type=run.model_type, layers=run.layers, visual=run.visual_tokens,
        words=run.text_tokens, device=run.device, dtype=run.dtype, created=run.created,
        versions=text.BETWEEN_PARTS.join(" ".join(pair) for pair in run.versions),
    )  # fmt: skip
    answers = (
        (text.REPORT_ASKED, run.prompt),
        (text.REPORT_BASELINE, run.baseline_answer),
        (text.REPORT_WITHDRAWN.format(k=k, layers=run.layers), run.answers[k]),
    )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in answers)
    return (
        f"<h1>{escape(text.REPORT_TITLE)}</h1>"
        f'<div class="asked">{images}<dl>{listed}</dl></div>'
        f'<p class="facts">{escape(facts)}</p>'
    )


def _section(title: str, charts: list[Chart], words: str = "") -> str:
    intro = f"<p>{escape(words)}</p>" if words else ""
    return f"<h2>{escape(title)}</h2>{intro}{''.join(map(_figure, charts))}"


def _figure(chart: Chart) -> str:
    body = _table(chart) if isinstance(chart, Table) else plotly_charts.embedded_html(chart)
    return (
        f"<figure><h3>{escape(chart.title)}</h3><p>{escape(chart.summary)}</p>"
        f'<div class="scroll">{body}</div><figcaption>{escape(chart.caption)}</figcaption></figure>'
    )


def _table(chart: Table) -> str:
    def row(cells: tuple[object, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(c))}</{tag}>" for c in cells) + "</tr>"

    return f"<table>{row(chart.columns, 'th')}{''.join(row(r, 'td') for r in chart.rows)}</table>"


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.report", description=__doc__)
    parser.add_argument("run", type=Path, help="a file that Run.save wrote")
    parser.add_argument(
        "--picture", nargs="+", default=[], help="the picture that was asked about, or several"
    )
    parser.add_argument("--out", type=Path, default=Path("report.html"))
    chosen = parser.parse_args(arguments)
    try:
        page = report_html(load_run(chosen.run), thumbnails(chosen.picture))
        _write(chosen.out, page)
        print_pieces([str(chosen.out)])
    except InputError as error:
        print_error("report", str(error))
        return 2
    return 0


def _write(path: Path, page: str) -> None:
    try:
        replace_file(path, page)
    except OSError as error:
        raise InputError(
            "{path} cannot be written: {problem}.", path=path, problem=system_reason(error)
        ) from error


if __name__ == "__main__":
    sys.exit(main())
