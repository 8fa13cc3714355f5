"""JSON: read untrusted files within size limits, and written in pieces."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from vtw_core.errors import InputError


def object_with_list(head: dict[str, Any], name: str, records: Iterable[Any]) -> Iterator[str]:
    """The text of a JSON object with a list of records after its other fields, in pieces."""
    yield json.dumps(head).removesuffix("}")
    yield f', "{name}": ['
    for number, record in enumerate(records):
        yield (", " if number else "") + json.dumps(record)
    yield "]}"


def parsed(raw: bytes, name: str, most_values: int) -> Any:
    """What a JSON file of that name says.

    Args:
        most_values: more are not made, since a few bytes of JSON can make a hundred in memory.

    Raises:
        InputError: it is no JSON, or says more than that.
    """
    damaged = InputError("{name} is damaged: its contents cannot be read.", name=name)
    if sum(raw.count(mark) for mark in (b",", b"[", b"{")) > most_values:
        raise damaged
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged from error


def refuse_constant(name: str) -> float:
    """For NaN and the infinities, which are no JSON."""
    raise InputError("{name} is not a number a run can hold", name=name)
