"""What an address of the page says: which example, question, K, tab and place a visitor sees.

The browser keeps the address up to date by itself (components/share.js); the server reads it when
the page is opened, and drives the page to a step of the lesson by the same `View`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from vtw_core.analysis.rows import QUERY_ROWS, QueryRows
from vtw_core.errors import InputError
from vtw_core.families.prompts import MAX_PROMPT_CHARACTERS, check_prompt
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.results.equal_budget import SHORT
from vtw_core.results.run import DEFAULT_ETA, DIRECTIONS, RULES, SCOPES, Run

from ..inputs.methods_choice import Choice
from ..presenters.budget_view import X_MEASURES, Y_MEASURES
from .methods_address import completed, read_methods, written

MOST_CHARACTERS = 12 * MAX_PROMPT_CHARACTERS + 2_000
"""A longer query is not read: the longest question, each character four bytes escaped, fits."""
_WHOLE_NUMBERS = (
    "k", "layer", "row", "patch", "token", "head", "image", "state", "grid", "stage",
)  # fmt: skip
_WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)


def usual_places(eta: float = DEFAULT_ETA) -> dict[str, dict[str, Any]]:
    """Of each tab, and no other: what its controls hold at first, which no address need say.

    The choice of methods is none of them: what is usual there depends on the run.

    Args:
        eta: the threshold with which the page opens.
    """
    return {
        "sinks": {"layer": None, "row": None, "patch": None, "rows": "last_prompt", "head": -1,
                  "withdrawn": False, "linear": False},
        "migration": {"rows": "all_text", "image": None, "token": None, "state": None,
                      "grid": None},
        "methods": {"stage": 1, "gamma": None, "alpha": None},
        "budget": {"kind": SHORT, "measure": Y_MEASURES[0], "cost": X_MEASURES[0],
                   "variants": False},
        "calibrate": {"preset": preset_of(eta), "threshold": eta, "scope": SCOPES[0],
                      "pick": RULES[0], "direction": DIRECTIONS[0]},
    }  # fmt: skip


def preset_of(eta: float) -> int | None:
    """The place of the published threshold that a page with this one opens with, if it is one; the
    one for any model rather than that of one model."""
    places = [place for place, preset in enumerate(ETA_PRESETS) if preset.eta == eta]
    return places[-1] if places else None


@dataclass(frozen=True)
class Places:
    """Where an address can lead: names of the examples, ids of the tabs, steps of the lesson, kinds
    of questions in the comparison of methods at equal budget."""

    examples: tuple[str, ...]
    tabs: tuple[str, ...]
    steps: int
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """One view of the page. None everywhere is the page as it opens; fields are an address's keys.

    Attributes:
        example: name of a bundled example; None leaves the run that is shown.
        prompt: a question of the visitor's own about it; None is the question it was recorded with.
        k: None for K*.
        eta: threshold in nats, if it was moved.
        rule: "stays_below" or "released" where that picks K*; None for the first K under η.
        tab: id of the tab in front.
        layer: decoder layer that *Attention sinks* shows.
        row: text token whose attention it shows, an index into the run's text rows.
        patch: visual token whose readers it shows, an index into the visual tokens.
        token: answer token that *Information migration* shows.
        rows: whose attention the tab in front shows: a name of `QUERY_ROWS`, or an index into the
            run's text rows.
        head: attention head that *Attention sinks* shows; None for the mean.
        withdrawn: whether it shows the image withdrawn at K.
        linear: whether what positions receive has a linear scale.
        image: counterfactual image of *Information migration*, an index.
        state: of its logit lens on patches.
        grid: patch grid of that, an index.
        methods: what *Methods* is set to compare; None for what is usual for the run.
        stage: stage of MustDrop that its viewer shows, from 0.
        gamma, alpha: thresholds that the viewer tries.
        kind: kind of questions that *Which method* shows.
        measure, cost: its axes.
        variants: whether it shows variants and further controls too.
        preset: published threshold that *Calibrate* takes, a place in `ETA_PRESETS`.
        threshold: one of the visitor's own, nats; nothing to do with the ``eta`` of the curves.
        scope, direction: what *Calibrate* holds against it.
        pick: "stays_below" or "released" where that picks K there; None for the first K under the
            threshold.
        lesson: step of the lesson, from 1; None while it is closed.
    """

    example: str | None = None
    prompt: str | None = None
    k: int | None = None
    eta: float | None = None
    rule: str | None = None
    tab: str | None = None
    layer: int | None = None
    row: int | None = None
    patch: int | None = None
    token: int | None = None
    rows: QueryRows | int | None = None
    head: int | None = None
    withdrawn: bool | None = None
    linear: bool | None = None
    image: int | None = None
    state: int | None = None
    grid: int | None = None
    methods: tuple[Choice, ...] | None = None
    stage: int | None = None
    gamma: float | None = None
    alpha: float | None = None
    kind: str | None = None
    measure: str | None = None
    cost: str | None = None
    variants: bool | None = None
    preset: int | None = None
    threshold: float | None = None
    scope: str | None = None
    pick: str | None = None
    direction: str | None = None
    lesson: int | None = None

    @classmethod
    def from_query(cls, query: str, places: Places) -> View:
        """Read the part of an address behind "?"; what is unknown or makes no sense is forgotten.

        Anyone can write an address, so nothing in it is an error. Of a key that occurs twice the
        first counts.
        """
        values = _first_values(query)
        lesson = _whole(values.get("lesson"))
        return cls(
            example=_one_of(values.get("example"), places.examples),
            prompt=_prompt(values.get("prompt")),
            eta=_number(values.get("eta")),
            rule=_one_of(values.get("rule"), RULES[1:]),
            tab=_one_of(values.get("tab"), places.tabs),
            rows=_rows(values.get("rows")),
            withdrawn=_yes(values.get("withdrawn")),
            linear=_yes(values.get("linear")),
            methods=read_methods(values.get("methods")),
            gamma=_number(values.get("gamma"), most=1),
            alpha=_number(values.get("alpha"), most=1),
            kind=_one_of(values.get("kind"), places.kinds),
            measure=_one_of(values.get("measure"), Y_MEASURES),
            cost=_one_of(values.get("cost"), X_MEASURES),
            variants=_yes(values.get("variants")),
            preset=_preset(values.get("preset")),
            threshold=_number(values.get("threshold")),
            scope=_one_of(values.get("scope"), SCOPES),
            pick=_one_of(values.get("pick"), RULES[1:]),
            direction=_one_of(values.get("direction"), DIRECTIONS),
            lesson=None if not lesson or not places.steps else min(lesson, places.steps),
            **{name: _whole(values.get(name)) for name in _WHOLE_NUMBERS},
        )

    def to_query(self) -> str:
        """The part of an address behind "?" that `from_query` reads as this view."""
        given = self._given()
        if self.methods is not None:
            given["methods"] = written(self.methods)
        return urlencode({name: 1 if value is True else value for name, value in given.items()})

    def clamped(self, run: Run) -> View:
        """The same for this run: numbers that it does not have become the nearest it has."""
        inside = run.inside
        rows = len(inside.attention.query_positions) if inside else 0
        most = {
            "k": run.layers, "layer": run.layers - 1, "row": rows - 1, "state": run.layers,
            "patch": run.visual_tokens - 1, "token": len(run.answer_ids[run.layers]) - 1,
            "head": inside.attention.mass.shape[1] - 1 if inside else -1,
            "image": len(inside.counterfactuals) - 1 if inside else -1,
            "grid": len(inside.grids) - 1 if inside else -1,
            "stage": run.layers + 3,  # a filter in no more than each layer, and four others
        }  # fmt: skip
        if isinstance(self.rows, int):
            most["rows"] = rows - 1
        found = {}
        for name, last in most.items():
            value = getattr(self, name)
            found[name] = None if value is None or last < 0 else max(0, min(value, last))
        methods = None if self.methods is None else completed(self.methods, run)
        return replace(self, **found, methods=methods)

    def over(self, other: View) -> View:
        """This view where it says something, the other one elsewhere."""
        return replace(other, **self._given())

    def _given(self) -> dict[str, Any]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if value is not None and value is not False
        }


def _first_values(query: str) -> Mapping[str, str]:
    if not isinstance(query, str) or len(query) > MOST_CHARACTERS:
        return {}
    try:
        found = parse_qs(query.removeprefix("?"), max_num_fields=50, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _one_of(value: str | None, known: tuple[str, ...]) -> str | None:
    return value if value in known else None


def _whole(value: str | None) -> int | None:
    return int(value) if value is not None and _WHOLE.fullmatch(value) else None


def _rows(value: str | None) -> QueryRows | int | None:
    named = next((name for name in QUERY_ROWS if name == value), None)
    return _whole(value) if named is None else named


def _yes(value: str | None) -> bool | None:
    return True if value == "1" else None


def _number(value: str | None, most: float = math.inf) -> float | None:
    try:
        number = float(value) if value is not None and len(value) <= 24 else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


def _preset(value: str | None) -> int | None:
    place = _whole(value)
    return place if place is not None and place < len(ETA_PRESETS) else None


def _prompt(value: str | None) -> str | None:
    """A question as the model would be asked it; None for what it would not be asked."""
    try:
        return None if value is None else check_prompt(value)
    except InputError:
        return None
