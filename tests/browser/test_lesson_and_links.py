"""Links and the lesson in a real browser, on the page's own examples and without the model."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import Page, expect

from app.lesson.syllabus import STEPS
from app.presenters.calibration_view import DIRECTION_NAMES
from app.service.service import Service
from app.words.english.budget import AXIS_X, COSTS, KINDS
from app.words.english.inside import ROWS
from app.words.english.methods import ASKED_BY_LINK, METHODS
from app.words.english.page import SCOPES
from app.words.english.share import SHARE

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)


@pytest.fixture(scope="module")
def recorded_address():
    """The page on its recorded runs; nothing loads the model."""
    from app.theme import CSS, build_theme
    from app.ui import build_demo

    demo = build_demo(Service())
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", theme=build_theme(),
        css_paths=CSS, run_history=False,
    )  # fmt: skip
    yield address
    demo.close()


@pytest.fixture
def visit(browser, recorded_address):
    """Open an address as a new visitor; anything in the console that is an error fails the test."""
    errors: list[str] = []
    context = browser.new_context(reduced_motion="reduce", has_touch=True)

    def opened(query: str, width: int = 1440, height: int = 900) -> Page:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(BROWSER_WAIT)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{recorded_address}{query}")
        page.wait_for_selector("#workbench .handle", state="attached")
        return page

    yield opened
    context.close()
    assert errors == []


# One look for everything, at every frame: each `expect` would wait a while of its own.
_ARRIVED = """([number, focus]) => {
  const said = document.querySelector('#lesson .progress').textContent;
  const step = new URLSearchParams(location.search).get('lesson');
  const figure = document.querySelector(focus), box = figure && figure.getBoundingClientRect();
  const inPanel = focus.startsWith('#lesson');
  return said.startsWith(`Step ${number} `) && step === String(number) && box && box.height > 0
    && (inPanel || figure.classList.contains('lesson-focus'))
    && box.top > -2 && box.top < innerHeight * 0.8;
}"""


def at_step(page: Page, number: int) -> None:
    """The step is there, in the address too, and the top of its figure stands in view."""
    page.wait_for_function(_ARRIVED, arg=[number, STEPS[number - 1].focus])


def test_the_lesson_is_walked_from_first_to_last_by_mouse_and_keys(visit):
    page = visit("")
    lesson = page.locator("#lesson")
    lesson.locator(".open").click()
    at_step(page, 1)
    lesson.locator(".choice", has_text="144").click()
    expect(lesson.locator(".verdict.good")).to_contain_text("Right.")
    expect(lesson.locator(".told")).to_contain_text("Right.")
    lesson.locator(".next").click()
    at_step(page, 2)
    lesson.locator(".choice").first.click()
    expect(lesson.locator(".verdict:not(.good)")).to_contain_text("Not quite.")
    page.keyboard.press("ArrowLeft")
    at_step(page, 1)
    for number in (2, 3, 4):
        page.keyboard.press("ArrowRight")
        at_step(page, number)
    told = page.locator("#migration-joint .summary")
    expect(told).to_be_hidden()  # it gives the answer
    lesson.locator(".choice").first.click()
    expect(lesson.locator(".verdict")).to_be_visible()
    expect(told).to_be_visible()
    lesson.locator(".dots button").nth(4).click()

    at_step(page, 5)
    expect(page.locator("#workbench .curve").first).to_be_hidden()
    star = next(iter(STEPS[4].ask(Service().examples[1].run)[0].right))
    page.locator("#workbench .k-slider").fill(str(star))
    expect(lesson.locator(".check-k")).to_have_text(f"Check K = {star}")
    lesson.locator(".check-k").press("Enter")
    expect(lesson.locator(".verdict.good")).to_contain_text(f"at K = {star},")
    expect(page.locator("#workbench .curve").first).to_be_visible()

    # A visitor may wander off, and come back.
    page.locator("#examples .thumbnail-item").nth(3).click()
    expect(page).to_have_url(re.compile("example=red_circle"))
    expect(lesson.locator(".verdict")).to_have_count(0)
    lesson.locator(".body .again").click()
    expect(page).to_have_url(re.compile("example=three_shapes"))
    at_step(page, 5)

    for number in range(6, len(STEPS) + 1):
        lesson.locator(".next").click()
        at_step(page, number)
    for number in range(5):
        question = lesson.locator(".question").nth(number)
        question.locator(".choice").first.click()
        expect(question.locator(".verdict")).to_be_visible()
    expect(lesson.locator(".verdict .term").first).to_be_visible()
    expect(lesson.locator(".ask .term")).to_have_count(0)  # who is asked is not told by a term
    expect(lesson.locator(".score")).to_contain_text("of 5 right")
    page.keyboard.press("Escape")
    expect(lesson.locator(".panel")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("lesson="))
    expect(lesson.locator(".open")).to_be_focused()


# Of the figure to look at: how much stands above the panel and below what sticks to the top.
_SEEN = """(figure) => {
  const panel = document.querySelector('#lesson .panel').getBoundingClientRect();
  const bar = [...document.querySelectorAll('.kbar-part')].find((each) => each.offsetHeight);
  const box = document.querySelector(figure)?.getBoundingClientRect();
  if (!box) return 0;
  const top = Math.max(box.top, bar ? bar.getBoundingClientRect().bottom : 0);
  return (Math.min(box.bottom, panel.top) - top) / box.height;
}"""


@pytest.mark.parametrize(
    ("step", "figure", "share"),
    [(1, ".facts", 1), (2, "#every-k-cost .drawing", 0.8), (3, "#sinks-mass .drawing", 0.6),
     (5, ".withdrawn .text", 1), (6, ".positions .tokens", 1), (7, ".withdrawn .text", 1),
     (8, "#methods-layers .drawing", 0.8), (9, "#canvas", 1)],
)  # fmt: skip
def test_on_a_phone_the_panel_leaves_the_figure_in_view(visit, step, figure, share):
    page = visit(f"?lesson={step}", 390, 844)
    panel = page.locator("#lesson .panel")
    expect(panel.locator(".progress")).to_contain_text(f"{step} · ")
    page.wait_for_function(f"([figure, share]) => ({_SEEN})(figure) >= share", arg=[figure, share])
    expect(panel.locator(".ask").first).to_be_in_viewport(ratio=1)
    whole = panel.bounding_box()["height"]

    panel.locator(".fold").click()
    expect(panel.locator(".lead")).to_be_hidden()
    expect(panel.locator(".ask").first).to_be_in_viewport(ratio=1)
    assert panel.bounding_box()["height"] < whole
    panel.locator(".fold").click()
    expect(panel.locator(".body")).to_be_hidden()
    panel.locator(".fold").click()
    expect(panel.locator(".lead")).to_be_visible()


def test_a_phones_panel_is_pushed_down_and_pulled_up(visit):
    page = visit("?lesson=2", 390, 844)
    panel = page.locator("#lesson .panel")
    swipe = """(head, way) => {
      const at = (name, y) => {
        const touch = new Touch({ identifier: 1, target: head, clientX: 90, clientY: y });
        const now = name === 'touchend' ? [] : [touch];
        head.dispatchEvent(new TouchEvent(name, { touches: now, changedTouches: [touch] }));
      };
      at('touchstart', 400);
      at('touchend', 400 + way);
    }"""
    expect(panel.locator(".lead")).to_be_visible()
    seen = []
    for way in (80, 5, 80, 80, -80, -80, -80):
        panel.locator("header").evaluate(swipe, way)
        seen.append(panel.get_attribute("data-size"))
    assert seen == ["question", "question", "bar", "bar", "question", "whole", "whole"]


def test_several_clicks_in_a_row_are_several_steps(visit):
    page = visit("?lesson=1")
    at_step(page, 1)
    page.locator("#lesson .next").evaluate("it => { it.click(); it.click(); it.click(); }")
    at_step(page, 4)
    expect(page.locator("#lesson .panel")).not_to_have_class(re.compile("waiting"))
    page.locator("#lesson .back").evaluate("it => { it.click(); it.click(); }")
    at_step(page, 2)


def test_who_closes_the_lesson_by_mistake_goes_on_where_he_was(visit):
    page = visit("?lesson=1")
    lesson = page.locator("#lesson")
    at_step(page, 1)
    lesson.locator(".choice", has_text="144").click()
    expect(lesson.locator(".verdict.good")).to_be_visible()
    lesson.locator(".next").click()
    at_step(page, 2)
    lesson.locator(".next").press("Escape")
    expect(lesson.locator(".panel")).to_be_hidden()
    lesson.locator(".open").click()
    at_step(page, 2)
    lesson.locator(".back").click()
    at_step(page, 1)
    expect(lesson.locator(".verdict.good")).to_be_visible()
    lesson.locator(".dots button").last.click()
    at_step(page, 10)
    lesson.locator(".next").click()
    expect(lesson.locator(".panel")).to_be_hidden()
    lesson.locator(".open").click()
    at_step(page, 1)
    expect(lesson.locator(".verdict")).to_have_count(0)


def test_what_one_draws_asks_and_presses_is_in_view_together(visit):
    page = visit("?lesson=9", 1440, 900)
    at_step(page, 9)
    for part in ("#canvas", "#question", "#run"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    before = page.evaluate("scrollY")
    page.locator(".suggestions button").last.evaluate("it => it.click()")
    expect(page.locator("#question textarea")).to_have_value("describe the image.")
    assert page.evaluate("scrollY") == before


def test_a_link_restores_the_view_and_the_address_follows_the_visitor(visit):
    page = visit(
        "?__theme=dark&example=describe&k=7&eta=0.01&tab=sinks&layer=5&row=2&patch=14&nonsense=1"
    )
    gaze = page.locator("#gaze")
    expect(gaze.locator(".layer-words")).to_have_text("Layer 5")
    expect(gaze.locator(".word").nth(2)).to_have_attribute("aria-checked", "true")
    expect(gaze.locator(".readout")).to_contain_text("chosen patch in row 1, column 2")
    expect(page.locator("#sinks-k .k-words")).to_contain_text("K = 7")
    assert "dark" in page.locator("body").get_attribute("class")
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#workbench .k-label")).to_have_text("K = 7")
    expect(page.locator("#workbench .eta-input")).to_have_value("0.01")
    expect(page).to_have_url(
        re.compile(r"\?__theme=dark&nonsense=1&example=describe&tab=compare&k=7&eta=0.01$")
    )

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.locator("#workbench .k-slider").evaluate(
        "it => { it.value = 4; it.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(page).to_have_url(re.compile("k=4"))
    # The page looks by itself whether the model is there; that is no event of the visitor's.
    assert not [data for data in asked if '"event_data":{' in data]

    page.locator("#share .cite").click()
    expect(page.locator("#share .code")).to_contain_text("k, eta, rule = 4, 0.01")
    expect(page.locator("#share .citation")).to_contain_text("2405.05803")
    page.keyboard.press("Escape")
    page.locator("#share .copy").click()
    expect(page.locator("#share .said")).to_contain_text(
        re.compile(f"{SHARE['copied']}|{SHARE['copyFailed']}")
    )


def test_what_the_controls_of_a_tab_hold_is_in_its_address_and_comes_back(visit):
    page = visit("?tab=sinks&rows=answer&head=1&linear=1&rule=stays_below&layer=3")
    rows = page.locator("#sinks-rows input")
    expect(rows).to_have_value(ROWS["answer"])
    head = page.locator("#sinks-head input")
    expect(head).to_have_value("head 1")
    expect(page.locator("#sinks-log input")).not_to_be_checked()
    expect(page.locator("#sinks-layer input[type=number]")).to_have_value("3")
    head.click()
    page.get_by_role("option", name="head 2", exact=True).click()
    page.locator("#sinks-log input").check()
    page.locator("#sinks-withdrawn input").check()
    page.wait_for_url(
        "**/?example=small_large&tab=sinks&rule=stays_below&layer=3&rows=answer&head=2&withdrawn=1"
    )
    page.get_by_role("tab", name="Information migration").click()
    page.locator("#migration-image input").click()
    page.get_by_role("option", name="noise", exact=True).click()
    page.wait_for_url("**/?example=small_large&tab=migration&rule=stays_below&image=1")
    page.reload()
    expect(page.locator("#migration-image input")).to_have_value("noise")
    expect(page.locator("#migration-causal_kl .summary")).to_contain_text("noise")
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#workbench [data-rule=stays_below]")).to_have_attribute(
        "aria-checked", "true"
    )
    page.locator("#workbench [data-rule=first]").click()
    page.wait_for_url("**/?example=small_large&tab=compare")


def choose(page: Page, selector: str, name: str) -> None:
    page.locator(f"{selector} input").click()
    page.get_by_role("option", name=name, exact=True).click()


def test_the_methods_that_are_compared_are_in_the_address_and_come_back(visit):
    page = visit("?example=small_large&tab=methods")
    answers = page.locator("#methods-answers")
    expect(answers.locator(".origin")).to_contain_text("recorded on")
    stage = page.locator("#stages .step")
    expect(stage).to_have_attribute("aria-valuetext", re.compile("merg"))
    stage.focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile(r"tab=methods&stage=\d+$"))
    last = stage.get_attribute("aria-valuetext")
    page.locator("#methods-vtw-k-1 input[type=number]").fill("3")
    page.locator("#methods-vtw-k-1 input[type=number]").press("Tab")
    page.wait_for_url(
        re.compile(r"tab=methods&methods=vtw:k=3\+mustdrop:tokens=[0-9.]+&stage=\d+$")
    )
    page.locator("#methods-add").click()
    choose(page, "#methods-name-3", METHODS["random"])
    page.locator("#methods-remove-2").click()
    page.wait_for_url(re.compile(r"methods=vtw:k=3\+random:k=\d+,ratio=[0-9.]+&stage="))
    # Dragged, and not let go: the model is not asked.
    page.locator("#stages .gamma").evaluate(
        "it => { it.value = 30; it.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_url(re.compile("&gamma="))
    told = page.locator("#stages .source").inner_text()

    page.reload()
    expect(page.locator("#methods-vtw-k-1 input[type=number]")).to_have_value("3")
    expect(page.locator("#methods-name-2 input")).to_have_value(METHODS["random"])
    expect(page.locator("#methods-name-3")).to_be_hidden()
    expect(answers.locator(".notice")).to_have_text(ASKED_BY_LINK)
    expect(answers.locator("h3").nth(2)).to_contain_text("MustDrop")
    expect(stage).to_have_attribute("aria-valuetext", last)
    expect(page.locator("#stages .source")).to_have_text(told)
    expect(page).to_have_url(re.compile(r"methods=vtw:k=3\+random.*&gamma="))

    # Another example has its own.
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.locator("#examples .thumbnail-item").nth(3).click()
    expect(page).to_have_url(re.compile(r"example=red_circle&tab=compare$"))
    page.get_by_role("tab", name="Methods", exact=True).click()
    expect(answers.locator(".card.none .text")).to_have_text("red")
    expect(page).to_have_url(re.compile(r"^[^&]*example=red_circle&tab=methods(&stage=\d+)?$"))


def test_what_calibrate_and_equal_budget_show_is_in_the_address_and_comes_back(visit):
    page = visit("?tab=calibrate&preset=1&scope=answer_max&pick=stays_below")
    summary = page.locator("#calibrate-summary")
    expect(summary).to_contain_text("η = 0.0005")
    expect(summary).to_contain_text(SCOPES["answer_max"])
    expect(page.locator("#eta-preset input")).to_have_value(re.compile("LLaVA-1.5-13B"))
    page.locator("#eta input").fill("0.25")
    expect(summary).to_contain_text("η = 0.25")
    page.get_by_label(DIRECTION_NAMES["full_withdrawn"]).check()
    page.wait_for_url(
        "**/?example=small_large&tab=calibrate&threshold=0.25&scope=answer_max"
        "&pick=stays_below&direction=full_withdrawn"
    )
    expect(summary).to_contain_text(SCOPES["answer_max"])
    expect(summary).to_contain_text(DIRECTION_NAMES["full_withdrawn"])
    told = summary.text_content()
    page.reload()
    expect(page.locator("#eta input")).to_have_value("0.25")
    expect(summary).to_have_text(told)
    choose(page, "#eta-preset", "LLaVA-1.5-7B: η = 0.003, K = 16")
    expect(summary).to_contain_text("η = 0.003")
    page.wait_for_url(re.compile("tab=calibrate&preset=0&scope"))

    page.get_by_role("tab", name="Equal budget").click()
    expect(page.locator("#budget-pareto .xtitle")).to_be_visible()
    page.wait_for_url("**/?example=small_large&tab=budget")
    choose(page, "#methods-kind", KINDS["describe"])
    choose(page, "#methods-cost", COSTS["prefill_time"])
    page.locator("#methods-everything input").check()
    page.wait_for_url("**/?*tab=budget&kind=describe&cost=prefill_time&variants=1")
    page.reload()
    expect(page.locator("#budget-pareto .xtitle")).to_have_text(AXIS_X["prefill_time"])
    expect(page.locator("#budget-table .title")).to_contain_text(KINDS["describe"])
    expect(page.locator("#methods-everything input")).to_be_checked()


def test_a_question_of_ones_own_is_restored_and_waits_to_be_asked(visit):
    page = visit("?example=red_circle&prompt=is+%3Cb%3Eit%3C%2Fb%3E+red+%3F&tab=nowhere&k=x")
    expect(page.locator("#question textarea")).to_have_value("is <b>it</b> red ?")
    expect(page.locator("#workbench .notice")).to_contain_text("press Run both sides")
    expect(page.locator(".facts")).to_contain_text("recorded run")
    expect(page).to_have_url(re.compile("prompt=is"))
