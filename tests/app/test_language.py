"""The language of the page: each visitor's own, in every thread and in every step of an answer."""

import contextvars
import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import get_type_hints

import gradio as gr
import pytest
from gradio.utils import get_function_params

from app.figures import fonts
from app.inputs.pictures import OWN_PICTURE, name_of
from app.words import page as text
from app.words.chinese import page as chinese
from app.words.english import page as english
from app.words.language import FIRST, LANGUAGES, current, in_language, speaking, spoken

ROOT = Path(__file__).resolve().parents[2]


def say():
    return text.RUN


def say_twice():
    yield text.RUN
    yield text.CANCEL


def test_words_are_those_of_the_language_spoken_and_of_the_first_one_otherwise():
    assert text.RUN == english.RUN
    with speaking("zh"):
        assert text.RUN == chinese.RUN
        with speaking("en"):
            assert text.RUN == english.RUN
        assert text.RUN == chinese.RUN
    assert text.RUN == english.RUN
    assert next(iter(LANGUAGES)) == FIRST


def test_a_language_ends_with_its_block_also_when_that_fails():
    with pytest.raises(ValueError, match="stop"), speaking("zh"):
        raise ValueError("stop")
    assert current() == FIRST
    with pytest.raises(KeyError), speaking("xx"):
        pass


def test_a_word_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NO_SUCH_WORD"):
        text.NO_SUCH_WORD  # noqa: B018
    with pytest.raises(AttributeError):
        spoken("text", "__path__")
    assert not hasattr(text, "__path__")


def test_two_visitors_are_answered_in_two_languages_at_once():
    both = Barrier(2)

    def answer():
        both.wait()  # now both threads are inside
        said = text.RUN
        both.wait()
        return said

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(in_language(code, answer)) for code in ("en", "zh")]
        assert [one.result(10) for one in answers] == [english.RUN, chinese.RUN]


def test_a_generator_speaks_its_language_in_every_step_wherever_it_runs():
    steps = in_language("zh", say_twice)
    assert inspect.isgeneratorfunction(steps)
    going = steps()
    # As Gradio does: each step in a context of its own, and other visitors in between.
    assert contextvars.copy_context().run(next, going) == chinese.RUN
    assert say() == english.RUN
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(next, going).result(10) == chinese.CANCEL
    with pytest.raises(StopIteration):
        next(going)
    assert current() == FIRST


def test_a_generator_that_is_stopped_ends_in_its_language():
    ended = []

    def endless():
        try:
            while True:
                yield text.RUN
        finally:
            ended.append(text.CANCEL)

    going = in_language("zh", endless)()
    next(going)
    going.close()
    assert ended == [chinese.CANCEL]


def test_gradio_still_finds_the_event_and_the_inputs():
    class Handlers:
        def pick(self, event: gr.SelectData, prompt: str, k: int | None = None) -> str:
            return f"{text.RUN} {prompt}"

    pick = Handlers().pick
    wrapped = in_language("zh", pick)
    assert inspect.signature(wrapped) == inspect.signature(pick)
    assert get_type_hints(wrapped)["event"] is gr.SelectData
    assert get_function_params(wrapped) == get_function_params(pick)
    assert wrapped(None, "?") == f"{chinese.RUN} ?"


def test_no_word_is_read_while_the_page_is_imported():
    code = """
import pkgutil, importlib, app, app.words.language
def refuse(module, name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise SystemExit(f"{module}.{name} is read at import")
app.words.language.spoken = refuse
for module in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(module.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_word_of_every_module_can_be_asked_for_in_both_languages():
    modules = sorted(path.stem for path in (ROOT / "app").glob("text*.py"))
    for language in LANGUAGES.values():
        folder = ROOT / "app" / "words" / language.package
        assert sorted(path.stem for path in folder.glob("text*.py")) == modules


def test_pictures_of_the_page_have_a_name_in_each_language_and_others_keep_theirs(service):
    with speaking("zh"):
        assert name_of("white") == "纯白"
        assert name_of(OWN_PICTURE) == chinese.PICTURES[OWN_PICTURE]
        assert name_of("Squares") == "Squares"
    assert name_of("white") == "white"


def test_a_file_is_drawn_in_english_where_no_font_has_chinese_characters(monkeypatch):
    monkeypatch.setattr(fonts, "chinese_font", lambda: None)
    assert fonts.drawn_language() == "en"
    with speaking("zh"):
        assert fonts.drawn_language() == "en"
    monkeypatch.setattr(fonts, "chinese_font", lambda: "SimHei")
    with speaking("zh"):
        assert fonts.drawn_language() == "zh"
    assert fonts.families()[-1] == "SimHei"


def test_each_language_has_a_page_of_its_own_and_programs_have_one(built):
    config = built.config
    assert [(path, shown) for path, _, shown in config["pages"]] == [("", True), ("zh", False)]
    labels = {
        page: {one["props"].get("value") for one in config["components"]
               if one["id"] in config["page"][page]["components"] and one["type"] == "button"}
        for page in ("", "zh")
    }  # fmt: skip
    assert english.RUN in labels[""]
    assert english.RUN not in labels["zh"]
    assert chinese.RUN in labels["zh"]
    assert chinese.RUN not in labels[""]
    events = {one["id"]: one for one in config["dependencies"]}
    counts = {page: len(config["page"][page]["dependencies"]) for page in ("", "zh")}
    named = [one["api_name"] for one in events.values() if one["api_visibility"] == "public"]
    assert counts["zh"] == counts[""] - len([name for name in named if name])


def test_names_of_gradios_own_are_written_anew_where_they_are_not_those_of_the_language():
    assert all(name == said for name, said in english.GRADIO_NAMES.items())
    assert not [name for name, said in chinese.GRADIO_NAMES.items() if name == said]
