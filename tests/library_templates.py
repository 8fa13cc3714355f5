"""Every template that `vtw_core` makes a sentence of, found in its sources."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

# What is called with a template and its values.
SPEAKERS = {"Sentence", "VTWError", "InputError", "ModelError"}


@dataclass(frozen=True)
class Spoken:
    """One template.

    Attributes:
        where: file and line.
        template: as it is written, with conversions and formats.
        values: the names of the values that it is given.
    """

    where: str
    template: str
    values: frozenset[str]


def spoken(root: Path) -> Iterator[Spoken]:
    """All of a package's.

    Raises:
        AssertionError: a template is not written where it is raised.
    """
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SPEAKERS:
                where = f"{path.relative_to(root.parent)}:{node.lineno}"
                values = [one.arg for one in node.keywords]
                if where.startswith("vtw_core/errors.py") and None in values:
                    continue  # the errors themselves pass on what they are given
                is_named = len(node.args) == 1 and None not in values
                assert is_named, f"{where}: give the template, and each value by its name"
                for template in _written(node.args[0], where):
                    yield Spoken(where, template, frozenset(filter(None, values)))


def _written(node: ast.expr, where: str) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as template):
            yield template
        case ast.IfExp(body=one, orelse=other):
            yield from _written(one, where)
            yield from _written(other, where)
        case _:
            raise AssertionError(
                f"{where}: write the template there, with a field for each value, not "
                f"{ast.unparse(node)!r}; a sentence that was made before is raised by `of`"
            )


def fields(template: str) -> set[str]:
    """The names in a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def plain(template: str) -> str:
    """A template as `Sentence.template` keeps it: without conversions and formats."""
    return "".join(
        words.replace("{", "{{").replace("}", "}}") + ("" if name is None else f"{{{name}}}")
        for words, name, _, _ in Formatter().parse(template)
    )
