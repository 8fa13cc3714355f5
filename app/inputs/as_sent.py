"""Components that hand on what a browser sends, unopened, so that our own checks come first."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable
from typing import Any

from gradio.components import Component


def hand_on(component: Component, read: Callable[[Any], Any]) -> None:
    """Have a component give ``read(payload)`` to its events in place of what Gradio makes of it.

    Gradio makes a component anew, from its class, for each visitor whom an event has told an update
    of it, be it `gr.skip()`: what is set on the one object is lost then. So it gets a class.
    """
    kind = type(component)
    # Not by a class statement: Gradio's metaclass would look for that in a file, and write stubs.
    component.__class__ = ABCMeta.__new__(
        type(kind), kind.__name__, (kind,), {"preprocess": lambda self, payload: read(payload)}
    )
