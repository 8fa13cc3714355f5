"""What the library says, on the Chinese page: everything it can raise has a translation."""

import ast
import errno
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from chinese_print import misprints

from app.words.language import FIRST, LANGUAGES, speaking
from app.words.library_words import sentences, skeleton, worded
from vtw_core.errors import InputError
from vtw_core.measures import cost
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.results.calibration import BAND_METHOD

ROOT = Path(__file__).resolve().parents[2]
OTHERS = tuple(code for code in LANGUAGES if code != FIRST)
# Where a sentence stands: (call, which of its arguments).
SPEAKERS = {"InputError": 0, "ModelError": 0, "VTWError": 0, "Support": 1}
# Kinds of Python's own errors that a reader of files turns into a part of its sentence.
DETAILS = ("TypeError", "ValueError")
# Whose sentences no visitor of the page sees: what only the command line or a program takes, ...
OF_PROGRAMS = (
    "__main__.py", "cli/terminal.py", "data/hub_data.py", "data/records.py",
    "compare/evaluation.py", "hooks/tensor_parallel.py", "harness/",
)  # fmt: skip
# ... and what is given by the library itself, so that an error is a mistake in it.
OF_THE_LIBRARY = ("measures/cost.py", "measures/kl.py")

FACTS = {cost.VTW_CONVENTION, cost.FASTV_CONVENTION, *(one.source for one in ETA_PRESETS)}
# Said by others than a raise: names of things and reasons of the operating system, the page's
# service, and a sentence with numbers in it.
ELSEWHERE = {
    "run", "comparison", "{name} could not be loaded.", "a smaller model",
    "{choices}, or a smaller model",
    *(os.strerror(number) for number in (
        errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOTDIR, errno.ENOSPC, errno.EROFS,
        errno.ENAMETOOLONG,
    )),
}  # fmt: skip


class Sources:
    """The library's sources; says which sentences they can make."""

    def __init__(self, root: Path):
        self.trees = {
            str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted(root.rglob("*.py"))
        }
        self.functions = defaultdict(list)
        self.tables = {}
        self.calls = defaultdict(list)
        self.named = defaultdict(list)  # constants that a call is given by name
        for tree in self.trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    self.functions[node.name].append(node)
                elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                    self.tables |= {ast.unparse(one): node.value for one in node.targets}
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    self.calls[node.func.id].append(node)
                elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
                    self.named[node.arg].append(node.value)

    def said(self) -> Iterator[tuple[str, str]]:
        """(where, template or part of one) of everything that can be raised."""
        for name, tree in self.trees.items():
            if not name.startswith((*OF_PROGRAMS, *OF_THE_LIBRARY)):
                yield from self._said_in(name, tree, None)

    def _said_in(self, name, node, scope):
        for child in ast.iter_child_nodes(node):
            inner = child if isinstance(child, ast.FunctionDef) else scope
            if isinstance(child, ast.Call):
                called = getattr(child.func, "id", getattr(child.func, "attr", ""))
                at = SPEAKERS.get(called, 0 if called in DETAILS else None)
                if at is not None and len(child.args) > at:
                    where = f"vtw_core/{name}:{child.lineno}"
                    for template in self._whole(child.args[at], scope, where):
                        yield where, template
            yield from self._said_in(name, child, inner)

    def _whole(self, node, scope, where):
        """The templates of an expression that is a whole sentence."""
        if isinstance(node, ast.Attribute) and node.attr == "reason":
            return  # of a Support, which is a speaker itself
        found = list(self._templates(node, scope))
        assert found, (
            f"{where}: cannot tell what {ast.unparse(node)!r} says; write the sentence there, or "
            "return it from a function that returns str"
        )
        yield from found

    def _templates(self, node, scope, seen=()):
        match node:
            case ast.Constant(value=str() as words):
                yield words.replace("{", "{{").replace("}", "}}")
            case ast.JoinedStr(values=parts):
                yield "".join(
                    one.value.replace("{", "{{").replace("}", "}}")
                    if isinstance(one, ast.Constant)
                    else "{}"
                    for one in parts
                )
                for one in parts:
                    if isinstance(one, ast.FormattedValue):
                        yield from self._prose(one.value, scope, seen)
            case ast.IfExp(body=one, orelse=other):
                yield from self._templates(one, scope, seen)
                yield from self._templates(other, scope, seen)
            case _:
                yield from self._from_elsewhere(node, scope, seen)

    def _from_elsewhere(self, node, scope, seen):
        """What a name, an attribute, a table or a function's return holds, if that is text."""
        match node:
            case ast.Name(id=name) if scope is not None:
                for one in ast.walk(scope):
                    if isinstance(one, ast.Assign | ast.NamedExpr):
                        targets = one.targets if isinstance(one, ast.Assign) else [one.target]
                        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                            yield from self._templates(one.value, scope, seen)
                for one in self._given(scope, name):
                    yield from self._templates(one, None, seen)
            case ast.Attribute(attr=name):
                for one in self.named[name]:
                    yield from self._templates(one, None, seen)
            case ast.Subscript(value=ast.Name(id=name)) if name in self.tables:
                for one in self.tables[name].values:
                    yield from self._templates(one, None, seen)
            case ast.Call():
                for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
                    for function in self.functions[getattr(call.func, "id", "")]:
                        if function.name not in seen and self._says(function):
                            for one in ast.walk(function):
                                if isinstance(one, ast.Return) and one.value is not None:
                                    more = (*seen, function.name)
                                    yield from self._templates(one.value, function, more)

    def _given(self, function, name):
        """What a function's parameter is given, wherever it is called."""
        places = [argument.arg for argument in function.args.args]
        for call in self.calls[function.name]:
            yield from (one.value for one in call.keywords if one.arg == name)
            if name in places[: len(call.args)]:
                yield call.args[places.index(name)]

    @staticmethod
    def _says(function):
        return function.returns is not None and ast.unparse(function.returns) in {
            "str", "str | None",
        }  # fmt: skip

    def _prose(self, node, scope, seen):
        """What a value of a sentence says itself: words, not a number or a name."""
        for one in self._templates(node, scope, seen):
            if " " in one.strip() and re.search(r"(?<![A-Za-z])[a-z]{2,}(?![A-Za-z])", one):
                yield one


@pytest.fixture(scope="module")
def said():
    return list(Sources(ROOT / "vtw_core").said())


@pytest.mark.parametrize("code", OTHERS)
def test_whatever_the_library_can_raise_has_a_translation(said, code):
    known = {skeleton(template) for template in sentences(code)}
    missing = [f"{where}: {one!r}" for where, one in said if skeleton(one) not in known]
    assert not missing, (
        f"add to one of app/words/{LANGUAGES[code].package}/library_*.py, naming each "
        "{} and translating it:\n" + "\n".join(missing)
    )


@pytest.mark.parametrize("code", OTHERS)
def test_what_the_library_says_of_its_numbers_has_a_translation(code):
    known = set(sentences(code))
    assert known >= FACTS
    with speaking(code):
        assert worded(BAND_METHOD) != BAND_METHOD


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_translated_that_is_no_longer_said(said, code):
    spoken = {skeleton(one) for _, one in said}
    stale = [
        one for one in sentences(code)
        if skeleton(one) not in spoken and one not in FACTS | ELSEWHERE
        and not fits(one, BAND_METHOD)
    ]  # fmt: skip
    assert not stale, "the library no longer says, so remove:\n" + "\n".join(stale)


def fits(template, said):
    pattern = re.escape(skeleton(template)).replace(re.escape("{}"), ".*?")
    return re.fullmatch(pattern, said)


def values_of(template):
    """A value for each placeholder, none of which is a sentence."""
    names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    assert len(set(names)) == len(names), template
    return {name: f"a{at}.{name}" for at, name in enumerate(names)}


@pytest.mark.parametrize("code", OTHERS)
def test_each_sentence_is_taken_for_itself_and_keeps_its_values(code):
    wrong = []
    for english, translation in sentences(code).items():
        values = values_of(english)
        assert set(values) == set(values_of(translation)), english
        expected = translation.format(**values)
        # A frame alone says nothing, so it waits for a problem that is known.
        if re.search("[A-Za-z]", skeleton(english)):
            with speaking(code):
                got = worded(english.format(**values))
            if got != expected:
                wrong.append((english, got))
    assert wrong == []


def test_the_translations_are_printed_as_chinese_is():
    assert [(said, *one) for said in sentences("zh").values() for one in misprints(said)] == []


def test_a_sentence_inside_another_is_translated_too():
    with speaking("zh"):
        assert worded(
            InputError("cat.png: The prompt is empty; ask a question about the image.")
        ) == ("cat.png：问题是空的；请就图片提一个问题。")
        assert worded(
            "a.vtw cannot be used: This is not a coherent run: k_min must be one of the K."
        ) == ("无法使用 a.vtw：这次运行的内容前后矛盾：k_min 必须是某个 K。")
        assert (
            worded("a.vtw is not a saved run, or it is damaged.")
            == "a.vtw 不是保存的运行，或已损坏。"
        )


def test_what_is_not_known_is_told_as_it_is():
    with speaking("zh"):
        for said in (
            "A sentence: of nobody.",
            "",
            "问题是空的。",
            "{braces} and \\ signs",
            "K" * 99999,
            "a: " * 600,
        ):
            assert worded(said) == said
        # Words that are not the library's stay inside the library's sentence.
        assert worded("The model x cannot be loaded: odd {thing}") == "无法加载模型 x：odd {thing}"


def test_in_the_first_language_the_library_speaks_for_itself():
    for said in sentences("zh"):
        assert worded(said) == said


def test_every_error_that_a_visitor_is_told_is_told_in_the_visitors_language():
    tells_programs = {"api.py", "report.py"}
    told = 0
    for path in (ROOT / "app").rglob("*.py"):
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                continue
            if path.name in tells_programs or not re.search(
                "VTWError|InputError", ast.unparse(handler.type)
            ):
                continue
            for one in ast.walk(ast.Module(handler.body, [])):
                inside = [
                    inner.value if isinstance(inner, ast.keyword) else inner
                    for inner in ast.iter_child_nodes(one)
                ]
                of_it = any(isinstance(i, ast.Name) and i.id == handler.name for i in inside)
                calls = ast.unparse(one.func) if isinstance(one, ast.Call) else ""
                in_words = isinstance(one, ast.FormattedValue) or calls == "str"
                assert not (of_it and (in_words or calls.endswith(".format"))), (
                    f"{path}:{handler.lineno}: say worded({handler.name})"
                )
                told += of_it and calls == "worded"
    assert told >= 9


def test_the_scan_sees_sentences_wherever_they_are_made(tmp_path):
    (tmp_path / "one.py").write_text(
        """
WHY = {"a": "it is so", "b": "it is {so}"}

def _problem(x) -> str | None:
    if x:
        return f"{x} is not"
    return None

def check(x, kind):
    problem = _problem(x)
    if problem:
        raise InputError(f"Wrong: {problem}.")
    other = ModelError("One" if x else "Other")
    if kind:
        raise ModelError(f"Refused: {WHY[kind]}; go.")
    raise TypeError("kept")
""",
        encoding="utf-8",
    )
    found = {one for _, one in Sources(tmp_path).said()}
    assert found == {
        "Wrong: {}.", "{} is not", "One", "Other", "kept", "Refused: {}; go.", "it is so",
        "it is {{so}}",
    }  # fmt: skip
    (tmp_path / "two.py").write_text("def f(x):\n    raise InputError(x + 'y')\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"two.py:2: cannot tell what"):
        list(Sources(tmp_path).said())


def test_the_page_uses_nothing_whose_errors_it_could_not_translate():
    for name in (*OF_PROGRAMS, *OF_THE_LIBRARY):
        assert (ROOT / "vtw_core" / name).exists(), name
    modules = tuple(
        f"vtw_core.{one.removesuffix('.py').strip('/').replace('/', '.')}" for one in OF_PROGRAMS
    )
    for path in (ROOT / "app").rglob("*.py"):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(one, ast.ImportFrom) and one.module:
                assert not one.module.startswith(modules), f"{path}: {one.module}"
