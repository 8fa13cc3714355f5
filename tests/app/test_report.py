"""The report of a run is one file that needs nothing else, and runs nothing of a model's."""

import re

import pytest
from inside_runs import SIZES, run_with_inside

from app.figures import every_k, migration, sinks
from app.figures.report import main, report_html
from vtw_core.results.run import load_run


@pytest.mark.parametrize("size", SIZES)
def test_a_report_has_every_chart_with_its_definition(size):
    run = run_with_inside(**SIZES[size])
    page = report_html(run)
    k = run.choose_k()
    charts = [
        *every_k.charts(run, k),
        *sinks.charts(run, sinks.Choices(k=k)),
        *migration.charts(run, migration.Choices(k=k)),
    ]
    assert page.count("<figure>") == len(charts)
    assert page.count("<figcaption>") == len(charts)


def test_a_report_holds_what_it_needs_and_asks_nobody(run):
    page = report_html(run, ["data:image/png;base64,AAAA"])
    outside = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "http" not in outside
    assert page.count("plotly.js v") >= 1
    assert 'src="data:image/png;base64,AAAA"' in page


def test_what_a_model_or_a_visitor_wrote_is_never_a_tag(run):
    import dataclasses

    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    answers = (evil,) * (run.layers + 1)
    page = report_html(dataclasses.replace(run, prompt=evil, model=evil, answers=answers))
    assert "<img src=x" not in page
    assert "<script>alert" not in page


def test_a_run_without_its_inside_has_a_report_of_every_k(run):
    assert run.inside is None
    assert report_html(run).count("<figure>") == len(every_k.charts(run, 1))


def test_the_command_line_writes_one_file(run, image_path, tmp_path, capsys):
    saved, out = run.save(tmp_path / "run.vtw"), tmp_path / "report.html"
    assert main([str(saved), "--picture", str(image_path), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main([str(tmp_path / "none.vtw"), "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert load_run(saved).prompt == run.prompt
