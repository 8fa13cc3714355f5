"""Every sentence of the page, in the visitor's language: `page.TITLE`, `faults.NO_PICTURE`.

Each name below stands for the module of that name in `english` and `chinese`. A word is looked up
when it is asked for, in the language that is spoken then: none may be read at import.
"""

from typing import Any

from .language import spoken


class Words:
    """One module of words."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return spoken(self._module, name)


api = Words("api")
budget = Words("budget")
faults = Words("faults")
inside = Words("inside")
lesson = Words("lesson")
methods = Words("methods")
models = Words("models")
page = Words("page")
share = Words("share")
stages = Words("stages")
terms = Words("terms")
