"""The tabs about the inside of a run, driven like a person; the runs are made up and saved."""

import dataclasses
import json
import re

import pytest
from conftest import BROWSER_WAIT
from inside_runs import run_with_inside
from playwright.sync_api import Page, expect

from app.service.service import Service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inside_address(image, tmp_path_factory):
    """A page on three recorded runs: two with an inside, the last without."""
    from app.theme import CSS, build_theme
    from app.ui import build_demo

    folder = tmp_path_factory.mktemp("inside")
    deep = run_with_inside(layers=12, grids=((6, 6),), counterfactuals=("white", "noise"))
    shallow = run_with_inside(layers=4, grids=((2, 2), (2, 3)), question=["<b>why</b>", "?"])
    bare = dataclasses.replace(deep, inside=None, created="2026-01-02T00:00:00+00:00")
    shallow = dataclasses.replace(shallow, created="2026-01-03T00:00:00+00:00")
    runs = {"deep": deep, "shallow": shallow, "bare": bare}
    for name, run in runs.items():
        image.save(folder / f"{name}.png")
        run.save(folder / f"{name}.vtw")
    entries = [{"name": name, "title": name, "prompt": run.prompt} for name, run in runs.items()]
    (folder / "examples.json").write_text(json.dumps(entries))
    demo = build_demo(Service(examples=folder))
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", theme=build_theme(),
        css_paths=CSS, run_history=False,
    )  # fmt: skip
    yield address
    demo.close()


@pytest.fixture
def visitor(browser, inside_address):
    """A visitor on the opened page; a script error fails the test."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(BROWSER_WAIT)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(inside_address)
    page.wait_for_selector("#workbench .handle")
    yield page
    page.close()
    assert errors == []


def open_tab(page: Page, name: str, chart: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(f"{chart} .js-plotly-plot .annotation")


def names_of_k(page: Page, chart: str) -> list[str]:
    """K as the chart prints it at its line."""
    return page.locator(f"{chart} .annotation").all_text_contents()


def test_plotly_is_fetched_from_here_and_only_when_a_chart_is_seen(browser, inside_address):
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(inside_address)
    page.wait_for_selector("#workbench .handle", timeout=BROWSER_WAIT)
    page.wait_for_timeout(500)
    assert not [url for url in asked if "plotly.min.js" in url]
    open_tab(page, "Attention sinks", "#sinks-mass")
    assert len([url for url in asked if "plotly.min.js" in url]) == 1
    assert all(url.startswith((inside_address, "data:", "blob:")) for url in asked)
    page.close()


def test_k_moves_in_every_tab_at_once_and_without_the_server(visitor):
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    slider = visitor.locator("#sinks-k input")
    visitor.wait_for_timeout(5000)  # what the opened tab asked for has been asked
    asked: list[str] = []

    # This page's model is never loaded, so its clock goes on ticking.
    clock = visitor.evaluate("""window.gradio_config.dependencies
        .filter((one) => one.targets.some(([, event]) => event === 'tick')).map((one) => one.id)""")
    assert clock

    def note(request):
        body = request.post_data_json if request.method == "POST" else {}
        if (body or {}).get("fn_index") not in clock:
            asked.append(f"{request.url} {request.post_data}")

    visitor.on("request", note)
    slider.evaluate("it => { it.value = 3; it.dispatchEvent(new Event('input')); }")
    expect(visitor.locator("#sinks-mass .annotation")).to_have_text("K = 3")
    assert asked == []
    assert visitor.locator("#workbench .k-label").text_content() == "K = 3"
    slider.evaluate("it => it.dispatchEvent(new Event('change'))")
    open_tab(visitor, "Information migration", "#migration-joint")
    expect(visitor.locator("#migration-k .k-words")).to_contain_text("K = 3")
    expect(visitor.locator("#migration-settings_table .title")).to_contain_text("K = 3")
    assert "K = 3" in names_of_k(visitor, "#migration-joint")


def test_a_choice_draws_into_the_same_figure(visitor):
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    visitor.locator("#sinks-mass .js-plotly-plot").evaluate("it => { it.mine = true; }")
    visitor.locator("#sinks-withdrawn input").check()
    expect(visitor.locator("#sinks-mass .definition")).to_contain_text("withdrawn from layer")
    assert visitor.locator("#sinks-mass .js-plotly-plot").evaluate("it => it.mine") is True


def test_a_word_a_layer_and_a_patch_can_be_chosen_by_mouse_and_keys(visitor):
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    gaze = visitor.locator("#gaze")
    gaze.locator(".word", has_text="shape").click()
    expect(gaze.locator(".readout")).to_contain_text("“shape” gives the image")
    visitor.keyboard.press("ArrowRight")
    expect(gaze.locator(".readout")).to_contain_text("“at” gives the image")
    gaze.locator(".thumb").nth(2).click()
    expect(gaze.locator(".layer-words")).to_have_text("Layer 2")
    gaze.locator(".large").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        visitor.keyboard.press(key)
    expect(gaze.locator(".readout")).to_contain_text("chosen patch in row 1, column 1")
    assert "%" in gaze.locator(".word small").first.inner_text()
    visitor.keyboard.press("Escape")
    expect(gaze.locator(".readout")).to_contain_text("Click a patch")


def test_layers_from_k_on_are_empty_when_the_image_is_withdrawn(visitor):
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    visitor.locator("#sinks-k input").evaluate(
        "it => { it.value = 5; it.dispatchEvent(new Event('input')); }"
    )
    visitor.locator("#gaze .withdraw").check()
    assert visitor.locator("#gaze .gone-thumb").count() == 12 - 5
    visitor.locator("#gaze .thumb").nth(5).click()
    expect(visitor.locator("#gaze .gone")).to_contain_text("does not see the image")
    visitor.locator("#gaze .thumb").nth(4).click()
    expect(visitor.locator("#gaze .gone")).to_have_count(0)


def test_another_run_replaces_the_figures_and_its_words_stay_words(visitor):
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    visitor.get_by_role("tab", name="Compare").click()
    visitor.locator("#examples .thumbnail-item").nth(1).click()
    expect(visitor.locator(".k-slider")).to_have_attribute("max", "4")
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    expect(visitor.locator("#gaze .word", has_text="<b>why</b>")).to_be_visible()
    expect(visitor.locator("#gaze .thumb")).to_have_count(4)
    assert visitor.locator("#gaze .panel").count() == 2


def test_a_run_without_an_inside_says_what_to_do(visitor):
    visitor.locator("#examples .thumbnail-item").nth(2).click()
    expect(visitor.locator(".facts")).to_contain_text("2026-01-02")
    visitor.get_by_role("tab", name="Attention sinks").click()
    expect(visitor.locator("#sinks-notice")).to_contain_text("Run both sides")
    visitor.get_by_role("tab", name="Information migration").click()
    expect(visitor.locator("#migration-notice")).to_contain_text("Run both sides")
    expect(visitor.locator("#migration-joint")).to_be_hidden()


def test_a_figure_is_saved_with_one_click(visitor):
    open_tab(visitor, "Information migration", "#migration-joint")
    for kind in ("PNG", "CSV"):
        with visitor.expect_download() as download:
            visitor.locator("#migration-joint .exports button", has_text=kind).click()
        name = download.value.suggested_filename
        assert name == f"attention_and_causal_test.{kind.lower()}"


@pytest.mark.parametrize(
    ("tab", "theme"), [("Attention sinks", "sinks"), ("Information migration", "migration")]
)
def test_on_a_phone_every_chart_is_drawn_and_none_is_wider_than_the_screen(
    browser, inside_address, tab, theme
):
    page = browser.new_page(viewport={"width": 390, "height": 850})
    page.set_default_timeout(BROWSER_WAIT)
    page.goto(inside_address)
    page.wait_for_selector("#workbench .handle")
    entry = page.get_by_role("tab", name=tab)
    if not entry.is_visible():
        page.locator(".overflow-menu button").first.click()
        entry = page.get_by_text(tab, exact=True).last
    entry.click()
    drawings = page.locator(f"[id^={theme}-] .drawing:not([hidden])")
    expect(drawings.first).to_be_visible()
    for drawing in drawings.all():
        drawing.scroll_into_view_if_needed()
        expect(drawing.locator(".main-svg").first).to_be_visible(timeout=BROWSER_WAIT)
    assert page.locator(".chart .failed").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_a_colour_bar_keeps_its_colours_when_the_address_changes(visitor):
    open_tab(visitor, "Attention sinks", "#sinks-mass")
    before = visitor.url
    visitor.locator("#sinks-heads_sink").scroll_into_view_if_needed()
    filled = visitor.locator("#sinks-heads_sink .cbfill").first
    expect(filled).to_be_attached()
    visitor.check("#sinks-withdrawn input")
    expect(visitor).not_to_have_url(before)
    # A reference to a part of this drawing, wherever the page has gone on to.
    assert re.search(r'fill: url\("?#', filled.get_attribute("style"))
