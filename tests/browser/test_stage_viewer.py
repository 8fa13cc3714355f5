"""MustDrop's stages in a browser: what it draws and predicts is what the library decides."""

import dataclasses
import re
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect
from stage_runs import drop_run

from app.components.stages import FATE_NAMES, threshold_ranges
from app.sections import stages as stages_section

pytestmark = pytest.mark.slow

RUN = {"grids": ((6, 5), (4, 4)), "layers": 9, "seed": 5}
# Peaks that reach alpha at first fade under it later, so that several filters drop.
FIRST = {"gamma": 0.05, "alpha": 0.005}
WENT_ON = {"both", "global", "individual", "protected"}


@pytest.fixture(scope="module")
def stage_page(browser, image_path):
    """The section on a page of its own; its model answers with made-up runs.

    Yields:
        the page; what the model was asked; and the world, which says how attention fades.
    """
    from app.theme import CSS, build_theme

    calls, world = [], {"fade": 0.6}

    def must_drop(picture, prompt, gamma, alpha, stages, model):
        calls.append((gamma, alpha, stages))
        run = drop_run(gamma=gamma, alpha=alpha, cache="c" in stages, **world, **RUN)
        return dataclasses.replace(run, pictures=tuple(picture))

    with gr.Blocks() as demo:
        section = stages_section.build(SimpleNamespace(must_drop=must_drop))
        first = dataclasses.replace(drop_run(**FIRST, **world, **RUN), pictures=(str(image_path),))
        demo.load(lambda: stages_section.show(first), None, list(section.outputs))
    demo.queue()
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", theme=build_theme(),
        css_paths=CSS,
    )  # fmt: skip
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(BROWSER_WAIT)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#stages .cell")
    yield page, calls, world
    page.close()
    demo.close()
    assert errors == []


def slide(page, name, value, event="input"):
    page.locator(f"#stages .{name}").evaluate(
        "(it, [value, event]) => { it.value = value; it.dispatchEvent(new Event(event)); }",
        [value, event],
    )


EVERY_STAGE = """(it) => Array.from({ length: Number(it.max) + 1 }, (_, step) => {
  it.value = step;
  it.dispatchEvent(new Event('input'));
  const all = (what) => [...document.querySelectorAll(`#stages ${what}`)];
  return [
    all('.panels .cell').map((cell) => [Number(cell.dataset.token), cell.dataset.state]),
    all('button.legend-line').map(
      (line) => [0, 1, 2].map((column) => line.children[column].textContent),
    ),
  ];
})"""


def every_stage(page):
    """Of each stage the tokens' states, in their order, the legend's sums (tokens, patches), and
    its lines: {name: tokens}."""
    found = []
    for cells, legend in page.locator("#stages .step").evaluate(EVERY_STAGE):
        states = dict(cells)
        assert len(states) == len(cells)
        in_order = [states[token] for token in range(len(states))]
        sums = [sum(int(line[column]) for line in legend) for column in (1, 2)]
        found.append((in_order, sums, {line[0]: int(line[1]) for line in legend}))
    return found


def spread(runs, layers):
    """[layers] of [(tokens, first layer, last layer)], added up."""
    total = np.zeros(layers, dtype=int)
    for tokens, first, last in runs:
        total[int(first) : int(last or first) + 1] += int(tokens)
    return tuple(total.tolist())


def drawn_as(page, record):
    """Every stage shows what a record says."""
    patches = sum(tokens.size for tokens in record.token_maps)
    at_first, merged, *filters, last, cache = every_stage(page)
    assert at_first[1] == [patches, patches]
    assert [state == "merged" for state in merged[0]] == (record.sizes > 1).tolist()
    assert merged[1] == [len(record.sizes), patches]
    for (states, sums, _), one in zip(filters, record.decisions, strict=True):
        assert states == [FATE_NAMES[fate] for fate in one.fate]
        assert sums == [len(record.sizes), patches]
        went_on = sum(state in WENT_ON for state in states)
        assert went_on == record.visual_tokens_per_layer[one.layer + 1]
    assert last[0].count("stayed") == record.visual_tokens_per_layer[-1]
    layers = len(record.cached_visual_tokens_per_layer)
    held = [
        (tokens, 0, layers - 1 if "every" in name else re.search(r"(\d+)$", name)[1])
        for name, tokens in cache[2].items()
        if "no layer" not in name
    ]
    assert spread(held, layers) == record.cached_visual_tokens_per_layer
    told = page.locator("#stages .flow-words").inner_text().split("KV cache")[1]
    runs = re.findall(r"(\d+) in layers? (\d+)(?:–(\d+))?", told)
    assert spread(runs, layers) == record.cached_visual_tokens_per_layer


def slide_and_compare(page, chosen, world, slides):
    """Slide thresholds, and compare each prediction with a run under them."""
    ranges = threshold_ranges(drop_run(**chosen, **world, **RUN).record, *chosen.values())
    for name, tick in slides:
        low, high = ranges[name]
        chosen[name] = float(f"{low * (high / low) ** (tick / 400):.3g}")
        slide(page, name, tick)
        expect(page.locator("#stages .source")).to_contain_text("Predicted")
        drawn_as(page, drop_run(**chosen, **world, **RUN).record)


def let_go(page):
    slide(page, "alpha", page.locator("#stages .alpha").input_value(), "change")
    expect(page.locator("#stages .source")).to_contain_text("Measured", timeout=BROWSER_WAIT)


def test_it_draws_the_run_and_predicts_others_without_the_server_until_one_lets_go(stage_page):
    page, calls, world = stage_page
    chosen = dict(FIRST)
    first = drop_run(**chosen, **world, **RUN).record
    assert len(set(first.visual_tokens_per_layer)) > 2
    drawn_as(page, first)

    # Where more leave than in the run, and attention keeps its proportions, the prediction is
    # what a run does, at every filter.
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    raised = [("alpha", 300), ("gamma", 330), ("alpha", 330), ("gamma", 350), ("alpha", 360)]
    slide_and_compare(page, chosen, world, raised)
    assert asked == []
    assert calls == []
    let_go(page)
    assert calls == [(chosen["gamma"], chosen["alpha"], "abc")]
    drawn_as(page, drop_run(**chosen, **world, **RUN).record)
    # The answer is the model's: shown as words, whatever they are.
    assert page.locator("#stages .answer-text").inner_text() == "a <b>cat</b>"

    # Where fewer leave, that holds if the text also gives each token the same in every layer.
    world["fade"] = 1.0
    let_go(page)
    slide_and_compare(page, chosen, world, [("alpha", 390), ("gamma", 300)])
    let_go(page)
    lowered = [("gamma", tick) for tick in (260, 230, 210, 190, 170)]
    slide_and_compare(page, chosen, world, [*lowered, ("alpha", 250), ("alpha", 200)])
    let_go(page)


def test_a_wanted_number_of_tokens_and_the_stages_are_asked_for_in_the_same_way(stage_page):
    page, calls, _ = stage_page
    calls.clear()
    wanted = page.locator("#stages .wanted")
    number = (int(wanted.get_attribute("min")) + int(wanted.get_attribute("max"))) // 2
    slide(page, "wanted", number)
    slide(page, "wanted", number, "change")
    expect(page.locator("#stages .source")).to_contain_text("Measured", timeout=BROWSER_WAIT)
    expect(page.locator("#stages .flow-words")).to_contain_text("in layer 0,")
    told = page.locator("#stages .source").inner_text()
    assert abs(float(re.search(r"([\d.]+) visual tokens", told)[1]) - number) <= 1
    page.locator("#stages .stage-c").uncheck()
    # Without stage c a layer's cache keeps all that the layer saw; the first filter is behind 1.
    words = page.locator("#stages .flow-words")
    expect(words).to_contain_text("in layers 0–1", timeout=BROWSER_WAIT)
    assert [stages for _, _, stages in calls] == ["abc", "ab"]


def test_thresholds_moved_while_the_model_runs_are_measured_once_it_is_done(stage_page):
    page, calls, _ = stage_page
    calls.clear()
    page.locator("#stages .gamma").evaluate(
        """(it) => [120, 180, 240].forEach((tick) => {
          it.value = tick;
          it.dispatchEvent(new Event('input'));
          it.dispatchEvent(new Event('change'));
        })"""
    )
    expect(page.locator("#stages .source")).to_contain_text("Measured", timeout=BROWSER_WAIT)
    first, last = (gamma for gamma, _, _ in calls)  # nobody waits for the one between
    assert first < last


def test_a_patch_tells_its_story_to_mouse_and_keys_and_dots_point_at_patches(stage_page):
    page, *_ = stage_page
    panels, readout = page.locator("#stages .panels"), page.locator("#stages .readout")
    expect(panels.locator("img")).to_have_count(1)
    slide(page, "step", 2)
    page.locator("#stages .panel").first.hover(position={"x": 8, "y": 8})
    expect(readout).to_contain_text("Row 0, column 0 of grid 0: one token with the 9 patches")
    panels.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("Row 0, column 3 of grid 0: a token of its own")
    expect(readout.locator("li").first).to_contain_text("of all attention on the image")
    page.keyboard.press("PageDown")
    assert page.locator("#stages .step").input_value() == "3"
    page.keyboard.press("Escape")
    expect(readout).to_contain_text("Point at a patch")
    page.locator("#stages .dot").last.hover()
    expect(readout).to_contain_text("of grid 1")
    with page.expect_download() as download:
        page.locator("#stages .save[data-format=svg]").click()
    assert download.value.suggested_filename == "mustdrop_flow.svg"
