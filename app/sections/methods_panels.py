"""The controls of each method in the tab of methods: which are there, and what they are set to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vtw_core.measures.budget import withdrawn_mean
from vtw_core.results.run import Run

from ..inputs.methods_choice import MOST_PANELS, Choice, default_k
from ..state import Visitor
from ..words import methods as text
from ..words.digits import mean_count

AT_FIRST = (True, True, False)
"""Which panels are there when the page opens: one of each of MOST_PANELS."""


@dataclass(frozen=True)
class Panel:
    """One method's controls, in the order of `Choice`."""

    column: gr.Column
    remove: gr.Button
    controls: tuple[Any, ...]


def build_panel(number: int, choice: Choice, layers: int, *, visible: bool) -> Panel:
    """Put one panel here, set to a choice, for a model of so many layers."""
    fits = iter(choice.fitting)
    with gr.Column(min_width=280, visible=visible) as column:
        gr.Markdown(f"## {text.PANEL.format(number=number)}", elem_classes="step-title")
        name = gr.Dropdown(
            _named(text.METHODS), value=choice.name, label=text.METHOD,
            elem_id=f"methods-name-{number}",
        )  # fmt: skip
        controls = (
            name,
            gr.Slider(0, layers, choice.k, step=1, label=text.K, visible=next(fits),
                      elem_id=f"methods-k-{number}"),
            gr.Slider(0, 1, choice.ratio, step=0.0001, label=text.RATIO, visible=next(fits)),
            gr.Dropdown(_named(text.RANKINGS), value=choice.ranking, label=text.RANKING,
                        visible=next(fits)),
            gr.Number(choice.seed, label=text.SEED, precision=0, minimum=0, visible=next(fits)),
            gr.Dropdown(_named(text.THRESHOLD_CHOICES), value=choice.thresholds,
                        label=text.THRESHOLDS, visible=next(fits)),
            gr.Number(choice.tokens, label=text.TOKENS, minimum=0, visible=next(fits),
                      elem_id=f"methods-tokens-{number}"),
            gr.Number(choice.gamma, label=text.GAMMA, minimum=0, maximum=1, step=0.0001,
                      visible=next(fits)),
            gr.Number(choice.alpha, label=text.ALPHA, minimum=0, maximum=1, step=0.0001,
                      visible=next(fits)),
            gr.CheckboxGroup([(words, stage) for stage, words in text.STAGE_CHOICES.items()],
                             value=list(choice.stages), label=text.STAGES, visible=next(fits),
                             elem_id=f"methods-stages-{number}"),
        )  # fmt: skip
        remove = gr.Button(
            text.REMOVE, size="sm", visible=number > 1, elem_id=f"methods-remove-{number}"
        )
    return Panel(column, remove, controls)


def _named(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(label, name) for name, label in words.items()]


def fit(name: Any, thresholds: Any) -> list[Any]:
    """Only the controls that belong to a method."""
    fitting = Choice(str(name), thresholds=str(thresholds)).fitting
    return [gr.update(visible=visible) for visible in fitting]


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


def told_controls(choice: Choice, layers: int) -> list[Any]:
    """The controls of a panel, set to a choice."""
    updates = [
        gr.update(value=value, visible=visible)
        for value, visible in zip(choice.values, (True, *choice.fitting), strict=True)
    ]
    updates[1] = gr.update(value=choice.k, maximum=layers, visible=choice.fitting[0])
    return updates


def chosen(run: Run, values: tuple[Any, ...]) -> list[Choice]:
    """All panels, also those that are not there."""
    size = len(values) // MOST_PANELS
    return [
        Choice.clamped(run, *values[at : at + size]) for at in range(0, size * MOST_PANELS, size)
    ]


def set_equal(visitor: Visitor, there: tuple[bool, ...], *values: Any) -> list[Any]:
    """Set every panel to as many visual tokens as the first VTW panel's K leaves."""
    run = visitor.run
    if run is None:
        return [gr.skip()] * (1 + len(values))
    choices = chosen(run, values)
    shown = [one for one, is_there in zip(choices, there, strict=True) if is_there]
    k = next((one.k for one in shown if one.name == "vtw"), default_k(run))
    if k == run.layers:
        return [text.EQUAL_ALL.format(k=k), *[gr.skip()] * len(values)]
    tokens = withdrawn_mean(k, run.layers, run.visual_tokens)
    told = [
        update
        for one in choices
        for update in told_controls(one.at_budget(tokens, run), run.layers)
    ]
    return [text.EQUAL_DONE.format(tokens=mean_count(tokens), layers=run.layers, k=k), *told]


def control_count() -> int:
    """Controls of all panels."""
    return MOST_PANELS * (1 + len(Choice().fitting))


def labels(choices: list[Choice]) -> list[str]:
    """Titles; a second panel with the same one is numbered."""
    titles = [one.title for one in choices]
    return [
        title if title not in titles[:at] else text.LABEL_TWICE.format(title=title, number=at + 1)
        for at, title in enumerate(titles)
    ]
