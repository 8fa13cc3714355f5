"""An option of a command that names the question, and so may be given only once."""

from argparse import Action, ArgumentParser, Namespace
from typing import Any


class GivenOnce(Action):
    """Keep an option's value, and refuse a second one: argparse would take the last in silence.

    For a question or a data set. A setting may be given again, as scripts do to change it.
    """

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        given = vars(namespace).setdefault("_given", set())
        if self.dest in given:
            parser.error(f"{option_string} is given twice; give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)
