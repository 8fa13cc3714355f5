"""Every sentence about methods at equal budget: the tab, its figures, the README's section, in the visitor's language."""

from typing import Any

from app.language import spoken


def __getattr__(name: str) -> Any:
    return spoken("text_budget", name)
