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
    "vtw_core.engine.withdrawal",
    "vtw_core.engine.text_attention",
    "vtw_core.engine.vision_merging",
    "vtw_core.engine.generation",
    "vtw_core.every_k.sweep",
    "vtw_core.compare.methods",
    "vtw_core.attention.recording",
    "vtw_core.models",
    "vtw_core.data.calibration",
)
TORCH_FREE = (
    "vtw_core.measures.arrays",
    "vtw_core.measures.bootstrap",
    "vtw_core.results.inside",
    "vtw_core.results.run",
    "vtw_core.results.comparison",
    "vtw_core.results.calibration",
    "vtw_core.results.equal_budget",
    "vtw_core.analysis",
    "vtw_core.errors",
    "vtw_core.results.events",
    "vtw_core.pictures.images",
    "vtw_core.cli.printing",
    "vtw_core.files.replacing",
    "vtw_core.files.spreadsheets",
    "vtw_core.families.catalogue",
    "vtw_core.families.prompts",
    "vtw_core.machine.memory",
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
    assert hooking == ["vtw_core/hooks/scoped.py"]


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
    "vtw_core.results.run",
    "vtw_core.results.comparison",
    "vtw_core.results.comparison_saving",
    "vtw_core.results.events",
    "vtw_core.pictures.images",
    "vtw_core.machine.memory",
    "vtw_core.results.run_saving",
    "vtw_core.results.calibration",
    "vtw_core.results.equal_budget",
    "vtw_core.data.calibration",
    "vtw_core.data.dataset",
    "vtw_core.data.hub_data",
    "vtw_core.data.records",
    "vtw_core.files.replacing",
    "vtw_core.data.shards",
    "vtw_core.compare.evaluation",
    "vtw_core.cli.data_commands",
    "vtw_core.machine.processes",
    "vtw_core.measures.presets",
    "vtw_core.families.layout",
    "vtw_core.errors",
    "vtw_core.measures.kl",
    "vtw_core.measures.cost",
    "vtw_core.measures.answers",
    "vtw_core.analysis.inside_json",
    "vtw_core.analysis.rows",
    "vtw_core.analysis.sinks",
    "vtw_core.analysis.migration",
    "vtw_core.results.inside",
    "vtw_core.strategies.vtw",
    "vtw_core.strategies.method",
    "vtw_core.strategies.keep_all",
    "vtw_core.strategies.fastv",
    "vtw_core.strategies.mustdrop.record",
    "vtw_core.strategies.mustdrop.search",
    "vtw_core.strategies.random_drop",
    "vtw_core.results.trace",
    "vtw_core.families.catalogue",
    "vtw_core.families.prompts",
    "vtw_core.loading.loading",
    "vtw_core.machine.devices",
    "vtw_core.families.support",
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
