"""What `pip install` gives: the wheel, installed and used far from here (`make wheel-test`).

The environment is new, but for torch and all that is not ours: it sees the packages of the one that
runs this test through a .pth file, so nothing large is fetched twice. Not collected by `make test`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest
from conftest import BROWSER_WAIT, ROOT
from playwright.sync_api import expect

from app.service.service import bundled_examples
from app.words import page as text

PROMPT = "what color is the circle ?"
NOT_OURS = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__", "tests")
SOURCES = (".py", ".js", ".css", ".html", ".yaml", "py.typed")
SECONDS = 240
FOR_EDITORS = {"globals.d.ts", "jsconfig.json", "package.json"}
"""Beside the page's scripts, for editors and node; no part of the program."""


@pytest.fixture(scope="module")
def folder():
    """Removed at the end, since what is built has a few hundred megabytes. Not in the system's
    folder for temporary files: all that lies there Gradio shows to everybody."""
    folder = ROOT / ".venv-wheel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def sdist(folder):
    """Built from a copy, since setuptools leaves files in the tree."""
    copy = shutil.copytree(ROOT, folder / "copy", ignore=NOT_OURS)
    for file in ("test_outside.py", "conftest.py"):
        (copy / "tests").mkdir(exist_ok=True)
        (copy / "tests" / file).write_text("# not to be packed\n")
    code = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=copy, check=True, capture_output=True
    )
    shutil.rmtree(copy)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist, folder):
    """Built from the sdist, so that the sdist is complete, too."""
    pip("wheel", str(sdist), "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel, folder):
    """The folder of an environment's programs, in which the wheel is installed."""
    return installed(folder / "environment", str(wheel))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder of a user's, and an environment that does not name the repository."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path


def installed(environment, *what):
    """The folder of programs of a new environment with a package of ours."""
    venv.create(environment, with_pip=False)
    programs = environment / "bin"
    paths = {"base": str(environment), "platbase": str(environment)}
    own = Path(sysconfig.get_path("purelib", vars=paths))
    (own / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip("--python", str(programs / "python"), "install", "--no-deps", "--no-build-isolation", *what)
    return programs


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def run(*command, cwd):
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_wheel(path):
    """Where a file of the repository is in a wheel."""
    for folder, name in (("app/", "vtw_app/"), ("assets/", "vtw_core/assets/")):
        if path.startswith(folder):
            return name + path.removeprefix(folder)
    return path


def test_the_wheel_has_every_file_of_the_program_and_no_other(wheel):
    named = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in named if ".dist-info/" in name}
    expected = {
        in_wheel(path.relative_to(ROOT).as_posix())
        for package in ("app", "vtw_core", "assets")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name not in FOR_EDITORS
    }
    expected = {name for name in expected if not name.startswith("vtw_core/assets/stickers/")}
    expected |= {"vtw_core/docs/quantities.md", "vtw_core/docs/strategies.md"}
    assert named - about == expected
    for file in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f"/{file}") for name in about)


def test_the_sdist_has_neither_tests_nor_training_code(sdist):
    with tarfile.open(sdist) as archive:
        named = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "setup.py", "README.md", "CHANGELOG.md", "CITATION.cff"} <= named
    tops = {name.partition("/")[0] for name in named if "/" in name}
    assert tops <= {"app", "assets", "docs", "vtw_core", "visual_token_withdrawal.egg-info"}


def test_the_command_explores_a_picture(programs, elsewhere, image):
    image.save(elsewhere / "own.png")
    asked = ("--image", "own.png", "--prompt", PROMPT, "--max-new-tokens", "4", "--json")
    found = json.loads(run(programs / "vtw", "explore", *asked, cwd=elsewhere))
    assert (found["model"], found["layers"]) == ("embedded", 24)
    assert len(found["answers"]) == 25
    assert "demo" in run(programs / "vtw", "--help", cwd=elsewhere)


def test_the_ten_lines_of_the_readme_run_anywhere(programs, elsewhere):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"## The library in ten lines\n```python\n(.*?)```", readme, re.DOTALL)[1]
    lines += "\nimport vtw_core\nprint(vtw_core.__file__, ids.shape[0])\n"
    said = run(programs / "python", "-c", lines, cwd=elsewhere)
    assert str(programs.parent) in said
    assert (elsewhere / "run.vtw").is_file()


@pytest.fixture
def served(programs, elsewhere):
    """The address of the page as `vtw demo` starts it; it is stopped as a user stops it."""
    log = elsewhere / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(programs / "vtw"), "demo", "--host", "127.0.0.1"],
            cwd=elsewhere, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        found = waited(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()), process)
        assert found, log.read_text()
        yield found[0]
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_the_page_of_the_command_gets_ready(served):
    def status():
        return json.load(urlopen(f"{served}/healthz", timeout=60))["status"]

    assert waited(lambda: status() != "loading")
    assert status() == "ready"


def test_the_page_shows_its_examples_and_documents(served, browser):
    page = browser.new_page()
    page.set_default_timeout(BROWSER_WAIT)
    page.goto(served)
    examples = bundled_examples()
    page.locator("#examples .thumbnail-item").nth(2).click()
    expect(page.locator(".facts")).to_contain_text(examples[2].prompt, timeout=BROWSER_WAIT)
    pictures = "[...document.querySelectorAll('#examples img, #picture img')]"
    page.wait_for_function(f"{pictures}.length > {len(examples)}")
    page.wait_for_function(f"{pictures}.every((one) => one.naturalWidth > 0)")
    page.get_by_role("tab", name=text.TAB_NUMBERS).click()
    page.locator("#document-strategies button").first.click()
    expect(page.locator("#document-strategies")).to_contain_text("VisualTokenWithdrawal")
    page.close()


def test_an_editable_install_finds_what_is_shipped(folder, elsewhere):
    copy = shutil.copytree(ROOT, folder / "editable", ignore=NOT_OURS)
    programs = installed(folder / "editable-environment", "--editable", str(copy))
    code = "from vtw_core import shipped as s; import vtw_app.ui; print(s.ASSETS, s.DOCS)"
    found = run(programs / "python", "-c", code, cwd=elsewhere).split()
    assert found == [str(copy / "assets"), str(copy / "docs")]


def waited(found, process=None):
    """What is found at last; None where the process ends before."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and (process is None or process.poll() is None):
        if what := found():
            return what
        time.sleep(0.1)
    return None
