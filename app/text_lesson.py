"""Every sentence of the lesson. Numbers in braces come from the run that is shown, in the visitor's language."""

from typing import Any

from app.language import spoken


def __getattr__(name: str) -> Any:
    return spoken("text_lesson", name)
