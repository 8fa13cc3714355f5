"""The arrows that must never exist, read from the imports of every file."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files(*folders):
    """Python files of some folders of the repository; a folder may not be there."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(path):
    """Every module that a file imports, also inside functions; relative ones made absolute.

    `if TYPE_CHECKING:` blocks are left out: they import nothing when the program runs.
    """
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = set()
    pending = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                anchor = package[: len(package) - node.level + 1]
                base = ".".join([*anchor, *([base] if base else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        pending.extend(ast.iter_child_nodes(node))
    return found


def is_under(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offenders(paths, *packages, allowed=()):
    """'file imports module' for every import from some packages."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in sorted(imports(path))
        if is_under(name, *packages) and not is_under(name, *allowed)
    ]


ENGINE = (
    "vtw_core.withdrawal",
    "vtw_core.hearing",
    "vtw_core.vision_merging",
    "vtw_core.generation",
    "vtw_core.sweep",
    "vtw_core.methods",
    "vtw_core.recording",
    "vtw_core.models",
    "vtw_core.calibration",
)
TORCH_FREE = (
    "vtw_core.arrays",
    "vtw_core.bootstrap",
    "vtw_core.inside",
    "vtw_core.results",
    "vtw_core.comparison",
    "vtw_core.calibrated",
    "vtw_core.equal_budget",
    "vtw_core.analysis",
    "vtw_core.errors",
    "vtw_core.events",
    "vtw_core.images",
    "vtw_core.printing",
    "vtw_core.replacing",
    "vtw_core.spreadsheets",
    "vtw_core.models.catalogue",
    "vtw_core.models.prompts",
    "vtw_core.memory",
    "vtw_core.strategies.mustdrop.record",
)
PLOTTING = ("gradio", "plotly", "matplotlib")
HEAVY = ("torch", "transformers", "accelerate")


def test_the_library_knows_no_page_and_no_plot():
    assert not offenders(files("vtw_core"), "app", "embedded_model", *PLOTTING)


def test_analysis_is_pure_maths():
    paths = files("vtw_core/analysis")
    assert paths
    assert not offenders(paths, *HEAVY, *ENGINE, "vtw_core.strategies")


def test_results_need_no_torch():
    names = ("results", "saving", "archives", "comparison", "comparison_checks",
             "comparison_saving", "calibrated", "calibration_checks", "calibration_saving",
             "bootstrap", "equal_budget", "documents", "replacing", "printing",
             "run_checks")  # fmt: skip
    paths = [ROOT / f"vtw_core/{name}.py" for name in names]
    assert not offenders(paths, *HEAVY, *ENGINE)


def test_strategies_do_not_know_the_engine():
    paths = files("vtw_core/strategies")
    assert paths
    assert not offenders(paths, *HEAVY, *ENGINE)


def test_models_do_not_know_strategies():
    assert not offenders(files("vtw_core/models"), "vtw_core.strategies")


def test_only_one_file_puts_hooks_on_a_model():
    hooking = [
        path.relative_to(ROOT).as_posix()
        for path in files("vtw_core")
        if "register_forward" in path.read_text(encoding="utf-8")
    ]
    assert hooking == ["vtw_core/hooks.py"]


def page():
    return [path for path in (*files("app"), ROOT / "app.py") if path.is_file()]


def test_the_page_imports_no_torch():
    assert not offenders(page(), *HEAVY)


def test_only_the_service_calls_the_engine():
    names = ("service", "jobs", "models", "pool")
    doors = [ROOT / f"app/{name}.py" for name in names]
    paths = [path for path in page() if path not in doors]
    assert not offenders(paths, "vtw_core", allowed=TORCH_FREE)


def test_figures_know_neither_gradio_nor_pyplot():
    assert not offenders(files("app/figures"), "gradio", "matplotlib.pyplot")


def test_no_tab_imports_another_tab():
    wrong = []
    for path in files("app/tabs"):
        if path.name == "__init__.py":
            continue
        own = module_name(path)
        wrong += [
            f"{own} imports {name}"
            for name in imports(path)
            if name.startswith("app.tabs.") and not is_under(name, own)
        ]
    assert not wrong


def test_no_two_test_files_have_one_name():
    """pytest imports them by their names alone."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert not [name for name, count in names.items() if count > 1 and name != "__init__.py"]


def test_nothing_is_called_utils():
    assert not [path for path in files("vtw_core", "app", "embedded_model") if "utils" in path.name]


TORCH_COMES_LATER = (
    "vtw_core",
    "vtw_core.results",
    "vtw_core.comparison",
    "vtw_core.comparison_saving",
    "vtw_core.events",
    "vtw_core.images",
    "vtw_core.memory",
    "vtw_core.saving",
    "vtw_core.calibrated",
    "vtw_core.equal_budget",
    "vtw_core.calibration",
    "vtw_core.dataset",
    "vtw_core.hub_data",
    "vtw_core.records",
    "vtw_core.replacing",
    "vtw_core.shards",
    "vtw_core.evaluation",
    "vtw_core.data_commands",
    "vtw_core.world",
    "vtw_core.analysis.presets",
    "vtw_core.layout",
    "vtw_core.errors",
    "vtw_core.analysis.kl",
    "vtw_core.analysis.cost",
    "vtw_core.analysis.answers",
    "vtw_core.analysis.inside_json",
    "vtw_core.analysis.rows",
    "vtw_core.analysis.sinks",
    "vtw_core.analysis.migration",
    "vtw_core.inside",
    "vtw_core.strategies.vtw",
    "vtw_core.strategies.method",
    "vtw_core.strategies.keep_all",
    "vtw_core.strategies.fastv",
    "vtw_core.strategies.mustdrop.record",
    "vtw_core.strategies.mustdrop.search",
    "vtw_core.strategies.random_drop",
    "vtw_core.trace",
    "vtw_core.models.catalogue",
    "vtw_core.models.prompts",
    "vtw_core.models.loading",
    "vtw_core.models.machine",
    "vtw_core.models.support",
    "vtw_core.__main__",
    "app",
    "app.ui",
)


@pytest.fixture(scope="module")
def brings_torch():
    """The first of these modules whose import brings torch or transformers, in one process."""
    code = f"""
import importlib, sys
for module in {TORCH_COMES_LATER}:
    importlib.import_module(module)
    if "torch" in sys.modules or "transformers" in sys.modules:
        print(module)
        break
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", TORCH_COMES_LATER)
def test_importing_it_does_not_import_torch(brings_torch, module):
    assert module != brings_torch


def test_every_public_name_can_be_imported_and_no_other():
    import vtw_core

    for name in vtw_core.__all__:
        assert getattr(vtw_core, name) is not None
    assert set(vtw_core.__all__) == set(vtw_core._HOME)
    with pytest.raises(AttributeError, match="no attribute"):
        vtw_core.nothing  # noqa: B018
