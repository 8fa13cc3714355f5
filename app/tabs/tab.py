"""The interface of a tab: one object that builds its parts of the page and updates them.

A new tab is a subclass in a file of its own, listed in `app.ui.TABS`, with its title in both
languages. The page, links and the lesson use only this interface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import gradio as gr

from vtw_core.results.run import Run

from ..links.view_address import Field, View
from ..sections.run_flow import RunFlow, Updates, Values
from ..state import Visitor

if TYPE_CHECKING:
    from ..service.service import Service


@dataclass(frozen=True)
class Shared:
    """What the tabs of one page have in common.

    Attributes:
        visitor: a state, of `Visitor`.
        k: a state: where the visitor left K, or None for K*; `app.sections.held_k` reads a slider.
        model: a state: the name of the model that the next run asks.
        kept: what a visitor had before the server forgot the page (`components.kept_visit`).
    """

    service: Service
    visitor: gr.State
    k: gr.State
    model: gr.State
    kept: gr.HTML


@dataclass(frozen=True)
class Arrival:
    """Where a link or a step of the lesson puts a tab.

    Attributes:
        view: what an address says of the page and of this tab, clamped to the run.
        visitor: their state on arrival.
        run: the visitor's, or the one that the page opens with.
        in_front: whether the tab is the selected one.
        question: for the question box; None leaves picture and question unchanged.
        draws: whether the visitor is to draw a picture.
    """

    view: View
    visitor: Visitor
    run: Run
    in_front: bool
    question: str | None = None
    draws: bool = False


class Tab(ABC):
    """One tab of one page; a page of another language has its own.

    Attributes:
        id: stable, since addresses contain it.
        follows_run: whether `show` depends on the visitor's run.
        inputs: the components whose values are passed to `show`.
        outputs: the components that `show` may update.
        controls: name of a field -> the component that holds it. A change of such a component
            updates the address bar, and a link sets it.
        arrives_at: further components that `arrive` may update.
        flow: the runs whose result becomes the visitor's run: a link stops them.
        finished: the events after which the visitor's run may have changed.
        chosen: the events after which `chosen_view` may have changed.
        choices: the components whose values are passed to it.
    """

    id: ClassVar[str]
    follows_run: ClassVar[bool] = True

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.inputs: tuple[Any, ...] = ()
        self.outputs: tuple[Any, ...] = ()
        self.controls: dict[str, Any] = {}
        self.arrives_at: tuple[Any, ...] = ()
        self.flow: RunFlow | None = None
        self.finished: tuple[Any, ...] = ()
        self.chosen: tuple[Any, ...] = ()
        self.choices: tuple[Any, ...] = ()

    @property
    @abstractmethod
    def title(self) -> str:
        """What stands on the tab, in the language that is spoken."""

    @classmethod
    def fields(cls, service: Service) -> tuple[Field, ...]:
        """What an address can say of the tab."""
        return ()

    @abstractmethod
    def build(self) -> None:
        """Put the parts here, and fill the attributes."""

    def show(self, values: Values) -> Updates:
        """The whole tab, when it is in front: figures are made no sooner."""
        return {}

    def arrive(self, arrival: Arrival) -> Updates:
        """The controls that a view tells of; the others stay as the visitor left them."""
        said = arrival.view
        return {part: said[name] for name, part in self.controls.items() if name in said}

    def chosen_view(self, values: Values) -> View:
        """The tab's fields that the server tells the address bar."""
        return View()

    def connect(self, drawn: Iterable[Any]) -> None:  # noqa: B027 -- most need none
        """Wire what needs the whole page.

        Args:
            drawn: the events after which the tab may have been shown again.
        """
