"""One method as a visitor chooses it: a strategy's name, and what its controls are set to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vtw_core.errors import InputError
from vtw_core.measures.budget import withdrawn_mean
from vtw_core.results.comparison import MethodEntry
from vtw_core.results.run import Run
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.method import Method
from vtw_core.strategies.parameters import LAYERS, TOKENS, Bound, Parameter, Size
from vtw_core.strategies.registry import strategy_of
from vtw_core.strategies.words import words_of

from ..words import methods as text
from .methods_fields import (
    OWN,
    SET_BY,
    asked,
    is_asked,
    label,
    layout,
    offered,
    shown,
    strategy_named,
    ways,
)

MOST_PANELS = 3
_DECIMALS = 4  # as a slider of shares steps
_MOST = 2**31 - 1  # of a parameter that has no bound itself, such as a seed
_MOST_CHARACTERS = 500  # of counts: those of 100 layers fit
FIRST_NAMES = ("vtw", "mustdrop", "fastv")


@dataclass(frozen=True)
class Choice:
    """What one panel is set to, which may yet be no strategy.

    Attributes:
        name: of `offered`.
        options: what the strategy's ``from_options`` takes; what is not there is as at first.
        tokens: the number of visual tokens that it is to leave, mean over the layers.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tokens: float | None = None

    @classmethod
    def of(cls, method: Method) -> Choice | None:
        """The one that stands for a method, without what no control says where it is set in that
        way; None of a strategy that no panel has."""
        strategy = method.strategy
        if offered().get(strategy.name) is not type(strategy):
            return None
        every = cls(strategy.name, strategy.options(), method.tokens)
        return replace(every, options=every.shown_options())

    @classmethod
    def read(cls, run: Run, values: Sequence[Any]) -> Choice:
        """Of what the controls of a panel sent, a visitor's input, in the order of `layout`."""
        name, *controls = values
        strategy = strategy_named(name)
        sent = {
            about.name: _clamped(strategy, about, value, run)
            for (of, about), value in zip(layout(), controls, strict=True)
            if of is strategy
        }
        way = sent.pop(SET_BY, OWN)
        options = {
            about.name: sent[about.name]
            for about in asked(strategy)
            if about.name in sent and is_asked(strategy, about, way)
        }
        return cls(strategy.name, options, options.pop(TOKENS, None))

    @property
    def strategy(self) -> type[Strategy]:
        """What it is a choice of."""
        return offered()[self.name]

    @property
    def way(self) -> str:
        """How it is set, of the strategy's `ways`."""
        several = ways(self.strategy)
        if self.tokens is not None and TOKENS in several:
            return TOKENS
        by_hand = [one.name for one in asked(self.strategy) if one.given_by in several]
        if set(by_hand) & set(self.options):
            return OWN
        return next((way for way in several if way != TOKENS), OWN)

    def shown_options(self) -> dict[str, Any]:
        """The values of the controls that are visible."""
        return {
            about.name: self.options[about.name]
            for about in asked(self.strategy)
            if about.name in self.options and is_asked(self.strategy, about, self.way)
        }

    def at(self, run: Run) -> Choice:
        """The same for a run: values that it does not have become the nearest it has, and what is
        not said is as at first. A number of tokens that counting can meet becomes parameters."""
        options = {
            about.name: self.clamped_value(about, run)
            for about in asked(self.strategy)
            if about.name not in (SET_BY, TOKENS) and is_asked(self.strategy, about, self.way)
        }
        chosen = replace(self, options=options)
        if self.tokens is None:
            return chosen
        tokens = min(max(self.tokens, 0.0), float(run.visual_tokens))
        return chosen.at_budget(tokens, run)

    def clamped_value(self, about: Parameter, run: Run) -> Any:
        return _clamped(self.strategy, about, self.options.get(about.name), run)

    def values(self, run: Run) -> list[Any]:
        """What the controls hold, in the order of `layout`, after the name: those of other
        strategies as at first."""
        held: list[Any] = [self.name]
        for strategy, about in layout():
            own = self if strategy is self.strategy else Choice(strategy.name)
            if about.name == SET_BY:
                held.append(own.way if own is self else about.default)
            elif about.name == TOKENS:
                held.append(_at_first(strategy, about, run) if own.tokens is None else own.tokens)
            else:
                held.append(_as_sent(about, own.clamped_value(about, run)))
        return held

    @property
    def shown(self) -> list[bool]:
        """Which of the controls of `layout` belong to it."""
        return shown(self.strategy, self.way)

    def checked(self) -> str:
        """Its words, as `vtw_core compare --method` takes them.

        Raises:
            InputError: something is left out, or the strategy takes no such values together.
        """
        for about in asked(self.strategy):
            value = self.options.get(about.name)
            is_asked_for = about.name not in (SET_BY, TOKENS) and is_asked(
                self.strategy, about, self.way
            )
            if is_asked_for and value is None and about.is_required:
                raise InputError(text.MISSING, label=label(self.strategy, about))
            if is_asked_for and about.kind == "letters" and not value:
                raise InputError(text.NONE_TICKED, label=label(self.strategy, about))
        return words_of(Method(self.name, self.strategy.from_options(self.options), self.tokens))

    @property
    def words(self) -> str:
        """As `checked`, of whatever it is set to."""
        return self.strategy.words_for(self.options, self.tokens)

    @property
    def title(self) -> str:
        """What sets it apart, in a few words, as `app.presenters.methods_view.title` of its run."""
        if self.name not in text.TITLES:
            return self.words
        letters = {one.name for one in self.strategy.parameters() if one.kind == "letters"}
        return str(text.TITLES[self.name]).format_map(
            {name: " ".join(value) if name in letters else value
             for name, value in self.options.items()}
        )  # fmt: skip

    def at_budget(self, tokens: float, run: Run) -> Choice:
        """The same method set to leave as many visual tokens, mean over the layers; one that cannot
        be set to a number stays."""
        if TOKENS in ways(self.strategy):
            chosen = replace(self, tokens=round(tokens, _DECIMALS))
            return replace(chosen, options=chosen.shown_options())
        try:
            made = self.strategy.from_options(self.options)
        except InputError:
            return self
        fitted = made.fitted_to(tokens, run.layers, run.visual_tokens)
        if fitted is None:
            return self
        short = {name: round(value, _DECIMALS) if isinstance(value, float) else value
                 for name, value in fitted.options().items()}  # fmt: skip
        return replace(self, options=short, tokens=None)


def _clamped(strategy: type[Strategy], about: Parameter, value: Any, run: Run) -> Any:
    """The nearest value that a run has, of anything; what is of another kind is as at first."""
    if value is None and about.default is None and about.name != TOKENS:
        return None
    if about.kind == "counts":
        return _counts(about, value, run)
    otherwise = _at_first(strategy, about, run)
    found = about.clamped(value, _size(run), otherwise)
    is_number = about.kind in ("whole", "real")
    return max(-_MOST, min(found, _MOST)) if is_number else found


def _counts(about: Parameter, value: Any, run: Run) -> tuple[int, ...] | None:
    """None: as the strategy has it of itself."""
    if isinstance(value, str):
        try:
            value = about.read(value.replace(" ", "")) if len(value) <= _MOST_CHARACTERS else None
        except InputError:
            value = None
    found: tuple[int, ...] | None = about.clamped(value, _size(run))
    return None if found == about.default_at(run.layers) else found


def _as_sent(about: Parameter, value: Any) -> Any:
    """A value as the control holds it."""
    if about.kind == "letters":
        return list(value)
    return about.written(value or ()) if about.kind == "counts" else value


def _at_first(strategy: type[Strategy], about: Parameter, run: Run) -> Any:
    """What a control holds before a visitor touches it."""
    if about.name == TOKENS:
        return withdrawn_mean(default_k(run), run.layers, run.visual_tokens)
    default = about.default_at(run.layers)
    if default is not None or about.default is None:
        return default
    if not any(one.is_required for one in strategy.parameters()):
        return getattr(strategy.from_options({}), about.name, None)
    if about.kind == "whole" and isinstance(about.most, Bound) and about.most.of == LAYERS.of:
        return default_k(run)
    if about.kind == "real" and about.least is not None and isinstance(about.most, (int, float)):
        return (about.least + about.most) / 2
    return about.choices[0] if about.choices else about.least


def _size(run: Run) -> Size:
    return Size(run.layers, run.visual_tokens)


def default_k(run: Run) -> int:
    """VTW's K at first: K* of the whole answer, see `vtw_core.compare.methods.default_methods`."""
    return run.choose_k(scope="answer_mean")


def default_choices(run: Run) -> tuple[Choice, ...]:
    """The panels at first: VTW, then MustDrop and FastV at the same budget."""
    tokens = withdrawn_mean(default_k(run), run.layers, run.visual_tokens)
    vtw, *others = (Choice(name).at(run) for name in FIRST_NAMES)
    return (vtw, *(one.at_budget(tokens, run) for one in others))


def choice_of(entry: MethodEntry, run: Run) -> Choice:
    """The controls that stand for a method that ran; for one that no panel can be set to, the same
    strategy at as many tokens."""
    strategy = strategy_of(entry.strategy)
    choice = Choice.of(Method(entry.label, strategy, entry.tokens_wanted))
    if choice is None:
        return Choice(strategy.name).at(run).at_budget(entry.mean_visual_tokens, run)
    return choice.at(run)
