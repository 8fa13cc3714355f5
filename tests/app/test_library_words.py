"""What the library says, on the Chinese page: everything that it can say has a translation."""

import ast
import errno
import os
import pickle
import re
from pathlib import Path

import pytest
from chinese_print import misprints
from library_templates import SPEAKERS, fields, plain, spoken

from app.words.language import FIRST, LANGUAGES, speaking
from app.words.library_words import sentences, worded
from vtw_core.errors import InputError, ModelError, Sentence, system_reason
from vtw_core.files.documents import parsed
from vtw_core.measures import cost
from vtw_core.measures.bootstrap import BAND_METHOD
from vtw_core.measures.presets import ETA_PRESETS

ROOT = Path(__file__).resolve().parents[2]
OTHERS = tuple(code for code in LANGUAGES if code != FIRST)

# Plain texts, which are looked up as a whole: facts that are saved with a result, and the operating
# system's reasons.
FACTS = {cost.VTW_CONVENTION, cost.FASTV_CONVENTION, *(one.source for one in ETA_PRESETS)}
OF_THE_SYSTEM = {
    os.strerror(number)
    for number in (
        errno.ENOENT,
        errno.EACCES,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.ENOSPC,
        errno.EROFS,
        errno.ENAMETOOLONG,
    )
}


@pytest.fixture(scope="module")
def said():
    return {plain(one.template): one.where for one in spoken(ROOT / "vtw_core")}


@pytest.mark.parametrize("code", OTHERS)
def test_whatever_the_library_can_say_has_a_translation(said, code):
    missing = [f"{said[one]}: {one!r}" for one in said.keys() - set(sentences(code))]
    assert not missing, (
        f"add to one of app/words/{LANGUAGES[code].package}/library_*.py, with the same fields:\n"
        + "\n".join(sorted(missing))
    )


@pytest.mark.parametrize("code", OTHERS)
def test_what_the_library_takes_from_elsewhere_has_a_translation(code):
    assert sentences(code).keys() >= FACTS | OF_THE_SYSTEM


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_translated_that_is_no_longer_said(said, code):
    stale = sentences(code).keys() - said.keys() - FACTS - OF_THE_SYSTEM
    assert not stale, "the library no longer says, so remove:\n" + "\n".join(sorted(stale))


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_fields_of_its_template(code):
    for english, translation in sentences(code).items():
        assert plain(english) == english, "a template is looked up without formats"
        assert plain(translation) == translation, "values come as they are printed"
        assert fields(translation) == fields(english), english


@pytest.mark.parametrize("code", OTHERS)
def test_each_sentence_is_translated_with_its_values(code):
    for english, translation in sentences(code).items():
        values = {name: f"{{a}} {name}" for name in fields(english)}
        with speaking(code):
            assert worded(Sentence(english, **values)) == translation.format(**values)


def test_the_translations_are_printed_as_chinese_is():
    assert [(said, *one) for said in sentences("zh").values() for one in misprints(said)] == []


def test_a_sentence_inside_another_is_translated_too():
    empty = InputError("The prompt is empty; ask a question about the image.")
    with speaking("zh"):
        assert worded(InputError("{where}: {problem}", where="cat.png", problem=empty)) == (
            "cat.png：问题是空的；请就图片提一个问题。"
        )
        run = InputError(
            "This is not a coherent run: {problem}.",
            problem=Sentence("k_min must be one of the K"),
        )
        used = InputError("{name} cannot be used: {problem}", name="a.vtw", problem=run)
        assert worded(used) == "无法使用 a.vtw：这次运行的内容前后矛盾：k_min 必须是某个 K。"
        reason = system_reason(PermissionError(13, os.strerror(13)))
        assert (
            worded(InputError("{path} cannot be read: {problem}.", path="run", problem=reason))
            == "无法读取 run：没有权限。"
        )


def test_what_came_from_another_process_is_translated_too():
    with pytest.raises(InputError) as raised:
        parsed(b"{", "a.vtw", 9)
    with speaking("zh"):
        assert (
            worded(pickle.loads(pickle.dumps(raised.value)))
            == worded(pickle.loads(pickle.dumps(raised.value.sentence)))
            == "a.vtw 已损坏：无法读取其内容。"
        )


def test_a_fact_that_was_read_from_a_file_is_translated_as_a_whole():
    with speaking("zh"):
        for fact in FACTS | {BAND_METHOD}:
            assert worded(fact) != fact
        assert worded(str(cost.VTW_CONVENTION)) == sentences("zh")[cost.VTW_CONVENTION]


def test_what_is_not_known_is_told_as_it_is():
    with speaking("zh"):
        for said in (
            "A sentence: of nobody.",
            "",
            "问题是空的。",
            "{braces} and \\ signs",
            "K" * 99999,
            "a: " * 600,
        ):
            assert worded(said) == said
            assert worded(ModelError("{said}", said=said)) == said
        # Words that are not the library's stay inside the library's sentence; so does a name that
        # is a word of it.
        assert (
            worded(
                ModelError(
                    "The model {name} cannot be loaded: {problem}", name="run", problem="odd {k}"
                )
            )
            == "无法加载模型 run：odd {k}"
        )


def test_in_the_first_language_the_library_speaks_for_itself():
    for said in sentences("zh"):
        sentence = Sentence(said, **dict.fromkeys(fields(said), "x"))
        assert worded(sentence) == sentence
        assert type(worded(sentence)) is str


def test_the_page_fills_in_no_error_by_itself():
    """Its own words are templates with values, too: what a visitor sends may hold braces."""
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in SPEAKERS:
                continue
            template = node.args[0]
            is_filled = isinstance(template, ast.JoinedStr | ast.BinOp) or (
                isinstance(template, ast.Call) and ast.unparse(template.func).endswith(".format")
            )
            assert not is_filled, f"{path}:{node.lineno}: give the values by name"


def test_every_error_that_a_visitor_is_told_is_told_in_the_visitors_language():
    tells_programs = {"api.py", "report.py"}
    told = 0
    for path in (ROOT / "app").rglob("*.py"):
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                continue
            if path.name in tells_programs or not re.search(
                "VTWError|InputError", ast.unparse(handler.type)
            ):
                continue
            for one in ast.walk(ast.Module(handler.body, [])):
                inside = [
                    inner.value if isinstance(inner, ast.keyword) else inner
                    for inner in ast.iter_child_nodes(one)
                ]
                of_it = any(isinstance(i, ast.Name) and i.id == handler.name for i in inside)
                calls = ast.unparse(one.func) if isinstance(one, ast.Call) else ""
                in_words = isinstance(one, ast.FormattedValue) or calls == "str"
                assert not (of_it and (in_words or calls.endswith(".format"))), (
                    f"{path}:{handler.lineno}: say worded({handler.name})"
                )
                told += of_it and calls == "worded"
    assert told >= 9
