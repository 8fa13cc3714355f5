"""What an address of the page says: which example, question, K, tab and place a visitor sees.

An address is a table of fields, those of the page and those of each tab (`Tab.fields`): how one is
read, clamped and written stands there once. The browser keeps the address up to date by itself
(components/share.js); the server reads it when the page is opened, and drives the page to a step of
the lesson by the same `View`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urlencode

from vtw_core.analysis.rows import QUERY_ROWS, QueryRows
from vtw_core.errors import InputError
from vtw_core.families.prompts import MAX_PROMPT_CHARACTERS, check_prompt
from vtw_core.results.run import RULES, Run

SAFE = ":=,"
"""What may stand in a query as it is (RFC 3986), of the words of methods."""
MOST_CHARACTERS = 12 * MAX_PROMPT_CHARACTERS + 2_000
"""A longer query is not read: the longest question, each character four bytes escaped, fits."""
_WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)


class View(Mapping[str, Any]):
    """One view of the page: name of a field -> what an address says of it.

    What it does not say is as the page opens, or as the visitor left it; ``get`` is None there.
    """

    def __init__(self, **said: Any) -> None:
        self._said = {
            name: value for name, value in said.items() if value is not None and value is not False
        }

    def __getitem__(self, name: str) -> Any:
        return self._said[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)

    def __repr__(self) -> str:
        return f"View({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    def over(self, other: View) -> View:
        """This view where it says something, the other one elsewhere."""
        return View(**{**other, **self})

    def only(self, names: Collection[str]) -> View:
        """What it says of some fields."""
        return View(**{name: value for name, value in self.items() if name in names})

    def but(self, **said: Any) -> View:
        """The same, saying something else of some fields; None says nothing of one."""
        return View(**{**self, **said})


@dataclass(frozen=True)
class Field:
    """One key of an address.

    Attributes:
        name: the key.
        read: what stands in an address -> the value; None for what is unknown or makes no sense.
        clamp: the value and a run -> the nearest that the run has; None where it has none.
        write: the value -> what stands in an address.
        usual: what the page holds at first, which no address need say.
        javascript: an object of fields in which ``value`` is what a control holds; empty
            where the control holds the field's own value.
        by_server: whether the server tells it to the address bar; else the browser knows it.
    """

    name: str
    read: Callable[[str], Any]
    clamp: Callable[[Any, Run], Any] = lambda value, run: value
    write: Callable[[Any], Any] = lambda value: 1 if value is True else value
    usual: Any = None
    javascript: str = ""
    by_server: bool = False


class Address:
    """Every field of the addresses of one page.

    Args:
        page: fields that belong to no tab.
        tabs: id of a tab -> its fields. Two tabs may have one of the same name, read and clamped in
            the same way: an address tells that of the tab in front.
    """

    def __init__(self, page: Sequence[Field], tabs: Mapping[str, Sequence[Field]]) -> None:
        self.tabs = {tab: tuple(fields) for tab, fields in tabs.items()}
        self.fields: dict[str, Field] = {}
        for field in chain(page, *self.tabs.values()):
            self.fields.setdefault(field.name, field)

    @property
    def by_server(self) -> set[str]:
        """Names of the fields that the server tells to the address bar."""
        return {name for name, field in self.fields.items() if field.by_server}

    @property
    def usual(self) -> dict[str, dict[str, Any]]:
        """Of each tab: what is usual there, without what the server tells."""
        return {
            tab: {field.name: field.usual for field in fields if not field.by_server}
            for tab, fields in self.tabs.items()
        }

    def read(self, query: Any) -> View:
        """Read the part of an address after "?"; what is unknown or makes no sense is forgotten.

        Anyone can write an address, so nothing in it is an error. Of a key that occurs twice the
        first counts.
        """
        values = _first_values(query)
        known = {name: field for name, field in self.fields.items() if name in values}
        return View(**{name: field.read(values[name]) for name, field in known.items()})

    def write(self, view: View) -> str:
        """The part of an address after "?" that `read` reads as this view."""
        said = {name: field.write(view[name]) for name, field in self.fields.items()
                if name in view}  # fmt: skip
        return urlencode(said, safe=SAFE)

    def clamped(self, view: View, run: Run) -> View:
        """The same for this run: what it does not have becomes the nearest that it has."""
        return View(**{name: self.fields[name].clamp(value, run) for name, value in view.items()})

    def part(self, view: View, tab: str, front: str) -> View:
        """What of a view is told to a tab: the page's fields and its own. A name that several tabs
        have is that of the one in front."""
        own = {field.name for field in self.tabs[tab]}
        others = {field.name for other in self.tabs if other != tab for field in self.tabs[other]}
        return view.only(set(view) - (others - own if tab == front else others))


def fields_of_page(
    examples: tuple[str, ...], tabs: tuple[str, ...], steps: int
) -> tuple[Field, ...]:
    """The fields that belong to no tab.

    Args:
        examples: names of the bundled examples; without one in a view, the run that is shown stays.
        tabs: ids of the tabs.
        steps: of the lesson.
    """
    return (
        one_of("example", examples),
        # A question of the visitor's own; without it, the one that the example was recorded with.
        Field("prompt", _prompt),
        whole("k", lambda run: run.layers),  # without it, K*
        number("eta"),  # in nats
        one_of("rule", RULES[1:]),  # that picks K*; without it, the first K under η
        one_of("tab", tabs),  # in front
        Field("lesson", lambda said: min(_whole(said) or 0, steps) or None),  # a step, from 1
    )


def whole(name: str, last: Callable[[Run], int], *, usual: int | None = None) -> Field:
    """A whole number from 0 to the last that a run has; below 0 it has none."""
    return Field(name, _whole, lambda value, run: _up_to(value, last(run)), usual=usual)


def number(name: str, most: float = math.inf, *, usual: Any = None, javascript: str = "") -> Field:
    """A number from 0 to ``most``."""
    return Field(name, lambda said: _number(said, most), usual=usual, javascript=javascript)


def one_of(name: str, known: Sequence[str], *, usual: str | None = None) -> Field:
    """One of some words."""
    return Field(name, lambda said: said if said in known else None, usual=usual)


def yes(name: str, *, javascript: str = "") -> Field:
    """Whether something is so, which it usually is not."""
    return Field(
        name, lambda said: True if said == "1" else None, usual=False, javascript=javascript
    )


def rows(usual: QueryRows) -> Field:
    """Whose attention a tab shows: a name of `QUERY_ROWS`, or an index into a run's text rows."""

    def read(said: str) -> QueryRows | int | None:
        named = next((name for name in QUERY_ROWS if name == said), None)
        return _whole(said) if named is None else named

    def clamp(value: QueryRows | int, run: Run) -> QueryRows | int | None:
        return _up_to(value, last_row(run)) if isinstance(value, int) else value

    return Field("rows", read, clamp, usual=usual)


def last_row(run: Run) -> int:
    """Index of the last text row that was recorded inside a run; -1 where none was."""
    return len(run.inside.attention.query_positions) - 1 if run.inside else -1


def _up_to(value: int, last: int) -> int | None:
    return None if last < 0 else min(value, last)


def _first_values(query: Any) -> Mapping[str, str]:
    if not isinstance(query, str) or len(query) > MOST_CHARACTERS:
        return {}
    try:
        found = parse_qs(query.removeprefix("?"), max_num_fields=50, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _whole(said: str) -> int | None:
    return int(said) if _WHOLE.fullmatch(said) else None


def _number(said: str, most: float) -> float | None:
    try:
        value = float(said) if len(said) <= 24 else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= most else None


def _prompt(said: str) -> str | None:
    """A question as the model would be asked it; None for what it would not be asked."""
    try:
        return check_prompt(said)
    except InputError:
        return None
