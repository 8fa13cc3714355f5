"""The page in Chinese, and the way from one language to the other, as a visitor goes it."""

import functools
import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.service.service import bundled_examples
from app.ui import TABS
from app.words.chinese import lesson as text_lesson
from app.words.chinese import page as chinese
from app.words.english import page as english
from app.words.language import LANGUAGES

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)

# Fixed words of the head and the workbench: texts, accessible names and titles without any Chinese,
# as far as three letters of a word stand in them. Names and words of models and of the visitor are
# left out, and so are signs that stay.
_ENGLISH = """() => {
  const named = '.fact b, option:not([value=""]), .answer .text, .token, #language, pre, style';
  const found = [];
  const look = (words, where) => {
    const left = words.replace(/\\b(nat|VTW|token|eta|[kMGT]?FLOPs?)\\b/g, '');
    const isEnglish = /[A-Za-z]{3,}/.test(left) && !/[\\u4e00-\\u9fff]/.test(words);
    if (isEnglish) found.push(`${where}: ${words}`);
  };
  for (const part of document.querySelectorAll('.page-head, .tab-container, #workbench')) {
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const holder = texts.currentNode.parentElement;
      if (holder.closest(named)) continue;
      look(texts.currentNode.textContent.trim(), holder.className);
    }
    for (const labelled of part.querySelectorAll('[aria-label], [title], [aria-valuetext]')) {
      if (labelled.closest('.token')) continue;
      for (const name of ['aria-label', 'title', 'aria-valuetext']) {
        look(labelled.getAttribute(name) || '', name);
      }
    }
  }
  return found;
}"""


# English sentences, as far as six words of Latin letters in a row make one: visible texts and what
# a screen reader is told. Code and citations are left out.
_SENTENCES = """() => {
  const sentence = /[A-Za-z][A-Za-z'’_-]*(?:[\\s,.;:()]+[A-Za-z][A-Za-z'’_-]*){5,}/g;
  const names = ['title', 'aria-label', 'aria-valuetext', 'placeholder', 'alt'];
  const found = new Set();
  const look = (part, words) => {
    if (part.closest('pre, code, style, script') || !part.checkVisibility()) return;
    for (const one of (words || '').match(sentence) || []) found.add(one);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) look(texts.currentNode.parentElement, texts.currentNode.textContent);
  for (const part of document.querySelectorAll(names.map((name) => `[${name}]`).join())) {
    for (const name of names) look(part, part.getAttribute(name));
  }
  return [...found];
}"""


# What Gradio's own parts are called, as far as three letters of a word and nothing Chinese stand in
# it.
_NAMES = """() => {
  const names = ['aria-label', 'title', 'data-title', 'placeholder', 'alt'];
  const found = new Set();
  for (const part of document.querySelectorAll(names.map((name) => `[${name}]`).join())) {
    if (part.closest('.vtw') || !part.checkVisibility()) continue;
    for (const said of names.map((name) => part.getAttribute(name) || '')) {
      if (/[A-Za-z]{3,}/.test(said) && !/[\\u4e00-\\u9fff]/.test(said)) found.add(said);
    }
  }
  return [...found];
}"""
# The unit in a table's head, and a question to a model that knows English only.
STAY_ENGLISH = {"FLOPs", chinese.QUESTION_PLACEHOLDER}


@functools.cache
def said_in_english():
    """What a model was asked and has answered: it knows English only."""
    runs = [example.run for example in bundled_examples()]
    answers = {answer for run in runs for answer in run.answers}
    asked = {*chinese.SUGGESTIONS, *(run.prompt for run in runs)}
    return answers | asked


def english_sentences(page):
    found = page.evaluate(_SENTENCES)
    return [one for one in found if not any(one in words for words in said_in_english())]


@pytest.fixture
def visit(browser, address):
    """Open a path as a new visitor, whose browser prefers the languages given."""
    opened, errors = [], []

    def open_page(path: str, locale: str):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(BROWSER_WAIT)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}{path}")
        page.wait_for_selector("#workbench .handle")
        return page

    yield open_page
    for context in opened:
        context.close()
    assert errors == []


def test_the_chinese_page_is_chinese_runs_a_question_and_hands_its_view_to_the_english_one(visit):
    page = visit("/zh?example=three_shapes&k=3", "en-US")
    expect(page.locator("#workbench .k-label")).to_have_text("K = 3")
    expect(page.locator("html")).to_have_attribute("lang", LANGUAGES["zh"].tag)
    expect(page).to_have_title(chinese.TITLE)
    expect(page.locator("#model-state")).to_contain_text("已就绪")
    assert page.evaluate(_ENGLISH) == []

    page.fill("#question textarea", "how many objects are there ?")
    page.click("#run")
    origin = page.locator("#workbench .fact").first
    expect(origin).to_have_text(chinese.ORIGINS["live"])
    verdict = page.locator("#workbench .verdict")
    expect(verdict).to_have_text(re.compile("[\u4e00-\u9fff]"))

    page.locator("#workbench .k-slider").focus()
    page.keyboard.press("Home")
    page.wait_for_url(re.compile(r"/zh\?.*prompt=.*k=0"))
    page.click("#language a")
    page.wait_for_url(re.compile(r"^[^?]*:\d+/\?.*k=0"))
    page.wait_for_selector("#workbench .handle")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#run")).to_have_text(english.RUN)
    expect(page.locator("#workbench .k-label")).to_have_text("K = 0")
    expect(page.locator("#question textarea")).to_have_value("how many objects are there ?")
    assert "example=three_shapes" in page.url


def test_a_browser_that_prefers_chinese_is_taken_there_until_the_visitor_chooses(visit):
    page = visit("/?example=three_shapes&k=3", "zh-CN")
    page.wait_for_url(re.compile(r"/zh\?example=three_shapes&k=3"))
    expect(page.locator("#run")).to_have_text(chinese.RUN)
    expect(page.locator("#workbench .k-label")).to_have_text("K = 3")
    page.click("#language a")
    page.wait_for_url(re.compile(r":\d+/\?.*k=3"))
    expect(page.locator("#run")).to_have_text(english.RUN)
    page.reload()
    expect(page.locator("#language a")).to_have_text(LANGUAGES["zh"].name)
    expect(page.locator("#run")).to_have_text(english.RUN)


def test_no_english_sentence_is_left_on_any_tab_of_the_chinese_page_or_in_a_refusal(visit):
    # A browser that prefers English, so that what Gradio says by itself is seen too.
    page = visit("/zh", "en-US")
    # What is clicked before the page is whole is lost.
    expect(page.locator("#model-state")).to_contain_text("已就绪")
    come = {"compare": ".verdict", "sinks": ".thumb", "methods": ".stages svg", "numbers": "table"}
    tabs = page.locator(".tab-container:not(.visually-hidden)").first.locator("button[role=tab]")
    assert tabs.count() == len(TABS)
    for tab, button in zip((tab.id for tab in TABS), tabs.all(), strict=True):
        button.click()
        expect(button).to_have_attribute("aria-selected", "true")
        front = page.locator(".tabitem:visible").first
        expect(front.locator(come.get(tab, ".js-plotly-plot")).first).to_be_visible()
        assert (tab, english_sentences(page)) == (tab, [])
        assert (tab, set(page.evaluate(_NAMES)) - STAY_ENGLISH) == (tab, set())
        if tab == "calibrate":
            expect(front).to_contain_text("点击上传")

    tabs.first.click()
    page.fill("#question textarea", " ")
    page.click("#run")
    notice = page.locator("#workbench .notice")
    expect(notice).to_have_text("问题是空的；请就图片提一个问题。")
    assert english_sentences(page) == []
    # The check sees English where it is.
    notice.evaluate("part => { part.textContent = 'The prompt is empty; ask a question.'; }")
    assert english_sentences(page) == ["The prompt is empty; ask a question"]

    page.get_by_role("tab", name=chinese.TAB_DRAW, exact=True).click()
    expect(page.locator("#canvas canvas").first).to_be_visible()
    page.locator("#canvas").get_by_label(chinese.GRADIO["image_editor.color"]).first.click()
    assert set(page.evaluate(_NAMES)) - STAY_ENGLISH == set()


def test_no_english_sentence_is_left_in_the_lesson(visit):
    page = visit("/zh?lesson=1", "en-US")
    lesson = page.locator(".lesson")
    for step in text_lesson.STEPS.values():
        expect(lesson).to_contain_text(step["title"])
        assert (step["title"], english_sentences(page)) == (step["title"], [])
        lesson.locator(".next").click()


def test_gradios_own_words_are_english_on_the_english_page_of_a_chinese_browser(visit):
    page = visit("/zh", "zh-CN")
    page.click("#language a")
    page.wait_for_url(re.compile(r":\d+/(\?.*)?$"))
    expect(page.locator("footer")).to_contain_text("Settings")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("navigator.languages[0]") == "zh-CN"


def test_an_address_that_names_a_language_wins_over_the_choice_and_does_not_change_it(visit):
    page = visit("/", "en-US")
    page.click("#language a")
    page.wait_for_url(re.compile(r"/zh"))
    root = page.url.split("/zh")[0]
    page.goto(f"{root}/?k=3")  # as an English reader's link
    page.wait_for_url(re.compile(r"/zh\?.*k=3"))
    page.goto(f"{root}/?k=3&lang=en")
    expect(page.locator("#run")).to_have_text(english.RUN)
    expect(page.locator("#workbench .k-label")).to_have_text("K = 3")
    page.reload()
    expect(page.locator("#run")).to_have_text(english.RUN)
    page.goto(f"{root}/zh?lang=en")
    page.wait_for_url(re.compile(r":\d+/\?.*lang=en"))
    expect(page.locator("#run")).to_have_text(english.RUN)
    page.goto(root)
    page.wait_for_url(re.compile(r"/zh"))
    page.click("#language a")
    page.wait_for_url(re.compile(r":\d+/(\?(?!.*lang)|$)"))
    page.goto(root)
    expect(page.locator("#run")).to_have_text(english.RUN)


def test_where_nothing_can_be_remembered_the_switch_still_switches(browser, address):
    context = browser.new_context(locale="zh-CN")
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } })"
    )
    page = context.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    page.goto(f"{address}/zh?k=3")
    page.click("#language a")
    page.wait_for_url(re.compile(r":\d+/\?.*lang=en"))
    expect(page.locator("#run")).to_have_text(english.RUN)
    page.reload()
    expect(page.locator("#run")).to_have_text(english.RUN)
    page.click("#language a")
    page.wait_for_url(re.compile(r"/zh\?(?!.*lang)"))
    expect(page.locator("#run")).to_have_text(chinese.RUN)
    context.close()
