"""What happened inside a run: attention, hidden states, logit lens, counterfactual images.

Small frozen records of numpy arrays, like `vtw_core.results.run`. All figures about sinks and
migration are pure functions of them (`vtw_core.analysis.sinks`, `vtw_core.analysis.migration`).

Axes: `k` is K = 0..L (the last is the baseline); `l` is a decoder layer, 0..L-1; `x` is a state of
the residual stream, 0..L, where state x enters layer x and state L leaves the last; `h` an
attention head; `n` a position, prompt tokens first, then the T - 1 answer tokens that were fed
back; `q` a query row, which is a text row that depends on the image (`query_positions` says which
position); `v` a visual token, in the order of the prompt; `s` a segment of `SEGMENTS`; `t` a
position of the baseline answer, T in all.
"""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from vtw_core.errors import InputError, Sentence
from vtw_core.files.axes import Axes
from vtw_core.files.serialization import arrays_of, freeze, misfit
from vtw_core.measures.arrays import FloatArray, HalfArray, IntArray, SingleArray

SEGMENTS = ("bos", "system", "visual", "question", "answer")
_SEGMENTS = len(SEGMENTS)


@dataclass(frozen=True, eq=False)
class Attention:
    """Softmax attention weights, reduced; each row of weights sums to 1. Half precision.

    Attributes:
        query_positions: [q] positions of the text rows, ascending: the prompt's that depend on the
            image, then the answer tokens that were fed back.
        mass: [l, h, q, s] sum of a row's weights over a segment, nothing withdrawn.
        mass_at_k: [k, l, q, s] mean over heads of the same with the image withdrawn at K, the
            baseline answer teacher-forced. Rows l < K equal the baseline's; no weight is left on
            "visual" in layers l >= K.
        rows: [l, q, n] mean over heads of the weights, nothing withdrawn.
        visual_mass: [l, h, s] mean of the mass over the visual tokens' own rows.
        received: [l, n] mean weight that a position receives, over heads and over all rows that
            may see it (itself among them).
        entropy: [l, h, q] entropy of a row of weights in nats.
        image: [l, b, b] mean over heads of the weights between bins of positions: mean over the
            rows of a query bin of the sum over the keys of a key bin. Rows sum to 1.
        edges: [b + 1] where the bins begin, from 0 to n.
        value_norms: [l, n] Euclidean norm of the value vector, mean over key-value heads.
    """

    query_positions: Annotated[IntArray, Axes("Q")] = field(repr=False)
    mass: Annotated[HalfArray, Axes(f"L heads Q {_SEGMENTS}")] = field(repr=False)
    mass_at_k: Annotated[HalfArray, Axes(f"L+1 L Q {_SEGMENTS}")] = field(repr=False)
    rows: Annotated[HalfArray, Axes("L Q N")] = field(repr=False)
    visual_mass: Annotated[HalfArray, Axes(f"L heads {_SEGMENTS}")] = field(repr=False)
    received: Annotated[HalfArray, Axes("L N")] = field(repr=False)
    entropy: Annotated[HalfArray, Axes("L heads Q")] = field(repr=False)
    image: Annotated[HalfArray, Axes("L bins bins")] = field(repr=False)
    edges: Annotated[IntArray, Axes("bins+1")] = field(repr=False)
    value_norms: Annotated[SingleArray, Axes("L N")] = field(repr=False)

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, eq=False)
class Lens:
    """The logit lens: what final norm and head make of a state on its way.

    Attributes:
        pieces: display text of every token that occurs here, by id.
        top: [x, t, c] ids of the likeliest tokens in the row that predicts answer token t, most
            likely first, nothing withdrawn.
        top_probabilities: [x, t, c].
        answer_probability: [x, t] probability of the baseline's token t.
        first_top: [k, x, c] ids at the first answer token with the image withdrawn at K.
        first_top_probabilities: [k, x, c].
        first_probability: [k, x] probability of the baseline's first token.
        patches: [x, v] id of the likeliest token at each visual token; empty [0, 0] unless asked.
        patch_probabilities: [x, v] its probability; empty likewise.
    """

    pieces: dict[int, str] = field(repr=False)
    top: Annotated[IntArray, Axes("L+1 T top")] = field(repr=False)
    top_probabilities: Annotated[HalfArray, Axes("L+1 T top")] = field(repr=False)
    answer_probability: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    first_top: Annotated[IntArray, Axes("L+1 L+1 top")] = field(repr=False)
    first_top_probabilities: Annotated[HalfArray, Axes("L+1 L+1 top")] = field(repr=False)
    first_probability: Annotated[FloatArray, Axes("L+1 L+1")] = field(repr=False)
    patches: Annotated[IntArray, Axes("L+1 V", or_empty=True)] = field(repr=False)
    patch_probabilities: Annotated[HalfArray, Axes("L+1 V", or_empty=True)] = field(repr=False)

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """The causal test with one other image; the baseline answer is teacher-forced throughout.

    In `swapped`, text rows attend to the true image in layers below `l` and to the other image's
    visual keys and values from layer `l` on: entry 0 is a run on the other image, entry L the
    original run. In `misled`, the model runs on the other image in layers below K and without any
    visual token from K on: entry 0 never saw an image, entry L is a run on the other image.

    Attributes:
        name: which image: "white", "noise", "blurred", or a visitor's word for it.
        swapped_kl: [k, t] KL(P_swapped || P_full) in nats; index l = 0..L.
        swapped_log_probability: [k, t] natural log of the probability of the baseline's token t.
        swapped_picks: [k, t] id of the likeliest token.
        misled_kl, misled_log_probability, misled_picks: likewise; index K = 0..L.
    """

    name: str
    swapped_kl: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    swapped_log_probability: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    swapped_picks: Annotated[IntArray, Axes("L+1 T")] = field(repr=False)
    misled_kl: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    misled_log_probability: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    misled_picks: Annotated[IntArray, Axes("L+1 T")] = field(repr=False)

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, eq=False)
class Inside:
    """Everything recorded inside one run.

    Attributes:
        attention: attention weights, reduced.
        lens: the logit lens.
        outliers: [x, n] greatest absolute component of the state over the median absolute component
            of all the layer's states, so that massive activations stand out by themselves.
        cosine: [k, x, q] cosine between a text row's state with the image withdrawn at K and
            without; 1 where x <= K.
        norm_ratio: [k, x, q] norm of the first over the norm of the second.
        log_probability: [k, t] natural log of the probability of the baseline's answer token t with
            the image withdrawn at K, the baseline answer teacher-forced.
        patches: [v, 3] (grid, row, col) of each visual token; row and col are -1 for one that
            stands for no patch.
        grids: (rows, cols) of each patch grid.
        counterfactuals: causal tests, one for each other image.
        images: [grids] which image of the prompt each grid shows, counted from 0; the first one
            where nothing is given.
    """

    attention: Attention
    lens: Lens
    outliers: Annotated[SingleArray, Axes("L+1 N")] = field(repr=False)
    cosine: Annotated[HalfArray, Axes("L+1 L+1 Q")] = field(repr=False)
    norm_ratio: Annotated[HalfArray, Axes("L+1 L+1 Q")] = field(repr=False)
    log_probability: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    patches: Annotated[IntArray, Axes("V 3")] = field(repr=False)
    grids: Annotated[tuple[tuple[int, int], ...], Axes("G")]
    counterfactuals: tuple[Counterfactual, ...] = ()
    images: Annotated[tuple[int, ...], Axes("G")] = ()

    def __post_init__(self) -> None:
        if not any(self.images):
            object.__setattr__(self, "images", (0,) * len(self.grids))
        freeze(self)
        problem = _incoherence(self)
        if problem:
            raise InputError(
                "This is not a coherent record of a run's inside: {problem}.", problem=problem
            )

    @property
    def layers(self) -> int:
        """L."""
        return int(self.attention.rows.shape[0])

    @property
    def positions(self) -> int:
        """n: tokens of the prompt and answer tokens that were fed back."""
        return int(self.attention.rows.shape[2])


def _incoherence(inside: Inside) -> Sentence | None:
    """What does not fit together, in words; None when all is well."""
    attention, lens = inside.attention, inside.lens
    problem = misfit(inside)
    if problem:
        return problem
    positions = inside.positions
    for name, array in arrays_of(inside):
        if not array.size and not name.startswith("lens.patch"):
            return Sentence("an axis is empty")
        if not np.isfinite(array).all():
            return Sentence("{name} holds a number that is not finite", name=name)
    if lens.patches.shape != lens.patch_probabilities.shape:
        return Sentence("each patch of the lens needs an id and a probability")
    for name in ("mass", "mass_at_k", "rows", "visual_mass", "received", "image"):
        weights = getattr(attention, name)
        if weights.min() < 0 or weights.max() > 1.01:
            return Sentence("{name} should hold shares from 0 to 1", name=name)
    where, edges = attention.query_positions, attention.edges
    if (np.diff(where) <= 0).any() or where[0] < 0 or where[-1] >= positions:
        return Sentence("query_positions should ascend within the positions")
    if (np.diff(edges) <= 0).any() or edges[0] != 0 or edges[-1] != positions:
        return Sentence("edges should ascend from 0 to the number of positions")
    ids = [lens.top, lens.first_top, lens.patches]
    ids += [test.swapped_picks for test in inside.counterfactuals]
    ids += [test.misled_picks for test in inside.counterfactuals]
    if not {int(one) for array in ids for one in np.unique(array)} <= set(lens.pieces):
        return Sentence("a token of the lens has no display text")
    grid, row, col = inside.patches.T
    if min(grid) < 0 or max(grid) >= len(inside.grids) or min(row) < -1 or min(col) < -1:
        return Sentence("a patch is on no grid")
    problem = images_problem(inside.images, len(inside.grids))
    if problem:
        return problem
    sizes = np.array(inside.grids)[grid]
    if (row >= sizes[:, 0]).any() or (col >= sizes[:, 1]).any():
        return Sentence("a patch is outside its grid")
    return None


def images_problem(images: tuple[int, ...], grids: int) -> Sentence | None:
    """What is wrong with [grids] the image that each grid shows, in words; None when all is well.

    The images ascend, and none is left out.
    """
    if len(images) != grids:
        return Sentence("images needs one entry for each grid")
    if sorted(set(images)) != list(range(len(set(images)))) or list(images) != sorted(images):
        return Sentence("images should count the images up from 0")
    return None
