"""Every sentence of the tab that compares methods, in the visitor's language."""

from typing import Any

from app.language import spoken


def __getattr__(name: str) -> Any:
    return spoken("text_methods", name)
