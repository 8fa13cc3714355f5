"""The page's scripts: their pure parts by node's own runner, and that each is one whole program."""

import json
import os
import re
import shutil
import subprocess

import gradio as gr
import pytest
from conftest import ROOT
from stage_runs import drop_run

from app.components import language, theme_switch
from app.components.files import files_of, read, script
from app.components.stages import FATE_NAMES, show_stages
from app.presenters.view import ETA_RANGE, SCOPES, show_run
from app.service.service import bundled_examples
from app.words.digits import BYTES, scaled, significant
from vtw_core.results.run import RELEASED_FIRST_K, RULES

COMPONENTS = ROOT / "app" / "components"
FILES = sorted(path.name for path in COMPONENTS.glob("*.js"))
LONGEST = 450
_IMPORT = re.compile(r"^import \{([^}]*)\} from '\./(\w+\.js)';$", re.MULTILINE)
VALUES = (0, 1e-12, 4.1e-5, 0.00099999, 0.001, 0.31, 0.999, 1, 6.04, 99.4, 144, 998.6, 999.6, 2.4e9)
RUNS = (
    {},
    {"grids": ((4, 5), (6, 3)), "seed": 3},
    {"cache": False, "layers": 5},
    {"merged": False},
)


@pytest.fixture(scope="module")
def node():
    """node; without it the test is skipped, except where VTW_REQUIRE_BROWSER asks for all."""
    found = shutil.which("node")
    if found is None:
        reason = "no node is installed (Debian: apt install nodejs): no script can be tested"
        if os.environ.get("VTW_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def choices():
    """Curves of recorded runs, with the K that the library chooses for them."""
    for example in bundled_examples():
        run = example.run
        k_min = show_run(run, origin="recorded")["kMin"]
        for scope in SCOPES:
            kl = [float(value) for value in run.kl(scope)]
            # Each KL of the run is a threshold at which a K just qualifies.
            for eta in (0.0005, 0.003, *ETA_RANGE, *kl):
                for rule in RULES:
                    k = run.choose_k(eta, scope, rule)
                    yield {"kl": kl, "kMin": k_min, "eta": eta, "rule": rule, "k": k}


def digits():
    """Numbers as the server prints them; no quantity with a unit is as small as some of them."""
    for value in VALUES:
        unit = None if 0 < value < 0.01 else scaled(value, BYTES)
        three = significant(value, 3)
        yield {"value": value, "two": significant(value), "three": three, "withUnit": unit}


def cases():
    return {
        "choices": list(choices()),
        "releasedFirstK": RELEASED_FIRST_K,
        "digits": list(digits()),
        "units": list(BYTES),
        "runs": [show_stages(drop_run(**one), []) for one in RUNS],
    }


def test_the_pure_parts_of_the_scripts_compute_what_the_library_does(node, tmp_path):
    given = tmp_path / "cases.json"
    given.write_text(json.dumps(cases(), allow_nan=False))
    tests = sorted(map(str, (ROOT / "tests" / "js").glob("*.test.mjs")))
    assert tests
    done = subprocess.run(
        [node, "--test", *tests], text=True, capture_output=True,
        env={**os.environ, "VTW_CASES": str(given), "NODE_OPTIONS": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^\S+ (tests|pass|skipped) (\d+)$", done.stdout, re.MULTILINE))
    assert int(counts["tests"]) >= 30
    assert (counts["pass"], counts["skipped"]) == (counts["tests"], "0"), done.stdout


def test_the_fates_of_the_tests_are_those_of_the_library():
    said = (ROOT / "tests/js/fates.test.mjs").read_text(encoding="utf-8")
    names = [FATE_NAMES[fate] for fate in sorted(FATE_NAMES)]
    assert f"globalThis.fates = {names};".replace('"', "'") in said


@pytest.fixture(scope="module")
def scripts(built):
    """Every script of the page, as the browser is given it; one of each kind."""
    parts = {
        one.js_on_load for one in built.blocks.values()
        if isinstance(one, gr.HTML) and one.js_on_load and "addEventListener('click', function"
        not in one.js_on_load
    }  # fmt: skip
    return [*parts, language.arrival("en"), theme_switch.arrival()]


def test_every_script_is_a_program(scripts, node):
    assert len(scripts) > 15
    check = """
        const scripts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
        for (const one of scripts) new Function('element', 'props', 'trigger', 'watch', one);
    """
    done = subprocess.run(
        [node, "-e", check], input=json.dumps(scripts), text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_no_script_says_a_name_twice(scripts):
    """Joined files share one scope, in which a second function takes the place of the first."""
    for one in scripts:
        names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", one, re.MULTILINE)
        assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


def test_what_a_browser_is_given_has_no_module_syntax_and_no_comments(scripts):
    for one in scripts:
        assert not re.search(r"^\s*(import|export)\b|^\s*//|^\s*/\*\*", one, re.MULTILINE)


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_imports_is_in_the_joined_script_and_what_nobody_names_is_not(name):
    joined, files = script(name), files_of(name)
    for file in files:
        for names, _ in _IMPORT.findall(read(file)):
            used = {one.strip() for one in names.split(",") if one.strip()}
            body = _IMPORT.sub("", read(file))
            # A file's own unneeded function may be the only one that uses an import.
            kept = {one for one in used if re.search(rf"\b{one}\b", joined)}
            assert all(re.search(rf"(function|const|let|,) {one}\b", joined) for one in kept), body
    offered = re.findall(r"^export (?:async )?(?:function|const) (\w+)", read(name), re.MULTILINE)
    assert all(
        re.search(rf"^(?:async )?(?:function|const) {one}\b", joined, re.MULTILINE)
        for one in offered
    ), "the page's head calls what such a file offers"
    if "svg.js" not in files:
        assert "createElementNS" not in joined


def test_files_come_before_those_that_import_them_and_each_once():
    joined = files_of("workbench.js")
    assert joined[-1] == "workbench.js"
    assert len(joined) == len(set(joined))
    for before, behind in (("base.js", "criterion.js"), ("criterion.js", "curve.js")):
        assert joined.index(before) < joined.index(behind)
    assert script("numbers.js", words={"a": "</b>"}).startswith('const words = {"a": "</b>"};\n')


@pytest.mark.parametrize("name", FILES)
def test_a_script_is_checked_for_types_is_short_and_imports_what_there_is(name):
    text = read(name)
    assert text.startswith("// @ts-check\n")
    assert text.count("\n") <= LONGEST
    assert len(re.findall(r"^import ", text, re.MULTILINE)) == len(_IMPORT.findall(text))
    for names, other in _IMPORT.findall(text):
        assert (COMPONENTS / other).is_file()
        exported = set(re.findall(
            r"^export (?:async )?(?:function|const|let) (\w+)", read(other), re.MULTILINE
        ))  # fmt: skip
        # `export const A = 1, B = 2` and `export let a = 0, b = 0` say two.
        for line in re.findall(r"^export (?:const|let) .*", read(other), re.MULTILINE):
            exported |= set(re.findall(r", (\w+) =", line))
        wanted = {one.strip() for one in names.split(",") if one.strip()}
        assert wanted <= exported, other
        body = _IMPORT.sub("", text)
        unused = {one for one in wanted if not re.search(rf"\b{one}\b", body)}
        assert not unused, f"{name} imports {unused} from {other} and does not use it"


@pytest.mark.parametrize("name", FILES)
def test_what_a_model_a_visitor_or_the_server_says_is_never_read_as_html(name):
    assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|document\.write", read(name))


def test_gradios_page_is_reached_in_one_script_alone():
    """What is not documented of Gradio's page, its client and its addresses."""
    reach = re.compile(
        r"gradio_config|gradio_api|gradio-container|tabitem|block-info|__theme|window\.fetch"
        r"|classList.*'dark'|queue/join|app_id", re.IGNORECASE,
    )  # fmt: skip
    found = [
        f"{name}: {line.strip()}"
        for name in FILES if name != "gradio_page.js"
        for line in read(name).splitlines()
        if reach.search(line) and not line.strip().startswith("//")
    ]  # fmt: skip
    assert not found


def test_every_reach_into_gradios_page_tells_why_and_where():
    said = read("gradio_page.js")
    notes = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\nexport (?:async )?\w+ (\w+)", said, re.DOTALL)
    told = {name for note, name in notes if "Why: " in note and "Upstream: " in note}
    exported = re.findall(r"^export (?:async )?(?:function|const) (\w+)", said, re.MULTILINE)
    assert len(exported) > 15
    assert told == set(exported)
