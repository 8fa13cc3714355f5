"""Every CSV of the project opens in a spreadsheet as it is meant."""

import ast
import csv
import io
from pathlib import Path

import pytest
from small_records import small_run

from app.figures.tables import csv_text
from app.sections.downloads import cached_table
from app.words.language import LANGUAGES, speaking
from vtw_core.cli.terminal import write_table
from vtw_core.files.spreadsheets import csv_bytes, csv_lines, word_cell
from vtw_core.results.calibration import Calibration, Sample, Setting

ROOT = Path(__file__).resolve().parents[2]
MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "cell",
    ["=1+1", '=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1",
     "-- no", "＝1+1", "＠x", "=\n1", "-1e", "+4 legs"],
)  # fmt: skip
def test_words_that_start_like_a_formula_are_words(cell):
    assert word_cell(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    ["-5", "+1", "-0.25", "-1e-9", "+.5", "-3%", "-", "=", "", "a red ball", "1=1", " =1", "–5",
     -5, -0.25, None, True],
)  # fmt: skip
def test_numbers_and_other_words_stay_as_they_are(cell):
    assert word_cell(cell) == cell


def test_what_is_written_is_read_back(tmp_path):
    rows = [
        ["问题", "answer", "value"],
        ["多少？", "=2+2", -0.125],
        ['say "a, b"', "two\nlines", 3],
    ]
    path = tmp_path / "t.csv"
    write_table(path, csv_lines(rows))
    assert path.read_bytes().startswith(MARK + "问题".encode())
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["问题", "answer", "value"], ["多少？", "'=2+2", "-0.125"],
            ['say "a, b"', "two\nlines", "3"],
        ]  # fmt: skip


def test_half_a_character_of_a_strangers_file_is_no_traceback():
    assert b"".join(csv_bytes(csv_lines([["a\ud800"]]))) == MARK + b"a\\ud800\r\n"


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_the_page_hands_out_has_the_mark_in_every_language(code):
    table = csv_text(("word", "value"), [("=1+1", -0.5), ("-5", float("nan"))])
    with speaking(code):
        written = Path(cached_table(table, "t.csv")).read_bytes()
    assert written == MARK + b"word,value\r\n'=1+1,-0.5\r\n-5,\r\n"


def test_a_calibrations_table_keeps_its_numbers_in_full():
    run = small_run()
    reading = Calibration(Setting.of(run), (Sample.of(run, "a.png", ()),)).read(rule="released")
    header, *rows = csv.reader(io.StringIO(reading.to_csv()))
    assert [float(row[1]) for row in rows] == reading.kl_mean.tolist()
    assert "released" in header[7]


def test_nothing_else_in_the_repository_writes_csv():
    own = {"vtw_core/files/spreadsheets.py"}
    wrong = [
        path.relative_to(ROOT).as_posix()
        for folder in ("vtw_core", "app", "embedded_model", "benchmarks", "docs")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(one.name == "csv" for one in node.names)
    ]
    assert set(wrong) <= own
