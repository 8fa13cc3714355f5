"""Every sentence about what happens inside a run: figures, and the tabs that show them, in the visitor's language."""

from typing import Any

from app.language import spoken


def __getattr__(name: str) -> Any:
    return spoken("text_inside", name)
