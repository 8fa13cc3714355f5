"""Where a visitor is taken before anything of the page is fetched: by the browser's languages, by
what was chosen, by the address, and by the owner's setting."""

import re

import pytest
from conftest import BROWSER_WAIT
from playwright.sync_api import expect

from app.server.server import app_arguments
from app.service.service import Service
from app.settings import Settings
from app.words.chinese import page as chinese
from app.words.english import page as english

pytestmark = pytest.mark.slow

expect.set_options(timeout=BROWSER_WAIT)
RUN = {"en": english.RUN, "zh": chinese.RUN}


@pytest.fixture(scope="module")
def addresses():
    """The owner's setting -> the page under it, as `app.py` starts it, without a model."""
    from app.components.language import gradio_words
    from app.theme import CSS, build_theme
    from app.ui import build_demo

    demos, found = [], {}
    for code in ("en", "zh"):
        settings = Settings.from_environment({"VTW_LANGUAGE": code})
        service = Service()
        demo = build_demo(service, usual_language=settings.language)
        demo.queue(api_open=False)
        _, found[code], _ = demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", theme=build_theme(),
            css_paths=CSS, run_history=False, i18n=gradio_words(),
            app_kwargs=app_arguments(service, usual_language=settings.language),
        )  # fmt: skip
        demos.append(demo)
    yield found
    for demo in demos:
        demo.close()


@pytest.fixture
def visit(browser, addresses):
    """Open an address as a new visitor whose browser prefers a language.

    Returns:
        The page, and the paths that it has asked for, in their order.
    """
    contexts, errors = [], []

    def opened(owner, locale, path, chosen=None):
        context = browser.new_context(locale=locale)
        contexts.append(context)
        if chosen is not None:
            context.add_init_script(f"localStorage.setItem('vtw-language', '{chosen}')")
        page = context.new_page()
        page.set_default_timeout(BROWSER_WAIT)
        page.on("pageerror", lambda error: errors.append(str(error)))
        asked = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(root)))
        root = addresses[owner].rstrip("/")
        page.goto(f"{root}{path}", wait_until="commit")
        return page, asked

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.parametrize(
    ("owner", "locale", "chosen", "path", "lands"),
    [
        ("en", "zh-CN", None, "/", "zh"),
        ("en", "zh-TW", None, "/?example=describe&k=7", "zh"),
        ("en", "en-US", None, "/?lang=zh&k=7", "zh"),
        ("en", "en-US", "zh", "/?k=7", "zh"),
        ("zh", "fr-FR", None, "/?k=7", "zh"),
        ("zh", "en-US", "zh", "/", "zh"),
        ("en", "zh-CN", None, "/zh?lang=en", "en"),
        ("zh", "fr-FR", "en", "/zh?lang=en", "en"),
    ],
)
def test_who_wants_the_other_language_is_taken_there_before_anything_is_fetched(
    visit, owner, locale, chosen, path, lands
):
    page, asked = visit(owner, locale, path, chosen)
    there = re.compile(r"^/zh(\?|$)") if lands == "zh" else re.compile(r"^/(\?|$)")
    expect(page.locator("#run")).to_have_text(RUN[lands])
    assert asked[0] == path
    assert there.match(asked[1]), asked[:5]
    assert not [one for one in asked[2:] if one in (path, "/", "/zh")], "it is fetched once"
    wanted = {one for one in path.partition("?")[2].split("&") if one and "lang=" not in one}
    assert wanted <= set(page.url.partition("?")[2].split("&")), "the view comes along"


@pytest.mark.parametrize(
    ("owner", "locale", "chosen", "path"),
    [
        ("zh", "en-US", None, "/"),  # the owner's setting is for who prefers neither
        ("en", "fr-FR", None, "/"),
        ("en", "zh-CN", "en", "/"),
        ("en", "zh-CN", None, "/?lang=en"),
        ("zh", "fr-FR", None, "/?lang=en"),
        ("zh", "fr-FR", None, "/?lang=en&lang=zh"),
        ("en", "en-US", "nonsense", "/?lang=nonsense"),
    ],
)
def test_who_is_there_stays(visit, owner, locale, chosen, path):
    page, asked = visit(owner, locale, path, chosen)
    expect(page.locator("#run")).to_have_text(english.RUN)
    assert not [one for one in asked if one.startswith("/zh")]
