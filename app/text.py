"""Every sentence of the page, in the visitor's language."""

from typing import Any

from app.language import spoken


def __getattr__(name: str) -> Any:
    return spoken("text", name)
