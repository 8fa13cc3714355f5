"""The Calibrate tab, as a visitor uses it."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.service.service import bundled_examples

pytestmark = pytest.mark.slow


@pytest.fixture
def calibrate(page):
    page.get_by_role("tab", name="Calibrate").click()
    expect(page.locator("#calibrate-summary")).to_be_visible(timeout=BROWSER_WAIT)
    return page


def summary(page):
    return page.locator("#calibrate-summary").inner_text()


def test_it_opens_on_the_recorded_calibration_of_the_bundled_set(calibrate):
    assert re.search(r"η = 0\.003.*20 samples", summary(calibrate), re.DOTALL)
    assert "K* =" in summary(calibrate)


def test_another_threshold_reads_the_same_result(calibrate):
    before = summary(calibrate)
    calibrate.locator("#eta input").fill("10")
    expect(calibrate.locator("#calibrate-summary")).to_contain_text("η = 10", timeout=BROWSER_WAIT)
    assert "K* = 0" in summary(calibrate)
    assert summary(calibrate) != before


def test_own_pictures_are_measured_and_handed_out(calibrate):
    pictures = [str(example.image) for example in bundled_examples()[:2]]
    calibrate.locator("#calibrate-pictures input[type=file]").set_input_files(pictures)
    expect(calibrate.locator("#calibrate-pictures")).to_contain_text(
        "small_large", timeout=BROWSER_WAIT
    )
    calibrate.locator("#calibrate-own").click()
    expect(calibrate.locator("#calibrate-summary")).to_contain_text(
        "2 samples", timeout=BROWSER_WAIT
    )
    with calibrate.expect_download() as download:
        calibrate.get_by_role("button", name=re.compile("Save the table")).click()
    assert download.value.suggested_filename.endswith(".csv")
