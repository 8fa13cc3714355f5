"""What the workbench is told, checked against the run it comes from."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from app.components.files import files_of, read
from app.presenters.view import (
    SCOPES,
    answer_pieces,
    every_k_rows,
    show_criterion,
    show_nothing,
    show_run,
    show_running,
)
from app.words import page as text
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.results.run import DEFAULT_ETA


def test_every_list_of_the_workbench_has_an_entry_for_each_k(run):
    shown = show_run(run, origin="live")
    for values in (
        *shown["kl"].values(), shown["tokens"]["kl"], shown["same"], shown["answers"],
        shown["costs"],
    ):  # fmt: skip
        assert len(values) == run.layers + 1


def test_the_workbench_is_plain_json_without_nan(run):
    json.dumps(show_run(run, origin="recorded"), allow_nan=False)
    json.dumps(show_running("...", 0.5), allow_nan=False)
    json.dumps(show_nothing("..."), allow_nan=False)
    json.dumps(show_criterion(), allow_nan=False)


def test_the_slider_opens_at_k_star_or_where_it_was_left(run):
    assert show_run(run, origin="live")["k"] == run.choose_k()
    assert show_run(run, origin="live")["kWasChosen"] is False
    assert show_run(run, origin="live", k=0)["k"] == 0
    assert show_run(run, origin="live", k=0)["kWasChosen"] is True


def test_the_last_entry_is_the_baseline_and_has_no_marked_word(run):
    last = show_run(run, origin="live")["answers"][run.layers]
    assert all(same for _, same in last["withdrawn"] + last["baseline"])
    for side in ("withdrawn", "baseline"):
        words = "".join(words for words, _ in last[side])
        assert words.split() == run.baseline_answer.split()


def test_a_different_answer_has_a_marked_word_on_one_of_the_sides(run):
    shown = show_run(run, origin="live")
    different = [k for k in range(run.layers) if run.answers[k] != run.baseline_answer]
    assert different, "the tiny model must react to withdrawal, or this test shows nothing"
    for k in different:
        answer = shown["answers"][k]
        assert not all(same for _, same in answer["withdrawn"] + answer["baseline"])


def test_the_origin_says_whether_the_run_was_recorded(run):
    assert "recorded" in show_run(run, origin="recorded")["origin"]
    assert "recorded" not in show_run(run, origin="live")["origin"]


def test_a_notice_is_an_error_unless_the_visitor_cancelled(run):
    assert show_run(run, origin="live", notice=text.CANCELLED)["notice"]["kind"] == "info"
    assert show_nothing(text.NO_PICTURE)["notice"] == {"kind": "error", "text": text.NO_PICTURE}


def test_the_definitions_name_the_flops_convention_and_the_threshold(run):
    definitions = show_run(run, origin="live")["definitions"]
    assert run.flops_convention in definitions
    assert "0.003" in definitions


def test_the_curves_reach_the_page_without_rounding(run):
    shown = json.loads(json.dumps(show_run(run, origin="live")))
    for scope in SCOPES:
        assert shown["kl"][scope] == run.kl(scope).tolist()


def test_each_token_of_the_baseline_answer_has_a_word_and_a_kl_at_every_k(run):
    shown = show_run(run, origin="live")["tokens"]
    count = len(run.answer_ids[run.layers])
    assert len(shown["pieces"]) == count
    assert all(len(row) == count for row in shown["kl"])
    np.testing.assert_allclose(shown["kl"], run.kl_positions, rtol=1e-4)
    assert shown["kl"][run.layers] == [0] * count


def test_blank_tokens_and_the_end_can_be_seen(run):
    tokens, ids, stopped = list(run.answer_tokens), list(run.answer_ids), list(run.stopped)
    kl = np.zeros((run.layers + 1, 3))
    tokens[run.layers], ids[run.layers], stopped[run.layers] = (" a", "\n", "</s>"), (5, 6, 2), True
    ended = replace(
        run, answer_tokens=tuple(tokens), answer_ids=tuple(ids), stopped=tuple(stopped),
        kl_positions=kl, kl_positions_reverse=kl,
    )  # fmt: skip
    assert answer_pieces(ended) == ["a", text.SPACE, text.END_OF_ANSWER]
    cut = replace(ended, stopped=(*stopped[:-1], False))
    assert answer_pieces(cut)[-1] == "</s>"


def test_the_published_thresholds_are_offered_and_lie_on_the_axis():
    criterion = show_criterion()
    assert criterion["eta"] == DEFAULT_ETA
    assert [preset["eta"] for preset in criterion["presets"]] == [0.003, 0.0005, 0.0001, 0.003]
    for preset, told in zip(ETA_PRESETS, criterion["presets"], strict=True):
        assert preset.model in told["label"]
        assert preset.source
        assert criterion["min"] <= preset.eta <= criterion["max"]


SCRIPTS = files_of("workbench.js")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_sentence_that_the_scripts_ask_for_is_there(name):
    script = read(name)
    asked = set(re.findall(r"\bwords\.(\w+)", script))
    assert asked <= set(text.WORKBENCH)
    leads = re.search(r"function leadFor.*?\n}", script, re.DOTALL)
    if leads:
        assert set(re.findall(r"'(\w+)'", leads[0])) == set(text.WORKBENCH["leads"])


def test_no_sentence_goes_unused():
    scripts = "".join(map(read, SCRIPTS))
    assert set(re.findall(r"\bwords\.(\w+)", scripts)) == set(text.WORKBENCH)


def test_the_table_has_a_row_for_each_k_and_a_cell_for_each_column(run):
    rows = every_k_rows(run)
    assert [row[0] for row in rows] == list(range(run.layers + 1))
    assert all(len(row) == len(text.EVERY_K_COLUMNS) for row in rows)
    assert rows[-1][text.EVERY_K_COLUMNS.index("share of baseline")] == "100.0%"
