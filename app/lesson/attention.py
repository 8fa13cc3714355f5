"""Questions about where attention goes, and whether it tells what is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vtw_core.analysis.migration import JointCurves, joint_curves
from vtw_core.analysis.rows import QueryRows, deeper_half, inside_of, select_rows, tokens_of
from vtw_core.analysis.sinks import SINK_SHARE, received_from, segment_mass
from vtw_core.errors import InputError
from vtw_core.results.inside import SEGMENTS
from vtw_core.results.run import Run

from ..inputs.pictures import name_of
from ..words import inside as text_inside
from ..words import lesson as text
from ..words.digits import significant
from .question import Question, choose

ROWS: QueryRows = "last_prompt"
STANDS_OUT = 2.0
"""Times an even spread under which no token is said to take more than its share."""


def find_the_sink(run: Run) -> tuple[Question, ...]:
    """Which token takes most, in the layer where one token before the question takes most?

    Rows are those of the chart by segment as it opens: the last prompt token, mean over heads.

    Raises:
        InputError: nothing was recorded inside the run, or no text comes after the image.
    """
    received = _received(run)
    layer, peak = (int(at) for at in np.unravel_index(received.argmax(), received.shape))
    choices, positions = _strongest_of_each_segment(run, received[layer])
    share = received[layer, peak]
    times = share * run.prompt_tokens  # the last prompt token sees them all
    spread = times < STANDS_OUT
    strong = text.IS_A_SINK if share >= SINK_SHARE else text.IS_NEARLY_A_SINK
    template = text.IS_NO_SINK if spread else strong
    deep = list(deeper_half(run.layers))
    because = template.format(
        piece=_piece(run, peak), layer=layer, share=share, times=times, threshold=SINK_SHARE,
        deep=len(deep), first=int(_first_tokens_lead(run)[deep].sum()),
    )  # fmt: skip
    right = len(choices) if spread else positions.index(peak)
    ask = text.WHERE_IS_THE_SINK.format(layer=layer)
    return (choose(ask, (*choices, text.NONE_OF_THEM), right, because),)


def sink_layer(run: Run) -> int:
    """The layer that `find_the_sink` asks about.

    Raises:
        InputError: as `find_the_sink`.
    """
    received = _received(run)
    return int(np.unravel_index(received.argmax(), received.shape)[0])


def _received(run: Run) -> NDArray[np.float64]:
    """[l, n] what the rows give each token that every text row sees: those before the question.

    Nearer tokens take much, too, but a sink is one for every row.
    """
    inside = inside_of(run)
    before = max(1, int(inside.attention.query_positions[0]))
    rows = select_rows(inside, ROWS, run.prompt_tokens)
    return received_from(inside.attention, rows)[:, :before]


def _strongest_of_each_segment(
    run: Run, received: NDArray[np.float64]
) -> tuple[tuple[str, ...], list[int]]:
    """(how they are named, their positions), in the order of the prompt."""
    segments = tokens_of(run)[1]
    strongest: dict[str, int] = {}
    for position in np.argsort(-received, kind="stable").tolist():
        strongest.setdefault(segments[position], position)
    positions = sorted(strongest.values())
    names = tuple(
        text.TOKEN_CHOICE.format(
            piece=_piece(run, at), segment=text_inside.SEGMENTS[segments[at]], position=at
        )
        for at in positions
    )
    return names, positions


def _piece(run: Run, position: int) -> str:
    return tokens_of(run)[0][position].strip() or text.SPACE


def _first_tokens_lead(run: Run) -> NDArray[np.bool_]:
    """[l] whether BOS and system prompt together get more of the rows' attention than the image."""
    inside = inside_of(run)
    mass = segment_mass(inside.attention, select_rows(inside, ROWS, run.prompt_tokens))
    first = mass[:, SEGMENTS.index("bos")] + mass[:, SEGMENTS.index("system")]
    return np.asarray(first > mass[:, SEGMENTS.index("visual")])


def attention_and_use(run: Run) -> tuple[Question, ...]:
    """Does the layer that looks at the image less need it less?

    Of the layers from which on the image still matters, the one that looks at it least is held
    against the one that looks at it most of those from which on it does not.

    Raises:
        InputError: nothing was recorded inside the run, or it was never held against another image.
    """
    tests = inside_of(run).counterfactuals
    if not tests:
        raise InputError(text.NO_TEST)
    curves = joint_curves(run, tests[0])
    low, high = _layers_to_compare(curves)
    share, kl = curves.visual_share, curves.causal_kl
    values = {
        "low": low, "high": high, "low_share": share[low], "high_share": share[high],
        "low_kl": significant(kl[low]), "high_kl": significant(kl[high]), "eta": curves.eta,
        "image": name_of(tests[0].name),
    }  # fmt: skip
    choices = tuple(choice.format(**values) for choice in text.USE_CHOICES)
    ask = text.WHICH_IS_USED.format(**values)
    if max(kl[low], kl[high]) <= curves.eta:
        return (choose(ask, choices, 2, text.NEITHER_USED.format(**values)),)
    right = 0 if kl[low] > kl[high] else 1
    wrong_way = (kl[low] > kl[high]) == (share[low] < share[high])
    template = text.WRONG_WAY_ROUND if wrong_way else text.RIGHT_WAY_ROUND
    return (choose(ask, choices, right, template.format(**values)),)


def _layers_to_compare(curves: JointCurves) -> tuple[int, int]:
    """(a layer whose image is used and gets little attention, one unused that gets much)."""
    used = np.flatnonzero(curves.causal_kl[:-1] > curves.eta)
    unused = np.flatnonzero(curves.causal_kl[:-1] <= curves.eta)
    every = np.arange(len(curves.visual_share))
    used, unused = (found if len(found) else every for found in (used, unused))
    return (
        int(used[curves.visual_share[used].argmin()]),
        int(unused[curves.visual_share[unused].argmax()]),
    )
