"""Where the shipped files are: models, examples, recordings, documents.

In a checkout, also one that is installed as editable, they are beside the package; a wheel has them
in it.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    own = _PACKAGE / name
    return own if own.is_dir() else _PACKAGE.parent / name


ASSETS = _shipped("assets")
"""The models, the calibration set, the methods at equal budget."""
EXAMPLES = ASSETS / "examples"
"""Pictures to ask about, each with a recorded run."""
DOCS = _shipped("docs")
"""The documents that define every number; a wheel has those that the page shows."""
