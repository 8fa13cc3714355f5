"""The page in Chinese says what the page in English says, name by name.

Every module of ``app/chinese`` is held against the module of ``app/english`` of the same name.
"""

import importlib
import inspect
import re
from pathlib import Path
from string import Formatter

import pytest
from chinese_print import CJK, misprints
from markdown_it import MarkdownIt

FOLDER = Path(__file__).resolve().parents[2] / "app" / "words" / "chinese"
MODULES = sorted(
    path.stem for path in FOLDER.glob("[a-z]*.py") if not path.stem.startswith("library")
)

# Prompts for models that understand English only, and titles of papers.
STAYS_ENGLISH = {
    "page.QUESTION_PLACEHOLDER",
    "page.SUGGESTIONS",
    "page.SUGGESTIONS_FOR_STICKERS",
    "page.SUGGESTIONS_FOR_PHOTOGRAPHS",
    "share.BIBTEX",
}
MARKDOWN = MarkdownIt("commonmark").enable("table")


def public(module):
    """What a module defines itself, in its order."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
    }


def strings(value, where):
    """(where, string) for every string inside; the keys of dicts are machine words."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{where}[{key!r}]")
    elif isinstance(value, (tuple, list)):
        for index, inner in enumerate(value):
            yield from strings(inner, f"{where}[{index}]")


def shape(value):
    """Types, keys and lengths, without what the strings say."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}, list(value)
    if isinstance(value, (tuple, list)):
        return type(value), [shape(inner) for inner in value]
    if callable(value):
        return inspect.signature(value)
    return type(value) if isinstance(value, str) else value


def placeholders(said):
    return {
        (name, form, conversion)
        for _, name, form, conversion in Formatter().parse(said)
        if name is not None
    }


def markdown(said):
    """The rendered blocks in their order, each with its bold, code and links in any order."""
    marks = []
    for token in MARKDOWN.parse(said):
        if token.type != "inline":
            marks.append(token.type + token.tag)
            continue
        marks += sorted(
            f"{inner.type} {inner.attrs.get('href', inner.content)}"
            for inner in token.children or ()
            if inner.type not in ("text", "softbreak")
        )
    return marks


def pairs(stem):
    """(where, English, Chinese) of every string."""
    english, chinese = (
        public(importlib.import_module(f"{package}.{stem}"))
        for package in ("app.words.english", "app.words.chinese")
    )
    for name, value in english.items():
        found = dict(strings(chinese.get(name), name))
        for where, said in strings(value, name):
            if where in found and f"{stem}.{name}" not in STAYS_ENGLISH:
                yield where, said, found[where]


def test_there_are_chinese_modules():
    assert {"page", "api", "budget", "methods"} <= set(MODULES)


@pytest.mark.parametrize("stem", MODULES)
class TestChinese:
    def test_the_names_and_their_structure_are_the_english_ones(self, stem):
        english, chinese = (
            public(importlib.import_module(f"{package}.{stem}"))
            for package in ("app.words.english", "app.words.chinese")
        )
        assert list(chinese) == list(english)
        for name, value in english.items():
            assert shape(chinese[name]) == shape(value), name

    def test_the_same_placeholders_stand_in_it(self, stem):
        wrong = [
            (where, placeholders(said) ^ placeholders(translated))
            for where, said, translated in pairs(stem)
            if placeholders(said) != placeholders(translated)
        ]
        assert wrong == []

    def test_what_is_english_prose_is_chinese(self, stem):
        words = r"[A-Za-z’']+(?:,? +[A-Za-z’']+){2,}"
        left = [
            (where, translated)
            for where, said, translated in pairs(stem)
            if re.search(words, re.sub(r"\{.*?\}|`.*?`|https?://\S+", "|", said))
            and not re.search(f"[{CJK}]", translated)
        ]
        assert left == []

    def test_every_number_is_still_there(self, stem):
        lost = []
        for where, said, translated in pairs(stem):
            before, after = (
                set(re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", re.sub(r"\{.*?\}", "", one)))
                for one in (said, translated)
            )
            if before - after:
                lost.append((where, before - after))
        assert lost == []

    def test_the_markdown_renders_to_the_same_marks(self, stem):
        # Also that bold is bold: "。**字" would close nothing.
        wrong = [
            (where, markdown(said), markdown(translated))
            for where, said, translated in pairs(stem)
            if markdown(said) != markdown(translated)
        ]
        assert wrong == []

    def test_no_sentence_is_broken_by_a_line_which_would_show_as_a_space(self, stem):
        broken = [
            where
            for where, _, translated in pairs(stem)
            for block in MARKDOWN.parse(translated)
            if any(inner.type == "softbreak" for inner in block.children or ())
        ]
        assert broken == []

    def test_punctuation_and_spaces_are_those_of_chinese_print(self, stem):
        broken = [
            (where, *misprint)
            for where, _, translated in pairs(stem)
            for misprint in misprints(translated)
        ]
        assert broken == []


def test_the_checks_see_what_they_are_for():
    assert placeholders("{k} of {share:.0%}") == {("k", "", None), ("share", ".0%", None)}
    assert markdown("**甲。** 乙") != markdown("**甲。**乙")
    assert markdown("a\nb") == markdown("甲")
    assert shape({"a": ("b", 1)}) != shape({"a": ("b", 2)})
    assert [where for where, _ in strings({"a": ("b", "c")}, "X")] == ["X['a'][0]", "X['a'][1]"]
