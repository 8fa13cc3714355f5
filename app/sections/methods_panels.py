"""The controls of each method in the tab of methods: which are there, and what they are set to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vtw_core.measures.budget import withdrawn_mean
from vtw_core.results.run import Run
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.parameters import LAYERS, Bound, Parameter, Size
from vtw_core.strategies.vtw import VisualTokenWithdrawal

from ..inputs.methods_choice import MOST_PANELS, Choice, default_k
from ..inputs.methods_fields import (
    OWN,
    SET_BY,
    choice_labels,
    label,
    layout,
    offered,
    shown,
    strategy_named,
)
from ..state import Visitor
from ..words import methods as text
from ..words.digits import mean_count

AT_FIRST = (True, True, False)
"""Which panels are there when the page opens: one of each of MOST_PANELS."""
_STEP = 0.0001  # of numbers that are not whole


@dataclass(frozen=True)
class Panel:
    """One method's controls: the strategy, then all of `layout`. On `deciding` depends which of
    them belong to it."""

    column: gr.Column
    remove: gr.Button
    controls: tuple[Any, ...]
    deciding: tuple[Any, ...]


def build_panel(number: int, choice: Choice, run: Run, *, visible: bool) -> Panel:
    """Put one panel here, set to a choice, with the bounds of a run."""
    name, *values = choice.values(run)
    with gr.Column(min_width=280, visible=visible) as column:
        gr.Markdown(f"## {text.PANEL.format(number=number)}", elem_classes="step-title")
        strategy = gr.Dropdown(
            [(text.METHODS.get(one, one), one) for one in offered()], value=name,
            label=text.METHOD, elem_id=f"methods-name-{number}",
        )  # fmt: skip
        controls = [
            _control(of, about, value, run, visible=is_shown, elem_id=_id(of, about, number))
            for (of, about), value, is_shown in zip(layout(), values, choice.shown, strict=True)
        ]
        remove = gr.Button(
            text.REMOVE, size="sm", visible=number > 1, elem_id=f"methods-remove-{number}"
        )
    ways = [part for (_, about), part in zip(layout(), controls, strict=True)
            if about.name == SET_BY]  # fmt: skip
    return Panel(column, remove, (strategy, *controls), (strategy, *ways))


def _id(strategy: type[Strategy], about: Parameter, number: int) -> str:
    return f"methods-{strategy.name}-{about.flag}-{number}".replace(" ", "-").replace("_", "-")


def _control(strategy: type[Strategy], about: Parameter, value: Any, run: Run, **named: Any) -> Any:
    """What sets a parameter, by its kind; a number with two bounds has a slider, one whose bound is
    how many visual tokens there are is typed."""
    named |= {"value": value, "label": label(strategy, about)}
    if about.choices:
        pairs = [(words, one) for one, words in choice_labels(strategy, about).items()]
        kind = gr.CheckboxGroup if about.kind == "letters" else gr.Dropdown
        return kind(pairs, **named)
    if about.kind == "counts":
        return gr.Textbox(max_lines=1, placeholder=unwritten(about, run), **named)
    step = 1 if about.kind == "whole" else _STEP
    ends = slider_ends(about, run)
    if ends is not None:
        return gr.Slider(*ends, step=step, **named)
    precision = 0 if about.kind == "whole" else None
    return gr.Number(minimum=about.least, precision=precision, step=step, **named)


def slider_ends(about: Parameter, run: Run) -> tuple[float, float] | None:
    """The bounds of a number that has both; None for one that is typed, as a number of visual
    tokens is."""
    least, most = about.least, about.most
    if isinstance(most, Bound):
        most = most.at(Size(run.layers, run.visual_tokens)) if most.of == LAYERS.of else None
    is_typed = about.kind not in ("whole", "real") or about.default is None
    return None if is_typed or least is None or most is None else (least, most)


def unwritten(about: Parameter, run: Run) -> str:
    """What holds of counts where nothing is written."""
    return about.written(about.default_at(run.layers) or ())


def fit(*values: Any) -> list[Any]:
    """Only the controls that belong to a method, of a panel's.

    Args:
        values: what its deciding controls hold, a visitor's input.
    """
    name, *ways = values
    strategy = strategy_named(name)
    of_ways = (of for of, about in layout() if about.name == SET_BY)
    way = dict(zip(of_ways, ways, strict=True)).get(strategy, OWN)
    return [gr.update(visible=visible) for visible in shown(strategy, way)]


def add_panel(there: tuple[bool, ...]) -> list[Any]:
    """The first panel that is not there comes."""
    hidden = there.index(False) if False in there else len(there)
    return laid_out(tuple(index == hidden or is_there for index, is_there in enumerate(there)))


def remover(index: int) -> Callable[[tuple[bool, ...]], list[Any]]:
    """What takes one panel away."""

    def remove(there: tuple[bool, ...]) -> list[Any]:
        return laid_out(tuple(is_there and at != index for at, is_there in enumerate(there)))

    return remove


def laid_out(there: tuple[bool, ...]) -> list[Any]:
    """Which panels are there, their columns, and whether one may be added."""
    columns = [gr.Column(visible=visible) for visible in there]
    return [there, *columns, gr.Button(visible=not all(there))]


def updated_controls(choice: Choice, run: Run) -> list[Any]:
    """The controls of a panel, set to a choice, with the bounds of a run."""
    name, *values = choice.values(run)
    updates = [gr.update(value=name)]
    for (_, about), value, visible in zip(layout(), values, choice.shown, strict=True):
        ends = slider_ends(about, run)
        of_run: dict[str, Any] = {} if ends is None else {"maximum": ends[1]}
        if about.kind == "counts":
            of_run = {"placeholder": unwritten(about, run)}
        updates.append(gr.update(value=value, visible=visible, **of_run))
    return updates


def chosen(run: Run, values: tuple[Any, ...]) -> list[Choice]:
    """All panels, also those that are not there."""
    size = len(values) // MOST_PANELS
    return [Choice.read(run, values[at : at + size]) for at in range(0, size * MOST_PANELS, size)]


def set_equal(visitor: Visitor, there: tuple[bool, ...], *values: Any) -> list[Any]:
    """Set every panel to as many visual tokens as the first VTW panel's K leaves."""
    run = visitor.run
    if run is None:
        return [gr.skip()] * (1 + len(values))
    choices = chosen(run, values)
    present = [one for one, is_there in zip(choices, there, strict=True) if is_there]
    of_vtw = (one.options["k"] for one in present if one.strategy is VisualTokenWithdrawal)
    k = next(of_vtw, default_k(run))
    if k == run.layers:
        return [text.EQUAL_ALL.format(k=k), *[gr.skip()] * len(values)]
    tokens = withdrawn_mean(k, run.layers, run.visual_tokens)
    fitted = [one.at_budget(tokens, run) for one in choices]
    updates = [update for one in fitted for update in updated_controls(one, run)]
    return [text.EQUAL_DONE.format(tokens=mean_count(tokens), layers=run.layers, k=k), *updates]


def control_count() -> int:
    """Controls of all panels."""
    return MOST_PANELS * (1 + len(layout()))


def labels(choices: list[Choice]) -> list[str]:
    """Titles; a second panel with the same one is numbered."""
    titles = [one.title for one in choices]
    return [
        title if title not in titles[:at] else text.LABEL_TWICE.format(title=title, number=at + 1)
        for at, title in enumerate(titles)
    ]
