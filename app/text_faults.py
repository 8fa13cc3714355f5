"""Every sentence about the machine's limits and its end, in the visitor's language."""

from typing import Any

from app.language import spoken


def __getattr__(name: str) -> Any:
    return spoken("text_faults", name)
