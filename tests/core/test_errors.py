"""An error keeps its template and its values, wherever it goes."""

import copy
import json
import pickle
from collections import defaultdict
from pathlib import Path

import pytest
from library_templates import fields, plain, spoken

from vtw_core.errors import InputError, ModelError, Sentence, VTWError, system_reason

ROOT = Path(__file__).resolve().parents[2]
SPOKEN = list(spoken(ROOT / "vtw_core"))


def error():
    inner = InputError("K must be {low:,} or more, not {k!r:.9}.", low=1000, k="{braces} x")
    return ModelError("{where}: {problem} {{odd}}", where=Path("a{0}.jpg"), problem=inner)


def check(again):
    assert again == "a{0}.jpg: K must be 1,000 or more, not '{braces}. {odd}"
    assert again.template == "{where}: {problem} {{odd}}"
    assert set(again.values) == {"where", "problem"}
    assert again.values["where"] == "a{0}.jpg"
    assert type(again.values["where"]) is str
    inner = again.values["problem"]
    assert inner.template == "K must be {low} or more, not {k}."
    assert inner.values == {"low": "1,000", "k": "'{braces}"}


def test_an_error_is_its_template_filled_in_and_keeps_both():
    made = error()
    assert isinstance(made, ModelError)
    assert isinstance(made, VTWError)
    assert str(made) == made.sentence == made.args[0]
    assert made.template == made.sentence.template
    assert made.values == made.sentence.values
    check(made.sentence)


def test_an_error_of_a_sentence_says_the_same():
    again = InputError.of(error().sentence)
    assert type(again) is InputError
    check(again.sentence)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_they_stay_what_they_are(protocol):
    made = error()
    made.add_note("a note")
    again = pickle.loads(pickle.dumps(made, protocol))
    assert type(again) is ModelError
    assert again.__notes__ == ["a note"]
    assert str(again) == str(made)
    check(again.sentence)
    check(pickle.loads(pickle.dumps(made.sentence, protocol)))


def test_copied_they_stay_what_they_are():
    check(copy.deepcopy(error()).sentence)
    check(copy.deepcopy({"reason": error().sentence})["reason"])


def test_json_keeps_the_words():
    said = error().sentence
    assert json.loads(json.dumps({"reason": said})) == {"reason": str(said)}


def test_values_keep_nothing_alive():
    class Picture:
        def __str__(self):
            return "a picture"

    made = InputError("{picture} and {error}", picture=Picture(), error=OSError("no"))
    assert {type(value) for value in made.values.values()} == {str}
    assert made.values == {"picture": "a picture", "error": "no"}


def test_a_value_that_is_missing_is_a_mistake_in_the_program():
    with pytest.raises(KeyError, match="k"):
        InputError("K is {k}.")


def test_a_text_from_elsewhere_is_no_template():
    said = Sentence.whole("{0} } {name!r}")
    assert said == "{0} } {name!r}"
    assert not said.values
    assert said.template.format() == said
    assert str(ModelError.of(said)) == said
    assert system_reason(OSError(2, "No {such} file")) == "No {such} file"


def test_values_can_be_changed_in_every_sentence_inside():
    said = Sentence(
        "{path}: {problem}", path="/a/b", problem=Sentence("there is no {path}", path="/a/c")
    )
    changed = said.with_values(lambda value: value.replace("/a/", ""))
    assert changed == "b: there is no c"
    assert changed.values["problem"].template == "there is no {path}"


def test_every_template_is_given_its_values():
    wanted = defaultdict(set)  # a conditional may say one of two templates with the same values
    for one in SPOKEN:
        wanted[one.where] |= fields(one.template)
    for one in SPOKEN:
        assert wanted[one.where] == one.values, one
        made = Sentence(one.template, **dict.fromkeys(one.values, 3))
        assert made.template == plain(one.template)
        assert made.template.format(**made.values) == made
    assert len(SPOKEN) > 300


def test_the_scan_needs_templates_written_where_they_are_raised(tmp_path):
    (tmp_path / "one.py").write_text(
        'raise InputError("One" if x else "{k!r:.4} other", k=k)\n', encoding="utf-8"
    )
    assert [(one.template, one.values) for one in spoken(tmp_path)] == [
        ("One", {"k"}),
        ("{k!r:.4} other", {"k"}),
    ]
    for bad in ('f"{x} is not"', "problem", '"a" + x', '"{k}", 3', '"{k}", **values'):
        (tmp_path / "one.py").write_text(f"raise InputError({bad})\n", encoding="utf-8")
        with pytest.raises(AssertionError, match=r"one.py:1: "):
            list(spoken(tmp_path))
