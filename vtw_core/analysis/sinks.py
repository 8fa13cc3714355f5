"""Where attention goes: segment masses, sink tokens, massive activations, and a verdict.

Pure functions of the records of `vtw_core.results.inside`, whose axes are used here; in float64.
docs/quantities.md holds every definition as a formula, and the caution that belongs to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtw_core.analysis.rows import (
    IntArray,
    QueryRows,
    deeper_half,
    index_in,
    inside_of,
    select_rows,
    tokens_of,
    visual_positions,
)
from vtw_core.errors import InputError, Sentence
from vtw_core.results.inside import SEGMENTS, Attention, Inside
from vtw_core.results.run import Run

FloatArray = NDArray[np.float64]

MASSIVE_RATIO = 1000.0  # the relative half of the criterion of arXiv 2402.17762
SINK_SHARE = 0.3  # epsilon of arXiv 2410.10781


def segment_mass(
    attention: Attention, rows: IntArray, head: int | None = None, k: int | None = None
) -> FloatArray:
    """Share of attention that goes to each segment, mean over the chosen rows: [l, s].

    Args:
        rows: [r] indices into q, from `select_rows`.
        head: one head; the mean over heads when None.
        k: the image withdrawn at K; nothing withdrawn when None.

    Law: shares of a layer sum to 1 up to half precision; none is left on "visual" where l >= k.

    Raises:
        InputError: head or k is out of range, or both are given (only the mean over heads was
            recorded at each K).
    """
    if k is not None:
        if head is not None:
            raise InputError(
                "At each K only the mean over heads is recorded; leave out the head or K."
            )
        mass = attention.mass_at_k[index_in(k, len(attention.mass_at_k), "K")].astype(np.float64)
    else:
        of = (
            slice(None)
            if head is None
            else [index_in(head, attention.mass.shape[1], Sentence("The head"))]
        )
        mass = attention.mass[:, of].astype(np.float64).mean(axis=1)
    return np.asarray(mass[:, rows].mean(axis=1))


def received_from(attention: Attention, rows: IntArray) -> FloatArray:
    """Mean weight that the chosen rows give each position, mean over heads: [l, n].

    A row that cannot see a position counts as 0 there, so each layer sums to 1 up to half
    precision. `attention.received` is the mean over all rows that may see it instead.
    """
    return np.asarray(attention.rows[:, rows].astype(np.float64).mean(axis=1))


def head_mass(attention: Attention, rows: IntArray, segments: Sequence[str]) -> FloatArray:
    """Share of each head's attention that goes to some segments together: [l, h].

    Mean over the chosen rows, nothing withdrawn.

    Raises:
        InputError: a segment is unknown, or none is given.
    """
    if not segments or not set(segments) <= set(SEGMENTS):
        raise InputError(
            "segments must be some of {names}, not {value!r}.",
            names=", ".join(SEGMENTS),
            value=segments,
        )
    of = [SEGMENTS.index(name) for name in sorted(set(segments))]
    mass = attention.mass.astype(np.float64)
    return np.asarray(mass[:, :, rows][..., of].sum(axis=-1).mean(axis=-1))


def where_it_looks(inside: Inside, row: int) -> FloatArray:
    """Weights of one text row on the visual tokens, mean over heads, absolute: [l, v].

    Args:
        row: index into q.

    Raises:
        InputError: there is no such row.
    """
    index = index_in(row, len(inside.attention.query_positions), Sentence("The text row"))
    return np.asarray(inside.attention.rows[:, index, visual_positions(inside)].astype(np.float64))


def who_reads(inside: Inside, visual_index: int) -> FloatArray:
    """Weights of every text row on one visual token, mean over heads, absolute: [l, q].

    Raises:
        InputError: there is no such visual token.
    """
    position = visual_positions(inside)[
        index_in(visual_index, len(inside.patches), Sentence("The patch"))
    ]
    return np.asarray(inside.attention.rows[:, :, position].astype(np.float64))


def on_grid(values: ArrayLike, inside: Inside, grid: int = 0) -> FloatArray:
    """Values of the visual tokens, [..., v], at their patches: [..., rows, cols].

    NaN where no token stands for the patch. Tokens of other grids, and those that stand for no
    patch (row ends, a class token), are left out.

    Raises:
        InputError: there is no such grid, or not one value for each visual token.
    """
    given = np.asarray(values, dtype=np.float64)
    size = inside.grids[index_in(grid, len(inside.grids), Sentence("The grid"))]
    if given.ndim < 1 or given.shape[-1] != len(inside.patches):
        raise InputError(
            "The last axis needs {count} values, one a visual token.", count=len(inside.patches)
        )
    of, row, col = inside.patches.T
    placed = (of == grid) & (row >= 0) & (col >= 0)
    picture = np.full((*given.shape[:-1], *size), np.nan)
    picture[..., row[placed], col[placed]] = given[..., placed]
    return picture


@dataclass(frozen=True)
class SinkToken:
    """A position that attention gathers on; means are over the deeper half of the layers.

    Attributes:
        position: in the prompt, answer tokens after it.
        segment: its segment.
        piece: display text.
        patch: (grid, row, col); None for a token that stands for no patch.
        on_border: whether the patch is on the border of its grid.
        received: mean weight it receives, over heads and over all rows that may see it.
        seen_by: how many rows may see it; a mean over a few rows says little (the last tokens look
            at themselves).
        times_uniform: `received` over what it would be if every row spread its attention evenly
            over itself and all before it.
        value_norm_ratio: norm of its value vector over the median of the layer.
        outlier: greatest `Inside.outliers` over all states.
    """

    position: int
    segment: str
    piece: str
    patch: tuple[int, int, int] | None
    on_border: bool
    received: float
    seen_by: int
    times_uniform: float
    value_norm_ratio: float
    outlier: float


def sink_tokens(run: Run, count: int) -> tuple[SinkToken, ...]:
    """The positions that receive most, most first; `count` of them, fewer if there are fewer.

    Ranked by the mean of `attention.received` over the deeper half of the layers
    (`deeper_half`), whatever their segment; ties go to the earlier position.

    Raises:
        InputError: nothing was recorded inside the run, or count is less than 1.
    """
    return _ranked(run, np.arange(inside_of(run).positions), count)


def visual_sinks(run: Run, count: int) -> tuple[SinkToken, ...]:
    """The visual tokens that receive most, ranked as `sink_tokens`.

    Raises:
        InputError: as `sink_tokens`.
    """
    return _ranked(run, visual_positions(inside_of(run)), count)


def _ranked(run: Run, among: IntArray, count: int) -> tuple[SinkToken, ...]:
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise InputError("Ask for at least one sink token, not {count!r}.", count=count)
    inside = inside_of(run)
    attention, deep = inside.attention, list(deeper_half(inside.layers))
    received = attention.received[deep].astype(np.float64).mean(axis=0)
    uniform = uniform_received(inside.positions)
    norms = attention.value_norms[deep].astype(np.float64)
    ratio = (norms / np.median(norms, axis=1, keepdims=True)).mean(axis=0)
    outlier = inside.outliers.max(axis=0)
    pieces, segments = tokens_of(run)
    visual = {int(n): i for i, n in enumerate(visual_positions(inside))}
    found = []
    for n in among[np.argsort(-received[among], kind="stable")][:count].tolist():
        patch = _patch(inside, visual[n]) if n in visual else None
        found.append(
            SinkToken(
                position=n,
                segment=segments[n],
                piece=pieces[n],
                patch=patch,
                on_border=patch is not None and _on_border(patch, inside.grids),
                received=float(received[n]),
                seen_by=inside.positions - n,
                times_uniform=float(received[n] / uniform[n]),
                value_norm_ratio=float(ratio[n]),
                outlier=float(outlier[n]),
            )
        )
    return tuple(found)


def _patch(inside: Inside, visual_index: int) -> tuple[int, int, int] | None:
    grid, row, col = inside.patches[visual_index].tolist()
    return None if min(row, col) < 0 else (grid, row, col)


def _on_border(patch: tuple[int, int, int], grids: Sequence[tuple[int, int]]) -> bool:
    grid, row, col = patch
    rows, cols = grids[grid]
    return row in (0, rows - 1) or col in (0, cols - 1)


def uniform_received(positions: int) -> FloatArray:
    """[n] what `attention.received` would be if every row attended evenly to all it sees.

    Row i (from 0) then gives 1 / (i + 1) to each position 0..i; the mean is over rows i >= n. It
    holds for causal rows that see everything before them.
    """
    share = 1 / np.arange(1, positions + 1)
    return np.asarray(np.cumsum(share[::-1])[::-1] / np.arange(positions, 0, -1))


@dataclass(frozen=True)
class MassiveActivation:
    """A position with one component far greater than all others of a layer.

    Attributes:
        position: where.
        state_first: first state x that reaches the threshold.
        state_strongest: state x of the greatest score.
        score: greatest |component| over the layer's median |component|, at that state.
    """

    position: int
    state_first: int
    state_strongest: int
    score: float


def massive_activations(
    inside: Inside, threshold: float = MASSIVE_RATIO
) -> tuple[MassiveActivation, ...]:
    """Positions whose `outliers` reach the threshold in some state, strongest first.

    Sun et al. 2024 (arXiv 2402.17762) call an activation massive when its magnitude is above 100
    *and* about 1000 times the median magnitude of its hidden state, or more. Only the ratio is
    recorded, so only the second half is applied: a relative criterion, which does not depend on
    the scale a model works at. Small models rarely reach 1000; a lower threshold shows outliers
    that are not massive in the published sense.

    Raises:
        InputError: the threshold is not a positive, finite number.
    """
    if not np.isfinite(threshold) or threshold <= 0:
        raise InputError("The threshold must be a positive number, not {value}.", value=threshold)
    scores = inside.outliers.astype(np.float64)
    found = [
        MassiveActivation(
            position=int(n),
            state_first=int(np.argmax(scores[:, n] >= threshold)),
            state_strongest=int(scores[:, n].argmax()),
            score=float(scores[:, n].max()),
        )
        for n in np.flatnonzero((scores >= threshold).any(axis=0))
    ]
    return tuple(sorted(found, key=lambda one: -one.score))


@dataclass(frozen=True)
class SinkVerdict:
    """The numbers of one sentence about where the text rows' attention goes.

    Shares are means over heads, over the chosen rows, and over the layers from `start` to the
    last. Little attention on the image is no proof that it is not used: the KL at K = `start` says
    what withdrawal from there on really does.

    Attributes:
        rows: the requested rows.
        row_count: how many there are.
        from_layer: first layer from which on, till the last, "bos" and "system" together receive
            more than "visual"; None when the last layer itself does not.
        start: `from_layer`, or the first layer of the deeper half when that is None.
        layers: L.
        shares: mean share of each segment.
        visual_tokens: v.
        uniform_visual_share: "visual" if every row attended evenly to all it sees.
        greatest_visual_layer, greatest_visual_share: the layer with the greatest share on "visual",
            among all layers, and that share.
        sink_position: the position before all chosen rows that receives most from them; None when
            there is none before them.
        sink_share: its mean share.
        has_sink: whether that is at least `SINK_SHARE`.
        peak_layer, peak_position, peak_share: the layer, among all, in which one position before
            the rows receives most, that position, and its share there; 0, None, 0 when there is
            none before them.
        kl_first_token, kl_answer_mean: KL(P_withdrawn || P_full) in nats at K = `start`.
        same_answer: whether the answer at K = `start` is the baseline's, token for token.
    """

    rows: QueryRows | int
    row_count: int
    from_layer: int | None
    start: int
    layers: int
    shares: dict[str, float] = field(hash=False)
    visual_tokens: int
    uniform_visual_share: float
    greatest_visual_layer: int
    greatest_visual_share: float
    sink_position: int | None
    sink_share: float
    has_sink: bool
    peak_layer: int
    peak_position: int | None
    peak_share: float
    kl_first_token: float
    kl_answer_mean: float
    same_answer: bool

    @property
    def first_share(self) -> float:
        """Mean share of "bos" and "system" together."""
        return self.shares["bos"] + self.shares["system"]

    @property
    def visual_share(self) -> float:
        """Mean share of all visual tokens together."""
        return self.shares["visual"]

    @property
    def visual_share_per_token(self) -> float:
        """Mean share of one visual token."""
        return self.shares["visual"] / self.visual_tokens


def sink_verdict(run: Run, rows: QueryRows | int = "all_text") -> SinkVerdict:
    """Is there an attention sink, from which layer on, and what is left for the image?

    There is a sink when one position before all chosen rows receives, mean over heads, these rows
    and the layers averaged, at least `SINK_SHARE` = 0.3 of their attention: the epsilon of Gu et
    al. 2024 (arXiv 2410.10781), who hold it against each head and the first position.

    Raises:
        InputError: nothing was recorded inside the run, or there is no such row.
    """
    inside = inside_of(run)
    chosen = select_rows(inside, rows, run.prompt_tokens)
    mass = segment_mass(inside.attention, chosen)
    first, visual = mass[:, :2].sum(axis=1), mass[:, SEGMENTS.index("visual")]
    after = int(np.append(np.flatnonzero(first <= visual), -1).max()) + 1
    from_layer = after if after < run.layers else None
    start = deeper_half(run.layers)[0] if from_layer is None else from_layer
    shares = mass[start:].mean(axis=0)
    where = inside.attention.query_positions[chosen]
    seen = (visual_positions(inside) <= where[:, None]).sum(axis=1)
    by_layer = received_from(inside.attention, chosen)[:, : where[0]]
    before = by_layer[start:].mean(axis=0)
    peak = np.unravel_index(by_layer.argmax(), by_layer.shape) if len(before) else None
    sink_share = float(before.max()) if len(before) else 0.0
    return SinkVerdict(
        rows=rows,
        row_count=len(chosen),
        from_layer=from_layer,
        start=start,
        layers=run.layers,
        shares=dict(zip(SEGMENTS, shares.tolist(), strict=True)),
        visual_tokens=run.visual_tokens,
        uniform_visual_share=float((seen / (where + 1)).mean()),
        greatest_visual_layer=int(visual.argmax()),
        greatest_visual_share=float(visual.max()),
        sink_position=int(before.argmax()) if len(before) else None,
        sink_share=sink_share,
        has_sink=sink_share >= SINK_SHARE,
        peak_layer=0 if peak is None else int(peak[0]),
        peak_position=None if peak is None else int(peak[1]),
        peak_share=0.0 if peak is None else float(by_layer[peak]),
        kl_first_token=float(run.kl_first_token[start]),
        kl_answer_mean=float(run.kl_answer[start]),
        same_answer=bool(run.same_as_baseline[start]),
    )
