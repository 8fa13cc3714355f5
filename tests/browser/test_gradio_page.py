"""What the page's scripts and styles rely on in Gradio's page, asked of the real one."""

import re

import gradio as gr
import pytest
from conftest import BROWSER_WAIT

from app.components.files import read
from app.theme import CSS
from app.words import page as text

pytestmark = pytest.mark.slow


def notes():
    """Name -> what its note says of why it is needed and where the part stands."""
    said = read("gradio_page.js")
    found = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\nexport (?:async )?\w+ (\w+)", said, re.DOTALL)
    return {name: " ".join(note.replace("*", " ").split()) for note, name in found}


def ask(page, code, *given):
    """What a script that has the functions of gradio_page.js comes to."""
    functions = re.sub(r"^export ", "", read("gradio_page.js"), flags=re.MULTILINE)
    return page.evaluate(f"async (given) => {{ {functions}\n{code} }}", list(given))


def check(page, name, code, wanted):
    """Where the answer is another one, say which part of Gradio has changed."""
    try:
        answer = ask(page, code)
    except Exception as problem:
        answer = problem
    assert answer == wanted, (
        f"Gradio {gr.__version__} is not as `{name}` of app/components/gradio_page.js takes it: "
        f"{notes()[name]}"
    )


ONCE = {
    "rootOfPage": ("return rootOfPage() === window.location.origin;", True),
    "outputsOf": (
        "const { dependencies, components } = window.gradio_config;"
        "const ids = new Set(components.map(({ id }) => id));"
        "const told = dependencies.flatMap(({ id }) => outputsOf(id));"
        "return told.length > 100 && told.every((id) => ids.has(id));",
        True,
    ),
    "uploadFile": (
        "const path = await uploadFile(new Blob(['x']), 'a.txt'); return path.endsWith('/a.txt');",
        True,
    ),
    "frameOf": (
        "const frame = frameOf(document.querySelector('#workbench'));"
        "return frame !== document.body && frame.contains(document.querySelector('footer'));",
        True,
    ),
    "TAB": (
        "const shown = (one) => one.checkVisibility();"
        "const tabs = [...document.querySelectorAll(TAB)];"
        "return Boolean(tabs.find(shown)?.contains(document.querySelector('#workbench')));",
        True,
    ),
    "PROSE": (
        "return [`.page-head ${PROSE} p`, `${TAB} ${PROSE} h2`, CARDS]"
        ".every((one) => document.querySelector(one));",
        True,
    ),
    "isDark": (
        "const was = isDark(); setDark(true);"
        "const color = getComputedStyle(document.body).getPropertyValue('--body-background-fill');"
        "const dark = isDark(); setDark(false);"
        "const light = getComputedStyle(document.body).getPropertyValue('--body-background-fill');"
        "return [was, dark, isDark(), color !== light];",
        [False, True, False, True],
    ),
    "hearColours": (
        "let heard = 0; hearColours(() => { heard += 1; }); setDark(true);"
        "await new Promise((go) => setTimeout(go)); setDark(false); return heard;",
        1,
    ),
    "throughFetch": (
        "const asked = []; throughFetch((ask, resource, options) => {"
        " asked.push(String(resource.url || resource)); return ask(resource, options); });"
        "document.querySelector('#theme-switch');"
        "await fetch('healthz'); return asked.length;",
        1,
    ),
}


def test_what_the_scripts_ask_of_the_page_is_there(page):
    for name, (code, wanted) in ONCE.items():
        check(page, name, code, wanted)


def test_the_notes_of_a_control_are_where_terms_are_looked_for(page):
    page.get_by_role("tab").nth(2).click()
    page.wait_for_selector("#sinks-layer", timeout=BROWSER_WAIT)
    page.wait_for_function("document.querySelector('[id^=sinks] [data-testid]')")
    found = ask(page, "return document.querySelectorAll(`[id^=sinks] ${NOTES}`).length;")
    shown = page.evaluate("document.querySelectorAll('[id^=sinks] [data-testid]').length")
    assert shown > 0
    assert found > 0, notes()["PROSE"]


def test_an_accordion_is_unfolded_once(page):
    page.get_by_role("tab", name=text.TAB_NUMBERS).click()
    folded = "document.querySelector('#document-quantities')"
    page.wait_for_function(f"{folded} && {folded}.checkVisibility()")
    for _ in range(2):
        ask(page, f"unfold({folded});")
        page.wait_for_function(f"{folded}.querySelector('button').classList.contains('open')")
        page.wait_for_function(f"{folded}.querySelector('.prose')?.checkVisibility()")


def test_what_gradios_client_asks_is_told_apart(page):
    """One click that is answered at once, one that waits in the queue, and a file."""
    asked = []
    page.on("request", lambda one: asked.append((one.method, one.url.split("?")[0], one.post_data)))
    page.locator("#examples .thumbnail-item").nth(1).click()
    page.wait_for_function("!document.querySelector('#workbench .status:not([hidden])')")
    page.locator("#run").click()
    page.wait_for_selector("#workbench [data-phase='running'], #workbench .status:not([hidden])")
    page.wait_for_selector("#workbench .handle", timeout=BROWSER_WAIT)
    page.wait_for_timeout(500)
    posts = [(url, body) for method, url, body in asked if method == "POST"]
    paths = [re.sub(r"^https?://[^/]+", "", url) for url, _ in posts]
    at_once, started = ask(
        page, "return [given[0].map(isAnsweredAtOnce), given[0].map(startsEvent)];", paths
    )
    assert any(at_once), notes()["isAnsweredAtOnce"]
    assert any(one and not now for one, now in zip(started, at_once, strict=True)), notes()[
        "startsEvent"
    ]
    bodies = [body for (_, body), one in zip(posts, started, strict=True) if one]
    numbers = ask(page, "return given[0].map(eventOf);", bodies)
    assert all(isinstance(one, int) for one in numbers), notes()["eventOf"]


def test_every_class_of_gradios_that_the_style_sheet_names_is_on_the_page(page):
    """Rules for a class that Gradio has renamed would do nothing, and say nothing."""
    style = re.sub(r"/\*.*?\*/", "", CSS.read_text(encoding="utf-8"), flags=re.S)
    selectors = " ".join(re.findall(r"([^{}]+)\{", style))
    named = set(re.findall(r"\.([a-zA-Z][\w-]*)", selectors))
    seen = set()
    gather = "() => [...document.querySelectorAll('[class]')].flatMap((one) => [...one.classList])"
    tabs = page.get_by_role("tab")
    for at in range(page.locator("[role=tablist]").first.get_by_role("tab").count()):
        tabs.nth(at).click()
        page.wait_for_timeout(1500)
        seen |= set(page.evaluate(gather))
    missing = named - seen - OURS_AT_TIMES
    assert not missing, f"nothing has a class of these: {sorted(missing)}"


OURS_AT_TIMES = {
    "dark", "found", "heatmap-label", "js-plotly-plot", "lesson-below", "lesson-beside",
    "lesson-focus", "lesson-hides-curves", "lesson-hides-words", "lesson-narrow", "modebar",
    "no-webgl", "stages-part",
}  # fmt: skip
"""Classes of our own, and of plotly's, that are not on a page at all times."""
