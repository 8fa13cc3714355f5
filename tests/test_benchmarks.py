"""docs/performance.md is what `make bench` and `make bench-browser` measured and kept."""

import json

from benchmarks import browser, report
from benchmarks.load import report as load


def test_the_readme_shows_the_kept_results():
    results = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    assert report.section(results) in report.DOCUMENT.read_text(encoding="utf-8")
    assert report.FIGURE.is_file()


def test_both_curves_of_the_kept_results_are_the_same_numbers():
    results = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    for name in ("curve_576_short", "curve_576", "curve_2916"):
        assert results[name]["difference"] <= 1e-5


def test_the_readme_shows_how_fast_the_page_was():
    result = json.loads(browser.RESULTS.read_text(encoding="utf-8"))
    assert browser.section(result) in browser.DOCUMENT.read_text(encoding="utf-8")


def test_the_guide_shows_the_load_test_and_no_visitor_got_anothers_result():
    results = json.loads(load.RESULTS.read_text(encoding="utf-8"))
    assert load.section(results) in load.GUIDE.read_text(encoding="utf-8")
    assert results["crowd"]["seen"]["wrong"] == []
