"""CONTRIBUTING.md: what follows from a quantity with its figure, and from a sentence."""

import numpy as np
import pytest
from small_records import small_run

from app import words
from app.figures import matplotlib_charts, plotly_charts, style
from app.figures.chart import Lines, Series
from app.figures.tables import chart_csv
from app.sections.board import Board
from app.words import library_words
from app.words.chinese import library as chinese_library
from app.words.chinese import page as chinese_page
from app.words.english import page as english_page
from app.words.language import speaking
from vtw_core import InputError

RUN = small_run()


def steps_of_kl(run):
    """[L] how much the KL of the first token changes from K to K + 1, in nats."""
    return np.diff(run.kl_first_token)


def steps(run):
    """Its figure, as a file in app/figures has it."""
    values = steps_of_kl(run)
    return Lines(
        name="steps", title=words.page.STEPS, x_label="K", y_label="change of KL", unit="nats",
        caption=f"KL of the first token at K + 1 less that at K, {run.layers} layers.",
        summary=f"The largest step is {np.abs(values).max():.3g} nats.", x=range(run.layers),
        series=(Series("step", values, style.VTW),),
    )  # fmt: skip


@pytest.fixture
def named(monkeypatch):
    """The two lines of a new sentence."""
    monkeypatch.setattr(english_page, "STEPS", "Steps of the curve", raising=False)
    monkeypatch.setattr(chinese_page, "STEPS", "曲线的台阶", raising=False)


@pytest.mark.usefixtures("named")
class TestFigure:
    def test_the_page_and_every_file_follow_from_the_chart(self):
        chart = steps(RUN)
        figure = plotly_charts.figure(chart)
        assert list(figure.data[0].y) == list(steps_of_kl(RUN))
        assert chart.title in plotly_charts.export_html(chart)
        assert matplotlib_charts.export(chart, "svg").lstrip().startswith(b"<?xml")
        assert matplotlib_charts.export(chart, "png").startswith(b"\x89PNG")
        assert len(chart_csv(chart).splitlines()) == 1 + RUN.layers

    def test_a_board_shows_it_by_its_name(self):
        board = Board("mine", {"steps": steps}, lambda values: (RUN,))
        board.parts["steps"] = "place"
        shown = board.show({})
        assert set(shown) == {"place"}
        assert "Steps of the curve" in str(shown["place"])

    def test_its_title_is_in_the_language_that_is_spoken(self):
        assert steps(RUN).title == "Steps of the curve"
        with speaking("zh"):
            assert steps(RUN).title == "曲线的台阶"


def test_a_sentence_of_the_library_is_translated_with_its_values(monkeypatch):
    template = "There are {count} bricks; take {most} at most."
    monkeypatch.setitem(chinese_library.SENTENCES, template, "有 {count} 块砖；最多取 {most} 块。")
    error = InputError(template, count=7, most="{3}")
    assert library_words.worded(error) == "There are 7 bricks; take {3} at most."
    with speaking("zh"):
        assert library_words.worded(error) == "有 7 块砖；最多取 {3} 块。"
