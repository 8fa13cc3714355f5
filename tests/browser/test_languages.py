"""The page in Chinese, and the way from one language to the other, as a visitor goes it."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.chinese import text as chinese
from app.english import text as english
from app.language import LANGUAGES

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
