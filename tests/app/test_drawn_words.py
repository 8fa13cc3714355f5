"""Words on drawn files: in lines that fit, and never a box in place of a character."""

import re
import types
import warnings
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import font_manager

from app.figures import calibration, every_k, fonts, migration, sinks
from app.figures.chart import Heatmap, Table
from app.figures.matplotlib_charts import export
from app.figures.wrapping import columns_of, wrapped
from app.sections.board import save_chart
from app.service.service import CALIBRATION, bundled_examples
from app.words.language import speaking
from vtw_core.results.calibration import load_calibration

WORDS = (
    "在 K = 10 处，视觉 token（图块）“全部”离开：KL(P withdrawn ‖ P full) 不超过 η = 0.003 nat。"
)


def charts(run):
    every = [*every_k.charts(run, 10), *sinks.charts(run, sinks.Choices(k=10))]
    every += migration.charts(run, migration.Choices(k=10))
    reading = load_calibration(CALIBRATION / "embedded.vtwc").read()
    every += [make(reading) for make in calibration.CHARTS.values()]
    return [chart for chart in every if not isinstance(chart, Table)]


@pytest.mark.parametrize("columns", [10, 20, 33, 88])
def test_lines_fit_and_no_mark_stands_where_it_may_not(columns):
    lines = wrapped(WORDS * 3, columns).split("\n")
    assert all(columns_of(line) <= columns or " " not in line for line in lines)
    assert all(line and line == line.strip() for line in lines)
    assert not [line for line in lines if line[0] in "，。：）”" or line[-1] in "（“"]
    assert "".join(lines).replace(" ", "") == (WORDS * 3).replace(" ", "")


def test_words_of_letters_stay_whole():
    assert wrapped("one two three", 8) == "one two\nthree"
    assert wrapped("incomprehensible word", 5) == "incomprehensible\nword"
    assert wrapped("", 5) == ""
    assert columns_of("中a") == 3


def test_captions_of_every_figure_fit_the_drawing_in_both_languages():
    run = bundled_examples()[0].run
    for code in ("en", "zh"):
        with speaking(code):
            for chart in charts(run):
                for words, columns in ((chart.title, 88), (chart.caption, 125)):
                    wide = max(map(columns_of, wrapped(words, columns).split("\n")))
                    assert wide <= columns, (code, chart.name)


def test_a_machine_without_fonts_has_no_chinese_one(monkeypatch):
    monkeypatch.setattr(font_manager, "fontManager", types.SimpleNamespace(ttflist=[]))
    assert fonts.chinese_font.__wrapped__() is None


@pytest.fixture
def no_font(monkeypatch):
    monkeypatch.setattr(fonts, "chinese_font", lambda: None)


def drawn_without_boxes(make):
    with warnings.catch_warnings():
        # Matplotlib warns of each character that it draws as a box.
        warnings.filterwarnings("error", message="Glyph")
        return make()


def test_without_a_font_a_drawing_of_the_chinese_page_is_the_english_one(no_font, monkeypatch):
    def kept(data, name):
        return data

    monkeypatch.setattr("app.sections.downloads.cached", kept)
    monkeypatch.setattr("app.sections.board.cached", kept)
    run = bundled_examples()[0].run

    def make():
        return every_k.charts(run, 10)[0]

    with speaking("zh"):
        drawn = drawn_without_boxes(lambda: save_chart(make, {"format": "svg"}))
        numbers = save_chart(make, {"format": "csv"})
        page = save_chart(make, {"format": "html"})
    assert drawn == export(make(), "svg")
    # What others than this machine draw stays Chinese.
    assert numbers.startswith("\ufeff".encode())  # without it a spreadsheet shows other signs
    assert re.search("[\u4e00-\u9fff]", numbers.decode())
    assert "回答" in page.decode()


def test_words_of_a_model_in_a_script_without_a_font_are_marked(no_font):
    every = charts(bundled_examples()[0].run)
    chart = next(one for one in every if isinstance(one, Heatmap) and one.words)
    words = tuple(("图",) * len(row) for row in chart.words)
    chart = replace(chart, words=words, x_names=("你好 a",) * len(chart.x_names))
    marked = fonts.drawable(chart)
    assert set(marked.words[0]) == {"\ufffd"}
    assert marked.x_names[0] == "\ufffd\ufffd a"
    assert np.array_equal(marked.values, chart.values)
    assert drawn_without_boxes(lambda: export(chart, "svg")) == export(marked, "svg")


def test_with_a_font_chinese_is_drawn_as_it_is():
    if fonts.chinese_font() is None:
        pytest.skip("no font here has Chinese characters (Debian: fonts-noto-cjk)")
    run = bundled_examples()[0].run
    with speaking("zh"):
        chart = charts(run)[0]
        assert fonts.drawable(chart) is not chart
        assert fonts.drawable(chart).caption == chart.caption
        drawn_without_boxes(lambda: export(chart, "svg"))
