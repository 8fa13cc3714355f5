"""Text for the language stage and the tokenizer: English that may be used freely, and our world.

The English is the documentation inside Python's standard library and the packages this project
installs anyway (PSF, BSD and Apache licences). It is read from the running interpreter, used for
training only, and not copied into the repository.
"""

from __future__ import annotations

import ast
import importlib.util
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from embedded_model.questions import ask_any, describe
from embedded_model.scenes import random_scene

_PACKAGES = ("numpy", "pandas", "torch", "transformers", "gradio", "PIL")
_LEAST_LENGTH = 200


def _sources() -> Iterator[Path]:
    roots = [Path(sysconfig.get_path("stdlib"))]
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            roots.append(Path(spec.origin).parent)
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            if "test" not in path.as_posix() and "site-packages" not in str(path.relative_to(root)):
                yield path


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and len(text) >= _LEAST_LENGTH:
                yield re.sub(r"\s+", " ", text).lower()


def english(limit: int | None = None) -> list[str]:
    """Docstrings in lower case, white space folded, each one once, in a fixed order."""
    texts: dict[str, None] = {}
    for path in _sources():
        for text in _docstrings(path):
            texts.setdefault(text)
            if limit is not None and len(texts) >= limit:
                return list(texts)
    return list(texts)


def spoken_scene(rng: random.Random, max_objects: int) -> tuple[str, list[tuple[str, str]]]:
    """A scene described in words instead of a picture, with questions about it.

    Returns the telling and ``(question, answer)`` pairs. The language stage learns from it what
    the questions mean before it ever sees a picture.
    """
    scene = random_scene(rng, max_objects)
    described = describe(scene).split(", ")
    rng.shuffle(described)
    questions = [ask_any(scene, rng) for _ in range(10)]
    return ", ".join(described), [
        (q.text, q.answer) for q in questions if q.kind not in ("describe", "mention")
    ]
