"""The picker of models in a real browser, on tiny checkpoints in folders that the owner named."""

import threading

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.service.loading.steps import load_steps
from app.service.service import Service
from app.settings import Settings
from vtw_core.machine.progress import LoadProgress

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)


class HeldLoading:
    """Loads as the library does, but for one folder, which stops on its way until it is let."""

    def __init__(self, folder):
        self.folder, self.gate, self.cancelled = str(folder), threading.Event(), threading.Event()

    def __call__(self, source, **options):
        try:
            if source == self.folder:
                yield LoadProgress("check")
                while not self.gate.wait(0.05):
                    yield LoadProgress("download", 30_000_000, 100_000_000)
            yield from load_steps(source, **options)
        except GeneratorExit:
            self.cancelled.set()
            raise


@pytest.fixture(scope="module")
def several(tiny_folders, examples_folder, tmp_path_factory):
    """A page that offers four folders: two that load, one that is held, one that is damaged."""
    from app.theme import CSS, build_theme
    from app.ui import build_demo

    broken = tmp_path_factory.mktemp("damaged")
    (broken / "config.json").write_text('{"model_type": "llava"')
    folders = [tiny_folders(name) for name in ("llava", "llava_next", "gemma3")]
    named = {"VTW_MODEL": str(folders[0]), "VTW_MODELS": ",".join(map(str, [*folders, broken]))}
    models = Settings.from_environment(named).offered()
    held = models._load = HeldLoading(folders[2])
    service = Service(models, examples_folder, answer_tokens=8)
    demo = build_demo(service)
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", theme=build_theme(),
        css_paths=CSS, run_history=False,
    )  # fmt: skip
    service.start()
    yield address, [*(folder.name for folder in folders), broken.name], held
    demo.close()


@pytest.fixture
def visit(browser, several):
    """Open the page as a new visitor; a script error fails the test."""
    opened, errors = [], []

    def open_page(path=""):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(BROWSER_WAIT)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(several[0] + path)
        page.wait_for_selector("#workbench .handle")
        expect(page.locator("#model-state")).to_contain_text("is ready")
        return page

    yield open_page
    for context in opened:
        context.close()
    assert errors == []


def picker(page):
    return page.locator("#model-state")


def said(page):
    return picker(page).get_by_role("status")


def ask(page, model):
    """Press Run, and see that the model's name stands above the answers."""
    page.locator("#run").click()
    facts = page.locator("#workbench .facts")
    expect(facts).to_contain_text("your run")
    expect(facts).to_contain_text(f"model {model}")
    expect(page.locator("#run")).to_be_enabled()


def test_a_model_is_picked_loaded_and_asked_and_its_name_stands_beside_its_run(visit, several):
    first, second, *_ = several[1]
    page = visit()
    ask(page, first)
    answer = page.locator(".baseline .text").inner_text()

    listed = picker(page).get_by_label("Model to ask")
    assert listed.input_value() == first
    listed.select_option(second)
    expect(said(page)).to_have_text("Not in memory yet.")
    expect(picker(page).locator("dl")).to_contain_text("Weight files")
    expect(picker(page).locator(".notes")).to_contain_text("in a folder of this server")
    listed.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text(f"{second} is ready. Press Run both sides to ask it.")
    expect(listed.locator("option:checked")).to_have_text(f"{second} · in use")
    assert first in page.locator("#workbench .facts").inner_text()  # the run is still the other's

    ask(page, second)
    expect(page.locator(".baseline .text")).not_to_have_text(answer)
    page.get_by_role("tab", name="Every K").click()
    expect(page.locator("#every-k-k .of-model")).to_have_text(f"model {second}")
    page.get_by_role("tab", name="Methods").click()
    page.locator("#methods-run").click()
    expect(page.locator("#methods-answers .origin")).to_contain_text(second)

    other = visit()  # whom the choice of the first visitor does not concern
    assert picker(other).get_by_label("Model to ask").input_value() == first


def test_loading_is_shown_and_cancelled_and_the_model_before_goes_on(visit, several):
    first, _, third, _ = several[1]
    page = visit()
    picker(page).get_by_label("Model to ask").select_option(third)
    picker(page).get_by_role("button", name="Load and use").click()
    expect(said(page)).to_have_text(f"Downloading {third}: 30 MB of 100 MB, 30%")
    bar = picker(page).get_by_role("progressbar")
    assert abs(bar.evaluate("bar => bar.value") - 0.3) < 1e-6
    ask(page, first)  # while the other is on its way
    expect(said(page)).to_contain_text("30 MB of 100 MB")

    picker(page).get_by_role("button", name="Cancel").click()
    expect(said(page)).to_have_text(f"Cancelled. {first} stays in use.")
    assert several[2].cancelled.wait(60)
    expect(picker(page).get_by_role("button", name="Load and use")).to_be_visible()
    expect(bar).to_be_hidden()
    ask(page, first)


def test_a_model_that_cannot_be_loaded_says_why_and_the_page_goes_on(visit, several):
    first, *_, broken = several[1]
    page = visit()
    picker(page).get_by_label("Model to ask").select_option(broken)
    picker(page).get_by_role("button", name="Load and use").click()
    expect(said(page)).to_contain_text(f"The model {broken} cannot be loaded")
    expect(said(page)).to_contain_text(f"{first} stays in use.")
    assert "/tmp" not in said(page).inner_text()
    expect(picker(page).get_by_role("button", name="Try again")).to_be_visible()
    ask(page, first)


def test_in_chinese_the_picker_is_chinese(visit, browser, several):
    page = browser.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    page.goto(f"{several[0]}zh")
    expect(page.locator("#model-state")).to_contain_text("已就绪")
    page.locator("#model-state select").select_option(several[1][3])
    expect(page.locator("#model-state .notes")).to_contain_text("本服务器文件夹")
    page.close()
