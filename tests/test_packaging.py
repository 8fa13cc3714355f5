"""What pyproject.toml says of the distribution, held against whatever says it again."""

import json
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT

import app.__main__ as commands
import vtw_core

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ITSELF = f"{PROJECT['name']}[demo]"
EXTRAS = PROJECT["optional-dependencies"]


def lines(name):
    """What a file of requirements lists; the files that it builds on left out."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {line for line in text.splitlines() if line and not line.startswith(("#", "-r"))}


def test_the_requirements_are_the_dependencies_and_the_page():
    assert lines("requirements.txt") == {*PROJECT["dependencies"], *EXTRAS["demo"]}


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"demo"}))
def test_further_requirements_are_those_of_their_extra(extra):
    name = f"requirements-{extra}.txt"
    assert "\n-r requirements.txt\n" in (ROOT / name).read_text(encoding="utf-8")
    assert lines(name) == set(EXTRAS[extra]) - {ITSELF}


def test_the_page_requires_what_its_extra_installs():
    assert tuple(re.match(r"[\w-]+", one)[0] for one in EXTRAS["demo"]) == commands.NEEDED


def test_a_version_is_written_once_and_repeated_rightly():
    assert PROJECT["dynamic"] == ["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {vtw_core.__version__}\n" in citation
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", log, re.M)[:2] == ["Unreleased", vtw_core.__version__]


def test_every_folder_of_code_is_a_package():
    """Or setuptools would leave it out."""
    folders = {path.parent for name in ("app", "vtw_core") for path in (ROOT / name).rglob("*.py")}
    folders -= {ROOT / "vtw_core" / "harness" / "tasks"}  # data of the harness
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_the_command_does_what_the_module_does(monkeypatch, capsys):
    assert commands.vtw(["models", "--device", "cpu", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["embedded"] == "ready"
    monkeypatch.setattr(sys, "argv", ["vtw", "explore", "--prompt", "hi", "--image", "nowhere.png"])
    assert commands.vtw() == 2
    assert capsys.readouterr().err.startswith("vtw: ")
    with pytest.raises(SystemExit):
        commands.vtw(["--help"])
    assert "demo" in capsys.readouterr().out


def test_the_page_without_its_packages_says_how_to_install_them(monkeypatch, capsys):
    monkeypatch.setattr(commands, "NEEDED", ("gradio", "no_such_package"))
    assert commands.vtw(["demo", "--port", "7860"]) == 2
    assert capsys.readouterr().err == (
        'vtw demo: The page needs no_such_package: pip install "visual-token-withdrawal[demo]".\n'
    )


def test_the_command_of_the_page_lists_its_options():
    done = subprocess.run(
        [sys.executable, "-m", "app", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: vtw demo ")
    assert "--port" in done.stdout
