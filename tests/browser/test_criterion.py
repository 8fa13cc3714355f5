"""η, K* of every scope and what they disagree on, in a real browser."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import Page, expect

from app.presenters.view import ETA_RANGE, SCOPES
from app.service.service import bundled_examples
from vtw_core.results.run import RELEASED_FIRST_K

pytestmark = pytest.mark.slow

EXAMPLES = bundled_examples()
DESCRIBE = next(i for i, example in enumerate(EXAMPLES) if "describe" in example.prompt)


def pick(page: Page, index: int):
    """Show an example; its run."""
    page.locator("#examples .thumbnail-item").nth(index).click()
    expect(page.locator(".facts")).to_contain_text(EXAMPLES[index].prompt, timeout=BROWSER_WAIT)
    return EXAMPLES[index].run


def stars(page: Page) -> dict[str, int]:
    """K* of each scope, as its button says it."""
    written = page.locator(".star-k").all_inner_texts()
    return {
        scope: int(words.removeprefix("K* = "))
        for scope, words in zip(SCOPES, written, strict=True)
    }


def chosen(run, eta: float, rule: str = "first") -> dict[str, int]:
    return {scope: run.choose_k(eta, scope, rule) for scope in SCOPES}


def where_rules_differ() -> tuple[int, float]:
    """An example and an η at which its two rules choose different K*."""
    for index, example in enumerate(EXAMPLES):
        for kl in sorted(example.run.kl_first_token):
            eta = float(f"{kl:.2g}")
            low, high = ETA_RANGE
            if low <= eta <= high and chosen(example.run, eta) != chosen(
                example.run, eta, "stays_below"
            ):
                return index, eta
    raise AssertionError("no recorded KL curve rises again: the rules cannot be told apart")


def eta_shown(page: Page) -> float:
    """η as the slider, the grip and the field say it."""
    slider = page.locator(".eta-handle")
    value = float(slider.get_attribute("aria-valuenow"))
    written = f"{value:.3g}"
    for words in (
        page.locator(".eta-text").text_content().removeprefix("η "),
        page.locator(".eta-input").input_value(),
        slider.get_attribute("aria-valuetext").removeprefix("eta ").removesuffix(" nats"),
    ):
        assert f"{float(words):.3g}" == written
    return value


def type_eta(page: Page, words: str) -> None:
    page.locator(".eta-input").fill(words)
    page.locator(".eta-input").press("Enter")


def middle(box: dict[str, float]) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("at", ["grip", "line"])
def test_dragging_eta_moves_k_star_and_asks_the_server_nothing(page, at):
    run = pick(page, DESCRIBE)
    page.locator(".plot").scroll_into_view_if_needed()
    if at == "grip":
        x, y = middle(page.locator(".eta-grip").bounding_box())
    else:
        box = page.locator("line.eta").bounding_box()
        x, y = box["x"] + box["width"] * 0.4, box["y"]
    k = page.locator(".k-slider").input_value()
    requests: list[str] = []
    page.wait_for_timeout(500)
    page.on("request", lambda request: requests.append(request.url))
    page.mouse.move(x, y)
    page.mouse.down()
    assert eta_shown(page) == 0.003, "a press alone changes nothing"
    seen = set()
    for down in (-90, -60, -30, -9, 15, 40, 70, 400):
        page.mouse.move(x, y + down)
        eta = eta_shown(page)
        assert stars(page) == chosen(run, eta)
        assert f"η = {page.locator('.eta-text').text_content().removeprefix('η ')}" in " ".join(
            page.locator(".agreement, .readout").all_inner_texts()
        )
        seen.add(eta)
    page.mouse.up()
    assert len(seen) == 8
    assert min(seen) == ETA_RANGE[0], "dragged out of the chart it ends at its end"
    page.mouse.move(x, y)
    assert eta_shown(page) == ETA_RANGE[0], "let go is let go"
    assert page.locator(".k-slider").input_value() == k
    assert requests == []


def test_the_keyboard_moves_eta_by_tenths_and_by_decades(page):
    slider = page.locator(".eta-handle")
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "eta 0.003 nats"
    page.keyboard.press("ArrowUp")
    assert eta_shown(page) == 0.0038
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert eta_shown(page) == 0.03
    page.keyboard.press("PageDown")
    assert eta_shown(page) == 0.003
    page.keyboard.press("ArrowDown")
    assert eta_shown(page) == 0.0024
    page.keyboard.press("Home")
    assert eta_shown(page) == ETA_RANGE[0]
    page.keyboard.press("PageDown")
    assert eta_shown(page) == ETA_RANGE[0]
    page.keyboard.press("End")
    assert eta_shown(page) == ETA_RANGE[1]


def test_typed_and_published_etas_are_taken_and_nonsense_is_not(page):
    for words, eta in (("1e-4", 1e-4), ("0,05", 0.05), ("500", 10), ("0", ETA_RANGE[0])):
        type_eta(page, words)
        assert eta_shown(page) == eta
    for words in ("", "-1", "many", "NaN", "1e999"):
        type_eta(page, words)
        assert eta_shown(page) == ETA_RANGE[0]
    page.locator(".eta-presets").select_option(label="LLaVA-1.5-13B: 0.0005")
    assert eta_shown(page) == 0.0005
    type_eta(page, "0.1")
    assert page.locator(".eta-presets").input_value() == ""


def test_the_blind_spot_of_the_first_token_is_said_on_a_description(page):
    run = pick(page, DESCRIBE)
    stars_here = chosen(run, 0.003)
    assert stars_here["first_token"] < stars_here["answer_max"]
    said = page.locator(".agreement").inner_text()
    assert f"the first token allows K = {stars_here['first_token']}" in said
    assert f"K = {stars_here['answer_max']}" in said
    worst = run.kl_positions[stars_here["first_token"]]
    position = int(worst.argmax())
    piece = run.answer_tokens[run.layers][position].strip()
    assert f"“{piece}”, {position + 1} of {len(worst)}" in said
    assert "reads differently" in said
    assert page.locator(".token.worst").inner_text() == piece
    page.locator("[data-scope=answer_max]").click()
    assert page.locator(".k-slider").input_value() == str(stars_here["answer_max"])
    assert page.locator(".token.over").count() == 0


def test_agreement_and_no_k_at_all_are_said_too(page):
    pick(page, 0)
    assert "agree" in page.locator(".agreement").inner_text()
    least = ETA_RANGE[0]
    runs = [example.run for example in EXAMPLES]
    none = [{*chosen(run, least).values()} == {run.layers} for run in runs].index(True)
    pick(page, none)
    type_eta(page, str(least))
    assert "No layer can do without the image" in page.locator(".agreement").inner_text()
    notes = page.locator(".star-note").all_inner_texts()
    assert notes == ["none below L"] * len(SCOPES)


def test_the_rules_are_spoken_of_only_where_they_differ(page):
    index, eta = where_rules_differ()
    pick(page, index)
    page.locator(".eta-input").fill(str(eta))
    page.locator(".eta-input").press("Enter")
    assert "The rules differ" in page.locator(".agreement").inner_text()
    page.locator(".eta-input").fill("10")  # more than any KL of a curve that falls
    page.locator(".eta-input").press("Enter")
    run = EXAMPLES[index].run
    agree = chosen(run, 10) == chosen(run, 10, "stays_below")
    assert ("rules" in page.locator(".agreement").inner_text()) is not agree
    page.locator("[data-rule=first]").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-rule=stays_below]").get_attribute("aria-checked") == "true"


def test_the_released_codes_rule_is_an_option_and_every_rule_says_what_it_is(page):
    run = pick(page, DESCRIBE)
    page.locator(".eta-input").fill("10")
    page.locator(".eta-input").press("Enter")
    page.locator("[data-rule=stays_below]").click()
    page.locator("[data-rule=stays_below]").press("ArrowRight")
    assert page.locator("[data-rule=released]").get_attribute("aria-checked") == "true"
    assert stars(page) == chosen(run, 10, "released")
    assert min(stars(page).values()) == RELEASED_FIRST_K
    note, told = page.locator(".rule-note"), page.locator(".agreement")
    assert f"from {RELEASED_FIRST_K} on" in note.inner_text()
    assert f"start at K = {RELEASED_FIRST_K}" in told.inner_text()
    page.locator("[data-rule=released]").press("ArrowRight")
    assert page.locator("[data-rule=first]").get_attribute("aria-checked") == "true"
    assert "the first K whose KL is at most η" in note.inner_text()


def test_each_token_tells_its_kl_to_mouse_and_keyboard(page):
    run = pick(page, DESCRIBE)
    tokens = page.locator(".token")
    count = len(run.answer_ids[run.layers])
    assert tokens.count() == count
    assert tokens.last.inner_text() == "end of answer"
    summary = page.locator(".readout").inner_text()
    tokens.nth(3).hover()
    assert f"“star”, token 4 of {count}" in page.locator(".readout").inner_text()
    page.mouse.move(0, 0)
    expect(page.locator(".readout")).to_have_text(summary, timeout=BROWSER_WAIT)
    tokens.first.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert f"token {count - 1} of {count}" in page.locator(".readout").inner_text()
    assert tokens.nth(count - 2).get_attribute("aria-label").startswith("“right”")


HEIGHTS = """() => {
    const heights = [];
    const put = (field, name, value) => {
        document.querySelector(field).value = value;
        document.querySelector(field).dispatchEvent(new Event(name, {bubbles: true}));
        heights.push(document.querySelector('#workbench').offsetHeight);
    };
    const last = Number(document.querySelector('.k-slider').max);
    for (let k = 0; k <= last; k += 1) put('.k-slider', 'input', k);
    for (const eta of [1e-7, 1e-5, 5e-4, 0.05, 0.3, 3, 10, 0.003]) put('.eta-input', 'change', eta);
    return heights;
}"""


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_jumps_while_k_and_eta_move(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    page.wait_for_selector("#workbench .handle", timeout=BROWSER_WAIT)
    for index in (0, DESCRIBE):
        run = pick(page, index)
        page.wait_for_timeout(300)
        heights = page.evaluate(HEIGHTS)
        assert len(heights) == run.layers + 9
        assert len(set(heights)) == 1
    page.close()


def test_the_visitors_eta_holds_for_the_next_run(page):
    type_eta(page, "0.5")
    run = pick(page, DESCRIBE)
    assert eta_shown(page) == 0.5
    assert stars(page) == chosen(run, 0.5)
    assert re.search(r"η = 0\.5\b", page.locator(".agreement").inner_text())
