"""Fixtures: a tiny random model of the real class, saved and loaded back as a user would."""

import atexit
import functools
import gc
import json
import os
import random
import shutil
import tempfile
from pathlib import Path

# Must be set before torch starts its thread pool and before transformers decides to look up.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
# A page that ends takes the uploads of its folder with it: no two processes may share one.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="uploads-")

import numpy as np
import pytest
from tiny_models import load_tiny_model, random_picture, save_tiny_model

from benchmarks.serving import Server

# What is imported stays to the end: garbage collection need not look through it again and again.
gc.disable()  # until all tests are collected
atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)
ROOT = Path(__file__).resolve().parent.parent
BROWSER_WAIT = 180_000  # milliseconds; a bound for shared machines: no test measures time
PROMPT = "What is left of the red ball?"


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def nothing_old_is_looked_through():
    """What a file leaves in memory, such as what Gradio keeps of each page, slows no later file.

    Unfrozen, full collections take a fifth of the time of tests/app.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory):
    """Family -> folder of its saved tiny model, each built once, when first requested."""
    import transformers

    gc.disable()
    assert transformers.LlavaForConditionalGeneration  # the import of nearly everything
    gc.freeze()
    gc.enable()

    @functools.cache
    def folder(family):
        return save_tiny_model(tmp_path_factory.mktemp(family), family)

    return folder


@pytest.fixture(scope="session")
def tiny_models(tiny_folders):
    """Family -> its tiny model, loaded once."""

    @functools.cache
    def load(family):
        return load_tiny_model(tiny_folders(family), family)

    return load


@pytest.fixture(scope="session")
def tiny_folder(tiny_folders):
    """Folder of a saved tiny model."""
    return tiny_folders("llava")


@pytest.fixture(scope="session")
def vlm(tiny_models):
    """The tiny model, loaded as a user loads one."""
    import torch

    torch.set_num_threads(1)
    return tiny_models("llava")


@pytest.fixture(scope="session")
def tiled_vlm(tiny_models):
    """A tiny model of a family that cuts a picture into tiles."""
    return tiny_models("llava_next")


@pytest.fixture(scope="session")
def image():
    """A picture of random coloured squares."""
    return random_picture(48, 40)


@pytest.fixture(scope="session")
def image_path(image, tmp_path_factory):
    """The picture as a file."""
    path = tmp_path_factory.mktemp("images") / "squares.png"
    image.save(path)
    return path


@pytest.fixture
def inputs(vlm, image):
    """Processed inputs of the picture and PROMPT; fresh, since some tests change them."""
    return vlm.inputs(image, PROMPT)


@pytest.fixture
def layout(vlm, inputs):
    """Their layout."""
    return vlm.layout(inputs)


@pytest.fixture(scope="session")
def run(vlm, image):
    """One whole exploration."""
    return vlm.explore(image, PROMPT, max_new_tokens=8)


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Every test starts from the same random state."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def examples_folder(run, image, tmp_path_factory):
    """One recorded example of the tiny model, as the page bundles them."""
    folder = tmp_path_factory.mktemp("examples")
    image.save(folder / "squares.png")
    run.save(folder / "squares.vtw")
    entry = {"name": "squares", "title": "Squares", "prompt": run.prompt}
    (folder / "examples.json").write_text(json.dumps([entry]))
    return folder


@pytest.fixture(scope="session")
def service(tiny_folder, examples_folder):
    """The page's service on the tiny model."""
    from app.service.service import Service

    service = Service(str(tiny_folder), examples_folder)
    service.start()
    assert service.wait(600)
    return service


@pytest.fixture(scope="session")
def built(service):
    """The page's blocks, to be read and not launched."""
    from app.ui import build_demo

    return build_demo(service)


@pytest.fixture(scope="session")
def here(service):
    """Address of the page, served by the tests' own process."""
    from served_page import served

    with served(service) as (address, _):
        yield address


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; without one the test is skipped, unless VTW_REQUIRE_BROWSER is set."""
    from playwright.sync_api import expect, sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        reason = "no chromium is installed (Debian: apt install chromium): no browser test can run"
        if os.environ.get("VTW_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        browser.on("context", lambda context: context.set_default_timeout(BROWSER_WAIT))
        expect.set_options(timeout=BROWSER_WAIT)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address():
    """The app in a process of its own, on a free port, its model loaded."""
    with Server() as server:
        yield server.address


@pytest.fixture
def page(browser, address):
    """A new visitor on the opened page; a script error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#workbench .handle")
    # A server that still loads its model is slow to answer, and what a test clicks is lost.
    page.wait_for_selector("#model-state .said.ready")
    yield page
    context.close()
    assert errors == []
