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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, Sentence
from vtw_core.measures.arrays import frozen

# Kept as float16; they may be given as any floating-point numbers.
HalfArray = NDArray[np.floating[Any]]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SEGMENTS = ("bos", "system", "visual", "question", "answer")


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

    query_positions: IntArray = field(repr=False)
    mass: HalfArray = field(repr=False)
    mass_at_k: HalfArray = field(repr=False)
    rows: HalfArray = field(repr=False)
    visual_mass: HalfArray = field(repr=False)
    received: HalfArray = field(repr=False)
    entropy: HalfArray = field(repr=False)
    image: HalfArray = field(repr=False)
    edges: IntArray = field(repr=False)
    value_norms: NDArray[np.floating[Any]] = field(repr=False)

    def __post_init__(self) -> None:
        for name, kind in ATTENTION_ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), kind))


ATTENTION_ARRAYS: dict[str, type] = {
    "query_positions": np.int64,
    "mass": np.float16,
    "mass_at_k": np.float16,
    "rows": np.float16,
    "visual_mass": np.float16,
    "received": np.float16,
    "entropy": np.float16,
    "image": np.float16,
    "edges": np.int64,
    "value_norms": np.float32,
}


@dataclass(frozen=True, eq=False)
class Lens:
    """The logit lens: what final norm and head make of a state on its way.

    Attributes:
        pieces: display text of every token that occurs here, by id.
        top: [x, t, c] ids of the likeliest tokens in the row that says answer token t, likeliest
            first, nothing withdrawn.
        top_probabilities: [x, t, c].
        answer_probability: [x, t] probability of the baseline's token t.
        first_top: [k, x, c] ids at the first answer token with the image withdrawn at K.
        first_top_probabilities: [k, x, c].
        first_probability: [k, x] probability of the baseline's first token.
        patches: [x, v] id of the likeliest token at each visual token; empty [0, 0] unless asked.
        patch_probabilities: [x, v] its probability; empty likewise.
    """

    pieces: dict[int, str] = field(repr=False)
    top: IntArray = field(repr=False)
    top_probabilities: HalfArray = field(repr=False)
    answer_probability: FloatArray = field(repr=False)
    first_top: IntArray = field(repr=False)
    first_top_probabilities: HalfArray = field(repr=False)
    first_probability: FloatArray = field(repr=False)
    patches: IntArray = field(repr=False)
    patch_probabilities: HalfArray = field(repr=False)

    def __post_init__(self) -> None:
        for name, kind in LENS_ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), kind))


LENS_ARRAYS: dict[str, type] = {
    "top": np.int64,
    "top_probabilities": np.float16,
    "answer_probability": np.float64,
    "first_top": np.int64,
    "first_top_probabilities": np.float16,
    "first_probability": np.float64,
    "patches": np.int64,
    "patch_probabilities": np.float16,
}


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
    swapped_kl: FloatArray = field(repr=False)
    swapped_log_probability: FloatArray = field(repr=False)
    swapped_picks: IntArray = field(repr=False)
    misled_kl: FloatArray = field(repr=False)
    misled_log_probability: FloatArray = field(repr=False)
    misled_picks: IntArray = field(repr=False)

    def __post_init__(self) -> None:
        for name, kind in COUNTERFACTUAL_ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), kind))


COUNTERFACTUAL_ARRAYS: dict[str, type] = {
    "swapped_kl": np.float64,
    "swapped_log_probability": np.float64,
    "swapped_picks": np.int64,
    "misled_kl": np.float64,
    "misled_log_probability": np.float64,
    "misled_picks": np.int64,
}


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
            where nothing is said.
    """

    attention: Attention
    lens: Lens
    outliers: NDArray[np.floating[Any]] = field(repr=False)
    cosine: HalfArray = field(repr=False)
    norm_ratio: HalfArray = field(repr=False)
    log_probability: FloatArray = field(repr=False)
    patches: IntArray = field(repr=False)
    grids: tuple[tuple[int, int], ...]
    counterfactuals: tuple[Counterfactual, ...] = ()
    images: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not any(self.images):
            object.__setattr__(self, "images", (0,) * len(self.grids))
        for name, kind in INSIDE_ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), kind))
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


INSIDE_ARRAYS: dict[str, type] = {
    "outliers": np.float32,
    "cosine": np.float16,
    "norm_ratio": np.float16,
    "log_probability": np.float64,
    "patches": np.int64,
}


def _incoherence(inside: Inside) -> Sentence | None:
    """What does not fit together, in words; None when all is well."""
    attention, lens = inside.attention, inside.lens
    if attention.rows.ndim != 3 or attention.mass.ndim != 4 or lens.top.ndim != 3:
        return Sentence("an array has another number of axes")
    (layers, queries, positions), heads = attention.rows.shape, attention.mass.shape[1]
    answer, top = lens.top.shape[1:]
    bins, visual, segments = len(attention.edges) - 1, len(inside.patches), len(SEGMENTS)
    states, looked = layers + 1, len(lens.patches)
    if min(layers, heads, queries, positions, answer, top, bins, visual) < 1:
        return Sentence("an axis is empty")
    shapes: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
        "query_positions": (attention.query_positions, (queries,)),
        "mass": (attention.mass, (layers, heads, queries, segments)),
        "mass_at_k": (attention.mass_at_k, (states, layers, queries, segments)),
        "visual_mass": (attention.visual_mass, (layers, heads, segments)),
        "rows": (attention.rows, (layers, queries, positions)),
        "received": (attention.received, (layers, positions)),
        "entropy": (attention.entropy, (layers, heads, queries)),
        "image": (attention.image, (layers, bins, bins)),
        "value_norms": (attention.value_norms, (layers, positions)),
        "top": (lens.top, (states, answer, top)),
        "top_probabilities": (lens.top_probabilities, (states, answer, top)),
        "answer_probability": (lens.answer_probability, (states, answer)),
        "first_top": (lens.first_top, (states, states, top)),
        "first_top_probabilities": (lens.first_top_probabilities, (states, states, top)),
        "first_probability": (lens.first_probability, (states, states)),
        "lens.patches": (lens.patches, (states, visual) if looked else (0, 0)),
        "patch_probabilities": (lens.patch_probabilities, lens.patches.shape),
        "outliers": (inside.outliers, (states, positions)),
        "cosine": (inside.cosine, (states, states, queries)),
        "norm_ratio": (inside.norm_ratio, (states, states, queries)),
        "log_probability": (inside.log_probability, (states, answer)),
        "patches": (inside.patches, (visual, 3)),
    }
    for test in inside.counterfactuals:
        for name in COUNTERFACTUAL_ARRAYS:
            shapes[f"{test.name} {name}"] = (getattr(test, name), (states, answer))
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            return Sentence("{name} should have the shape {shape}", name=name, shape=shape)
        if not np.isfinite(array).all():
            return Sentence("{name} holds a number that is not finite", name=name)
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
        return Sentence("a patch lies on no grid")
    problem = images_problem(inside.images, len(inside.grids))
    if problem:
        return problem
    sizes = np.array(inside.grids)[grid]
    if (row >= sizes[:, 0]).any() or (col >= sizes[:, 1]).any():
        return Sentence("a patch lies outside its grid")
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
