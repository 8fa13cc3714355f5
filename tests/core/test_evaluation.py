"""Methods over a data set: what is measured, intervals, and the same on several processes."""

import csv
import json
from dataclasses import replace

import pytest
from small_data import on, torchrun, write_small_data

from vtw_core import __main__ as command_line
from vtw_core import compare_methods, evaluate
from vtw_core.compare import evaluation
from vtw_core.data.dataset import read_items
from vtw_core.data.records import InMemory, finish_all, key_of
from vtw_core.data.shards import Shards
from vtw_core.errors import InputError
from vtw_core.files.serialization import to_json
from vtw_core.results.equal_budget import load_budget_comparison
from vtw_core.strategies.words import method_from

TOKENS = 2
ASKED = ("vtw --k 1", "fastv --k 1 --ratio 0.5", "mustdrop --tokens 5 --stages bc")
METHODS = tuple(map(method_from, ASKED))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def records(vlm, folder):
    return finish_all(
        read_items(folder), InMemory(), evaluation.depends_on(vlm, METHODS, TOKENS),
        lambda item: evaluation.judged(vlm, item, METHODS, TOKENS),
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(records):
    return evaluation.evaluation(records, METHODS)


@pytest.fixture
def options(tiny_folder, folder):
    return ["evaluate", "--model", str(tiny_folder), "--data", str(folder), "--device", "cpu",
            "--max-new-tokens", str(TOKENS), *(f"--method={one}" for one in ASKED)]  # fmt: skip


def test_every_number_is_that_of_the_comparison_of_its_question(vlm, folder, whole):
    for number, item in enumerate(read_items(folder)):
        compared = compare_methods(
            vlm, item.image, item.prompt, METHODS, max_new_tokens=TOKENS, timed=1
        )
        for one, entry in zip(whole.comparison.contenders, compared.everyone, strict=True):
            values = {name: values[number] for name, values in one.values.items()}
            assert values == {
                "right": float(entry.answer.strip().casefold() in item.accepted),
                "same": float(compared.same_answer(entry)),
                "kl_answer": entry.kl_positions_reverse.mean(),
                "kl_first": entry.kl_positions_reverse[0],
                "visual_tokens": entry.mean_visual_tokens,
                "flops": compared.flops_share(entry),
                "kv_bytes": compared.kv_share(entry),
            }


def test_the_library_gives_the_same_and_finds_finished_records_again(
    vlm, folder, whole, tmp_path, monkeypatch
):
    items = read_items(folder)
    for _ in range(2):
        store = Shards(tmp_path, evaluation.Judged.from_json)
        found = evaluate(vlm, items, METHODS, max_new_tokens=TOKENS, store=store)
        assert found.to_json() == whole.to_json()
        monkeypatch.setattr(evaluation, "judged", None)  # nothing is left to be made
    with pytest.raises(InputError, match="at least one image"):
        evaluate(vlm, [], METHODS)


def test_the_baseline_agrees_with_itself_and_costs_itself(whole):
    first = whole.to_json()["methods"][0]
    for name in ("agreement", "flops_share", "kv_share"):
        assert first[name] == {"value": 1, "low": 1, "high": 1}
    assert first["kl_answer_mean"]["value"] == first["kl_first_token"]["value"] == 0
    assert first["accuracy_less_baseline"] == {"value": 0, "low": 0, "high": 0}


def test_accuracy_is_of_the_questions_with_an_answer(records):
    answered = {0: 1.0, 1: 0.0, 3: 1.0}
    changed = []
    for number, (entry, record) in enumerate(records):
        answers = ["?", *record.answers[1:]]
        if number in answered:
            answers[0] = " No " if answered[number] else "maybe"
        changed.append((entry, type(record)(**{**vars(record), "answers": tuple(answers)})))
    result = evaluation.evaluation(changed, METHODS)
    assert (result.questions, result.answered) == (4, 3)
    assert result.estimates("right")[0].value == pytest.approx(2 / 3)
    unanswered = evaluation.evaluation([changed[2]], METHODS)
    assert unanswered.estimates("right") is None
    assert unanswered.to_json()["methods"][0]["accuracy"] is None


def test_a_record_is_read_back_exactly_and_a_damaged_one_is_refused(records):
    for _, record in records:
        document = json.loads(json.dumps(to_json(record)))
        assert evaluation.Judged.from_json(document) == record
        document["values"]["flops"].pop()
        with pytest.raises(ValueError, match=r"values\.flops should have the shape \[answers\]"):
            evaluation.Judged.from_json(document)


def test_a_record_belongs_to_its_methods(vlm, folder):
    item = read_items(folder)[0]
    keys = {
        key_of(item, evaluation.depends_on(vlm, [method_from(asked)], TOKENS))
        for asked in ("vtw --k 1", "vtw --k 2", "mustdrop --tokens 5", "mustdrop --tokens 6")
    }
    assert len(keys) == 4


def test_records_of_other_settings_are_not_mixed(records):
    entry, record = records[0]
    fewer = {name: values[:1] for name, values in record.values.items()}
    other = replace(record, answers=record.answers[:1], values=fewer)
    with pytest.raises(InputError, match="evaluate them alike"):
        evaluation.evaluation([(entry, record), (entry, other)], METHODS)


def test_the_table_the_json_and_the_files_say_the_same(options, whole, capsys, tmp_path):
    files = ["--csv", str(tmp_path / "t.csv"), "--save", str(tmp_path / "s.json")]
    assert command_line.main([*options, *files]) == 0
    table = capsys.readouterr().out
    assert command_line.main([*options, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == whole.to_json()
    assert [row["label"] for row in document["methods"]] == ["baseline", *ASKED]
    assert all(f"\n{label} " in table for label in ("baseline", *ASKED))
    assert f"{document['methods'][1]['visual_tokens']['value']:.1f}" in table
    rows = list(csv.DictReader((tmp_path / "t.csv").open(newline="")))
    assert len(rows) == 4 * 4
    same = [float(row["agreement"]) for row in rows if row["method"] == ASKED[0]]
    assert sum(same) / 4 == document["methods"][1]["agreement"]["value"]
    saved = load_budget_comparison(tmp_path / "s.json")
    assert saved.kinds == ("answered", "answered", "unanswered", "answered")
    assert [one.series for one in saved.contenders] == ["none", *ASKED]


@pytest.mark.slow
def test_two_processes_give_the_result_of_one_byte_for_byte(options, whole, tmp_path):
    done = torchrun(2, "vtw_core", *options, "--json", "--out", str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == json.dumps(whole.to_json()) + "\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--method", "vtw"], "needs --k"),
        (["--method", "vtw --k 1"], "different labels"),
        (["--method", "vtw --k 99"], "K must be"),
        (["--image-column", "picture"], "belong to parquet"),
        (["--stream"], "belong to parquet"),
        ([], "Name a data set after hf:"),
        (["--csv", "/nowhere/at/all/t.csv"], "folder"),
    ],
)
def test_bad_input_ends_with_status_two_and_one_sentence(options, capsys, more, words):
    options = options if more else on("hf:", options)
    assert command_line.main([*options, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err.splitlines()[-1]
    assert "Traceback" not in err
