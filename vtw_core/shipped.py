"""Where the files are that come with the project: models, examples, recordings."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""The folder of everything that is shipped."""
