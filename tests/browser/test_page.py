"""The page in a real browser, driven like a person: the app as `python app.py` starts it."""

import io
import math
import re
import urllib.request
import zlib

import pytest
from conftest import BROWSER_WAIT, ROOT
from PIL import Image
from playwright.sync_api import Page, expect

from app import text

EXAMPLES = ROOT / "assets" / "examples"


def run_to_the_end(page: Page) -> None:
    page.locator("#run").click()
    expect(page.locator(".facts")).to_contain_text("your run", timeout=BROWSER_WAIT)
    expect(page.locator("#run")).to_be_enabled(timeout=BROWSER_WAIT)


def notice(page: Page) -> str:
    expect(page.locator(".notice")).to_be_visible(timeout=BROWSER_WAIT)
    return page.locator(".notice").inner_text()


def k_shown(page: Page) -> tuple[str, ...]:
    """K as the label, the native slider and the handle on the curve say it."""
    label = page.locator(".k-label").inner_text().removeprefix("K = ")
    handle = page.locator(".handle").get_attribute("aria-valuenow")
    return label, page.locator(".k-slider").input_value(), handle


def test_the_page_opens_complete_without_a_request_to_the_outside(browser, address):
    page = browser.new_page()
    outside: list[str] = []
    page.on(
        "request",
        lambda request: (
            outside.append(request.url)
            if not request.url.startswith((address, "data:", "blob:"))
            else None
        ),
    )
    page.goto(address)
    page.wait_for_selector("#workbench .handle", timeout=BROWSER_WAIT)
    assert page.locator(".baseline .text").inner_text()
    assert page.locator(".withdrawn .text").inner_text()
    assert page.locator(".metrics dt").count() == 8
    assert "recorded" in page.locator(".facts").inner_text()
    page.close()
    assert outside == []


def test_dragging_k_moves_everything_and_asks_the_server_nothing(page):
    box = page.locator("#workbench .plot svg").bounding_box()
    requests: list[str] = []
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 100)
    page.mouse.down()
    page.on("request", lambda request: requests.append(request.url))
    seen = set()
    for share in (0.7, 0.6, 0.5, 0.4, 0.3):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + 100)
        shown = k_shown(page)
        assert len(set(shown)) == 1, "label, slider and curve must agree"
        assert f"K = {shown[0]}" in page.locator(".withdrawn .title").inner_text()
        seen.add(shown[0])
    assert len(seen) >= 4
    assert requests == []
    page.mouse.up()
    before = int(k_shown(page)[0])
    page.keyboard.press("ArrowRight")
    assert set(k_shown(page)) == {str(before + 1)}


def test_slider_and_keys_reach_both_ends(page):
    layers = page.locator(".k-slider").get_attribute("max")
    page.locator(".handle").focus()
    page.keyboard.press("End")
    assert set(k_shown(page)) == {layers}
    assert "Nothing withdrawn" in page.locator(".withdrawn .title").inner_text()
    same = page.locator(".baseline .text").inner_text()
    assert page.locator(".withdrawn .text").inner_text() == same
    page.locator(".k-slider").fill("0")
    assert set(k_shown(page)) == {"0"}
    assert "never sees the image" in page.locator(".verdict").inner_text()


def test_an_example_brings_picture_question_and_result(page):
    page.locator("#examples .thumbnail-item").nth(2).click()
    expect(page.locator("#question textarea")).to_have_value("how many stars are there ?")
    expect(page.locator(".facts")).to_contain_text("how many stars are there ?")
    assert page.locator("#picture img").get_attribute("src").endswith("four_stars.png")


def test_enter_runs_and_both_answers_arrive(page):
    page.locator("#question textarea").fill("What color is the large circle?")
    page.locator("#question textarea").press("Enter")
    expect(page.locator(".facts")).to_contain_text("your run", timeout=BROWSER_WAIT)
    expect(page.locator(".facts")).to_contain_text("What color is the large circle?")
    assert page.locator(".baseline .text").inner_text() == "purple"
    assert "ms" in page.locator(".metrics").first.inner_text()
    page.get_by_role("tab", name="Every K").click()
    rows = int(page.locator(".k-slider").get_attribute("max")) + 1
    assert rows >= 13
    table = page.get_by_text("purple", exact=True).locator("visible=true")
    expect(table.first).to_be_visible(timeout=BROWSER_WAIT)


@pytest.mark.parametrize(
    ("prompt", "words"), [("", "empty"), (" \n ", "empty"), ("x" * 9000, "2000")]
)
def test_a_bad_question_gets_one_sentence_and_the_result_stays(page, prompt, words):
    page.locator("#question textarea").fill(prompt)
    page.locator("#run").click()
    assert words in notice(page)
    assert page.locator(".baseline .text").inner_text()


def test_special_tokens_and_script_in_the_question_are_plain_text(page):
    prompt = "what <image> color </s> is <script>document.title='x'</script> it ?"
    page.locator("#question textarea").fill(prompt)
    run_to_the_end(page)
    assert prompt in page.locator(".facts").inner_text()
    assert page.title() == "Visual Token Withdrawal"


def huge_png() -> bytes:
    """A few kilobytes that claim to be 30000 x 30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = (30000).to_bytes(4, "big") * 2
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + bytes([8, 2, 0, 0, 0]))
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def damaged_png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(out, "PNG")
    return out.getvalue()[:3000]


def upload(page: Page, path) -> None:
    remove = page.locator("#picture button[aria-label='Remove Image']")
    if remove.is_visible():
        remove.click()
        expect(remove).to_be_hidden(timeout=BROWSER_WAIT)
    page.locator("#picture input[type=file]").set_input_files(path)


@pytest.mark.parametrize(
    ("data", "words"), [(huge_png(), "pixel"), (damaged_png(), "damaged"), (b"hello", "image")]
)
def test_an_unfit_file_is_refused_at_the_upload_and_the_app_stays_up(
    page, address, tmp_path, data, words
):
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    upload(page, path)
    expect(page.get_by_test_id("toast-text")).to_contain_text(words, timeout=BROWSER_WAIT)
    expect(page.locator("#picture img")).to_have_count(0)
    page.locator("#run").click()
    assert "no picture" in notice(page)
    with urllib.request.urlopen(address, timeout=180) as answer:
        assert answer.status == 200


def test_a_file_that_browsers_do_not_show_is_seen_and_asked_about(page, tmp_path):
    scene = Image.open(EXAMPLES / "red_circle.png").convert("RGB")
    scene.save(tmp_path / "scan.tiff")
    upload(page, tmp_path / "scan.tiff")
    seen = page.locator("#picture img[src*='scan.tiff']")
    expect(seen).to_have_attribute("src", re.compile(r"\.preview\.png$"), timeout=BROWSER_WAIT)
    size = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    assert seen.evaluate(size) == list(scene.size)
    page.locator("#question textarea").fill("what color is the circle ?")
    run_to_the_end(page)
    assert page.locator(".baseline .text").inner_text() == "red"
    expect(seen).to_be_visible()


def test_without_a_picture_the_page_says_what_to_do(page):
    remove = page.locator("#picture button[aria-label='Remove Image']")
    remove.click()
    expect(remove).to_be_hidden(timeout=BROWSER_WAIT)
    page.locator("#run").click()
    assert "no picture" in notice(page)


@pytest.mark.slow
def test_a_drawing_is_seen_by_the_model_and_an_empty_canvas_is_not(page):
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#canvas button[aria-label='Brush size' i]")).to_be_visible(
        timeout=BROWSER_WAIT
    )
    page.wait_for_timeout(1000)
    page.locator("#run").click()
    assert "canvas is empty" in notice(page)
    canvas = page.locator("#canvas canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(80):  # a filled disc: a spiral outwards
        radius, angle = step / 80 * 55, step / 80 * 4.5 * math.tau
        page.mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle))
    page.mouse.up()
    page.wait_for_timeout(500)
    page.locator("#question textarea").fill("what color is the circle ?")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if "/upload" in asked.url else None)
    run_to_the_end(page)
    assert page.locator(".baseline .text").inner_text() == "red"
    # Background, layer and drawing, once; and not again at each status of each later event.
    assert len(sent) == 3
    page.locator("#examples .thumbnail-item").first.click()
    expect(page.locator(".facts")).to_contain_text("recorded run", timeout=BROWSER_WAIT)
    page.get_by_role("tab", name="Every K").click()
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_timeout(1000)
    assert len(sent) <= 12


def test_a_browser_that_cannot_draw_says_so(browser, address):
    page = browser.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    page.add_init_script("""{
      const given = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith('webgl') ? null : given.call(this, kind, ...rest);
      };
    }""")
    page.goto(address)
    page.wait_for_selector("#workbench .handle")
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#canvas [role=alert]")).to_have_text(text.NO_WEBGL)
    page.close()


def test_the_run_and_the_table_can_be_saved_with_one_click(page):
    page.get_by_role("tab", name="Every K").click()
    for button, name in (("#save-run", "run.vtw"), ("#save-table", "every_k.csv")):
        with page.expect_download() as download:
            page.locator(button).click()
        assert download.value.suggested_filename == name


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_no_view_is_wider_than_the_screen(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 850})
    page.goto(address)
    page.wait_for_selector("#workbench .handle", timeout=BROWSER_WAIT)
    for tab in ("Compare", "Every K", "What the numbers mean"):
        if not page.get_by_role("tab", name=tab, exact=True).is_visible():
            continue  # on a phone the last tabs may be behind the overflow menu
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    page.close()
