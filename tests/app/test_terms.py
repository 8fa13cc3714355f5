"""The page's terms: each is told in both languages as the documentation tells it."""

import re
from pathlib import Path

import pytest

from app.components.terms import DEFINED, terms_part
from app.tabs.numbers import DOCUMENTS, document
from app.words.english import terms as english
from app.words.language import LANGUAGES, speaking

DOCS = Path(__file__).resolve().parents[2] / "docs"


def plain(markdown: str) -> str:
    return re.sub(r"\s+", " ", markdown.replace("\\*", "*"))


def test_every_term_is_told_in_the_documentation_in_the_same_words():
    page = plain((DOCS / "quantities.md").read_text(encoding="utf-8"))
    told = [f"**{term['title']}**: {term['definition']}" for term in english.TERMS.values()]
    assert [one for one in told if plain(one) not in page] == []


def test_where_a_term_is_defined_that_name_stands():
    assert list(DEFINED) == list(english.TERMS)
    pages = {name: document(name) for name in DOCUMENTS}
    names = r"(?m)^#+ .*{0}|\*\*`?{0}`?\.?\*\*|`{0}(\(.*?\))?`"
    lost = [
        (term, page, name)
        for term, (page, name) in DEFINED.items()
        if not re.search(names.format(re.escape(name)), pages[page])
    ]
    assert lost == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_two_terms_are_written_alike(code):
    with speaking(code):
        from app.words import terms as text_terms

        names = [name for term in text_terms.TERMS.values() for name in term["names"].split("|")]
        assert len(names) == len(set(names))
        assert all(name.strip() == name and name for name in names)
        assert "const terms = " in terms_part().js_on_load


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_shown_whole_below_the_pages_own_headings(name):
    written, shown = (DOCS / f"{name}.md").read_text(encoding="utf-8"), document(name)
    assert not re.search(r"(?m)^##? ", shown), "the page has its own first and second headings"
    assert "```math" not in shown
    assert shown.count("$$") == 2 * written.count("```math")
    assert not re.search(r"\]\((?!https?:)", shown), "a link to a file would lead nowhere"
    words = [re.findall(r"[\w*`]+", each) for each in (written, shown)]
    assert len(words[1]) > 0.95 * len(words[0])
