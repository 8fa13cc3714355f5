"""What the workbench is told, checked against the run it comes from."""

import json

from app import text
from app.view import every_k_rows, show_nothing, show_run, show_running


def test_every_list_of_the_workbench_has_an_entry_for_each_k(run):
    shown = show_run(run, recorded=False)
    for values in (*shown["kl"].values(), shown["same"], shown["answers"], shown["costs"]):
        assert len(values) == run.layers + 1


def test_the_workbench_is_plain_json_without_nan(run):
    json.dumps(show_run(run, recorded=True), allow_nan=False)
    json.dumps(show_running("...", 0.5), allow_nan=False)
    json.dumps(show_nothing("..."), allow_nan=False)


def test_the_slider_opens_at_k_star_or_where_it_was_left(run):
    assert show_run(run, recorded=False)["k"] == run.choose_k()
    assert show_run(run, recorded=False, k=0)["k"] == 0


def test_the_last_entry_is_the_baseline_and_has_no_marked_word(run):
    last = show_run(run, recorded=False)["answers"][run.layers]
    assert all(same for _, same in last["withdrawn"] + last["baseline"])
    for side in ("withdrawn", "baseline"):
        words = "".join(words for words, _ in last[side])
        assert words.split() == run.baseline_answer.split()


def test_a_different_answer_has_a_marked_word_on_one_of_the_sides(run):
    shown = show_run(run, recorded=False)
    different = [k for k in range(run.layers) if run.answers[k] != run.baseline_answer]
    assert different, "the tiny model must react to withdrawal, or this test shows nothing"
    for k in different:
        answer = shown["answers"][k]
        assert not all(same for _, same in answer["withdrawn"] + answer["baseline"])


def test_the_origin_says_whether_the_run_was_recorded(run):
    assert "recorded" in show_run(run, recorded=True)["origin"]
    assert "recorded" not in show_run(run, recorded=False)["origin"]


def test_a_notice_is_an_error_unless_the_visitor_cancelled(run):
    assert show_run(run, recorded=False, notice=text.CANCELLED)["notice"]["kind"] == "info"
    assert show_nothing(text.NO_PICTURE)["notice"] == {"kind": "error", "text": text.NO_PICTURE}


def test_the_definitions_name_the_flops_convention_and_the_threshold(run):
    definitions = show_run(run, recorded=False)["definitions"]
    assert run.flops_convention in definitions
    assert "0.003" in definitions


def test_the_table_has_a_row_for_each_k_and_a_cell_for_each_column(run):
    rows = every_k_rows(run)
    assert [row[0] for row in rows] == list(range(run.layers + 1))
    assert all(len(row) == len(text.EVERY_K_COLUMNS) for row in rows)
    assert rows[-1][text.EVERY_K_COLUMNS.index("share of baseline")] == "100.0%"
