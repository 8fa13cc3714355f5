"""Which rows, layers and positions a question about a run's inside is about.

Pure functions of the records of `vtw_core.results.inside`; its axes are used here.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, Sentence
from vtw_core.results.inside import Inside
from vtw_core.results.run import Run

IntArray = NDArray[np.int64]
QueryRows = Literal["last_prompt", "all_text", "question", "answer"]
QUERY_ROWS: tuple[QueryRows, ...] = get_args(QueryRows)


def inside_of(run: Run) -> Inside:
    """What was recorded inside the run.

    Raises:
        InputError: nothing was.
    """
    if run.inside is None:
        raise InputError(
            "Nothing was recorded inside this run; explore the picture again with the recording on."
        )
    return run.inside


def deeper_half(layers: int) -> range:
    """Layers floor(L / 2) .. L - 1: the larger half where L is odd."""
    return range(layers // 2, layers)


def visual_positions(inside: Inside) -> IntArray:
    """[v] positions of the visual tokens, ascending.

    A position is a query row, a visual token, or is before the image and does not depend on it;
    so the visual tokens are the last v positions that are no query row.
    """
    every = np.arange(inside.positions, dtype=np.int64)
    others = np.setdiff1d(every, inside.attention.query_positions)
    return others[-len(inside.patches) :]


def tokens_of(run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """([n] display text, [n] segment) of the prompt and of the answer tokens that were fed back."""
    answer = run.answer_tokens[run.layers][:-1]
    return (*run.tokens, *answer), (*run.segments, *["answer"] * len(answer))


def select_rows(inside: Inside, rows: QueryRows | int, prompt_tokens: int) -> IntArray:
    """Indices into axis q of the chosen query rows, [r], r >= 1.

    Args:
        rows: "last_prompt" is the row that predicts the first answer token; "question" are the rows
            of the prompt (also text between two images), "answer" those of the answer tokens that
            were fed back, "all_text" both. A number is one row: an index into q.
        prompt_tokens: tokens of the prompt; the answer's positions follow.

    Raises:
        InputError: unknown rows, a number outside axis q, or there is no such row.
    """
    where = inside.attention.query_positions
    if not isinstance(rows, str):
        return np.array([index_in(rows, len(where), Sentence("The text row"))], dtype=np.int64)
    if rows not in QUERY_ROWS:
        raise InputError(
            "rows must be a number or one of {names}, not {value!r}.",
            names=", ".join(QUERY_ROWS),
            value=rows,
        )
    chosen = {
        "last_prompt": where == prompt_tokens - 1,
        "all_text": where >= 0,
        "question": where < prompt_tokens,
        "answer": where >= prompt_tokens,
    }[rows]
    if not chosen.any():
        raise InputError(
            "The answer has one token only, and its last token is never fed back, so there is no "
            "answer row; choose other rows."
            if rows == "answer"
            else "No text of the prompt comes after the image; choose the answer rows."
        )
    return np.flatnonzero(chosen).astype(np.int64)


def index_in(value: int, count: int, what: str) -> int:
    """The value, or InputError unless it is a whole number from 0 to count - 1."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value < count:
        raise InputError(
            "{what} must be a whole number from 0 to {most}, not {value!r}.",
            what=what,
            most=count - 1,
            value=value,
        )
    return int(value)
