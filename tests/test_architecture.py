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


CORE_ROOMS = (
    "errors", "shipped", "machine", "measures", "files", "pictures", "families", "results",
    "strategies", "analysis", "hooks", "data", "engine", "attention", "every_k", "model",
    "loading", "compare", "cli", "__main__", "harness",
)  # fmt: skip
"""The rooms of the library, from the ground up: each imports from those before it alone."""
PAGE_ROOMS = (
    "state", "theme", "words", "gradio_internals", "requests", "service", "settings", "inputs",
    "presenters", "links", "figures", "lesson", "components", "sections", "api", "server", "tabs",
    "guide", "ui", "main", "__main__",
)  # fmt: skip
"""The rooms of the page, in the same way."""
BRINGS_TORCH = ("hooks", "engine", "attention", "every_k", "model", "harness")
"""Rooms of the library that import torch; of the others some files do, in functions."""
BESIDES = (
    "vtw_core.compare.methods",  # compares on a loaded model
    "vtw_core.compare.threshold_search",  # measures on one
    "vtw_core.loading.exactness",  # runs a tiny model
)
PLOTTING = ("gradio", "plotly", "matplotlib")
HEAVY = ("torch", "transformers", "accelerate")
ENGINE = tuple(f"vtw_core.{room}" for room in (*BRINGS_TORCH, "loading", "compare", "data", "cli"))
"""What only the page's service may use."""


def modules(*packages):
    """Module name -> path, of whole packages."""
    return {module_name(path): path for path in files(*packages)}


def arrows(*packages):
    """Module -> the modules of these packages that it imports, also inside functions."""
    known = modules(*packages)
    made = {}
    for name, path in known.items():
        found = {base for base in imports(path) if base in known}
        # `from package import module` is no arrow to the package itself.
        packages_of = {base.rpartition(".")[0] for base in found}
        made[name] = {base for base in found if base != name and base not in packages_of}
    return made


def circles(graph):
    """The strongly connected sets of more than one module (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


@pytest.mark.parametrize("package", ["vtw_core", "app"])
def test_no_modules_import_each_other_in_a_circle(package):
    assert not circles(arrows(package))


def test_a_circle_is_found_also_through_others():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


@pytest.mark.parametrize(
    ("package", "rooms"),
    [("vtw_core", CORE_ROOMS), ("app", PAGE_ROOMS)],
)
def test_a_room_imports_from_those_below_it_alone(package, rooms):
    floor = {f"{package}.{room}": number for number, room in enumerate(rooms)}
    wrong = []
    for name, found in arrows(package).items():
        room = ".".join(name.split(".")[:2])
        if name == package:
            continue
        assert room in floor, f"{room} is no room of {package}: add it in its order."
        for other in found - {package}:
            below = ".".join(other.split(".")[:2])
            if floor[below] > floor[room]:
                wrong.append(f"{name} imports {other}")
    assert not wrong


@pytest.mark.parametrize("package", ["vtw_core", "app"])
def test_the_top_of_a_package_is_read_at_a_glance(package):
    top = sorted(path.name for path in (ROOT / package).glob("*.py"))
    assert len(top) <= 10, top


def test_the_library_knows_no_page_and_no_plot():
    assert not offenders(files("vtw_core"), "app", "embedded_model", *PLOTTING)


@pytest.mark.parametrize("room", ["measures", "analysis", "strategies", "files"])
def test_pure_rooms_need_no_torch(room):
    paths = files(f"vtw_core/{room}")
    assert paths
    assert not offenders(paths, *HEAVY)


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


def test_the_page_names_itself_by_no_absolute_name():
    """So that it can be installed under a name that clashes with no other package."""
    named = [
        f"{path.relative_to(ROOT)}: {node.module}"
        for path in files("app")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level == 0 and is_under(node.module, "app")
    ]
    assert not named


def test_only_the_service_calls_the_engine():
    paths = [path for path in page() if ROOT / "app" / "service" not in path.parents]
    assert not offenders(paths, *ENGINE)


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
            if name.startswith("app.tabs.") and not is_under(name, own, "app.tabs.tab")
        ]
    assert not wrong


def test_no_two_test_files_have_one_name():
    """pytest imports them by their names alone."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert not [name for name, count in names.items() if count > 1 and name != "__init__.py"]


def test_nothing_is_called_utils():
    assert not [path for path in files("vtw_core", "app", "embedded_model") if "utils" in path.name]


@pytest.fixture(scope="module")
def brings_torch():
    """The first of these modules whose import brings torch or transformers, in one process."""
    later = tuple(
        name
        for name in modules("vtw_core")
        if not is_under(name, *(f"vtw_core.{room}" for room in BRINGS_TORCH), *BESIDES)
    )
    code = f"""
import importlib, sys
for module in {(*later, "app", "app.ui")}:
    importlib.import_module(module)
    if "torch" in sys.modules or "transformers" in sys.modules:
        print(module)
        break
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_rest_does_not_import_torch(brings_torch):
    assert brings_torch == ""


def test_every_public_name_can_be_imported_and_no_other():
    import vtw_core

    for name in vtw_core.__all__:
        assert getattr(vtw_core, name) is not None
    assert set(vtw_core.__all__) == set(vtw_core._HOME)
    with pytest.raises(AttributeError, match="no attribute"):
        vtw_core.nothing  # noqa: B018
