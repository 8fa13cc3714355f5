"""The visitor's run as a file to take away."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..requests.faults import on_disk
from ..state import Visitor
from .downloads import cached


def write_run(visitor: Visitor) -> str | None:
    """The path of the file; None where there is no run."""
    if visitor.run is None:
        return None
    with on_disk(), tempfile.TemporaryDirectory() as folder:
        return cached(visitor.run.save(Path(folder) / "run.vtw").read_bytes(), "run.vtw")
