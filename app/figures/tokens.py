"""Names and places of a run's tokens, as several figures print them."""

from __future__ import annotations

import itertools

from vtw_core.analysis.rows import (
    QUERY_ROWS,
    IntArray,
    QueryRows,
    inside_of,
    select_rows,
    tokens_of,
)
from vtw_core.errors import InputError
from vtw_core.results.run import Run

from ..words import inside as text
from . import style
from .chart import Band

SPACE = "␣"
Rows = QueryRows | int


def pieces(run: Run) -> tuple[str, ...]:
    """[n] words to print: each one visible."""
    return tuple(piece.strip() or SPACE for piece in tokens_of(run)[0])


def position_names(run: Run) -> tuple[str, ...]:
    """[n] position and word."""
    return tuple(
        text.TOKEN_AT.format(position=position, piece=piece)
        for position, piece in enumerate(pieces(run))
    )


def query_pieces(run: Run) -> tuple[str, ...]:
    """[q] words of the text rows."""
    every = pieces(run)
    return tuple(every[at] for at in inside_of(run).attention.query_positions)


def segment_bands(run: Run) -> tuple[Band, ...]:
    """The segments along the positions; one that comes in parts has several bands."""
    return _bands(tokens_of(run)[1])


def query_bands(run: Run) -> tuple[Band, ...]:
    """The segments along the text rows."""
    segments = tokens_of(run)[1]
    return _bands(tuple(segments[at] for at in inside_of(run).attention.query_positions))


def _bands(segments: tuple[str, ...]) -> tuple[Band, ...]:
    bands, start = [], 0
    for name, group in itertools.groupby(segments):
        stop = start + len(list(group))
        bands.append(Band(start, stop, text.SEGMENTS[name], style.SEGMENTS[name]))
        start = stop
    return tuple(bands)


def clamped_rows(run: Run, rows: object) -> Rows:
    """Rows that this run has: what a visitor chose, or the last prompt token."""
    inside = inside_of(run)
    count = len(inside.attention.query_positions)
    if isinstance(rows, int) and not isinstance(rows, bool):
        return max(0, min(rows, count - 1))
    for known in QUERY_ROWS:
        if rows == known and has_rows(run, known):
            return known
    return "last_prompt" if has_rows(run, "last_prompt") else "all_text"


def has_rows(run: Run, rows: QueryRows) -> bool:
    """Whether there is such a row: a one-token answer has no answer rows."""
    try:
        rows_of(run, rows)
    except InputError:
        return False
    return True


def rows_of(run: Run, rows: Rows) -> IntArray:
    """[r] indices into axis q."""
    return select_rows(inside_of(run), rows, run.prompt_tokens)


def rows_in_words(run: Run, rows: Rows) -> str:
    """The rows, for a caption."""
    if isinstance(rows, str):
        return text.ROWS_IN_WORDS[rows]
    position = int(inside_of(run).attention.query_positions[rows])
    return text.ONE_ROW.format(piece=pieces(run)[position], position=position)


def row_options(run: Run) -> list[tuple[str, Rows]]:
    """(words, rows) of everything that a visitor can choose."""
    options: list[tuple[str, Rows]] = [
        (text.ROWS[name], name) for name in QUERY_ROWS if has_rows(run, name)
    ]
    where = inside_of(run).attention.query_positions.tolist()
    words = query_pieces(run)
    return options + [
        (text.TOKEN_AT.format(position=at, piece=word), index)
        for index, (at, word) in enumerate(zip(where, words, strict=True))
    ]


def piece_of(run: Run, token: int) -> str:
    """Word of a token of the lens."""
    return inside_of(run).lens.pieces[token].strip() or SPACE


def number_ticks(count: int) -> tuple[tuple[float, str], ...]:
    """(place, number) of at most 13 ticks, a round distance apart."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, count) if count <= 13 * step)
    return tuple((place, str(place)) for place in range(0, count, step))
