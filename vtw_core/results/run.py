"""The record of a run: small, frozen, without pictures (numpy and the standard library).

Everything on a screen is a pure function of a `Run`. Index k of every list is K = k; the last
entry, K = L, is the baseline.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtw_core.errors import InputError, Sentence
from vtw_core.families.layout import Positions
from vtw_core.files.axes import Axes, Count
from vtw_core.files.serialization import freeze
from vtw_core.files.storage import Format
from vtw_core.measures.arrays import FloatArray, IntArray, frozen
from vtw_core.measures.kl import FULL_WITHDRAWN, WITHDRAWN_FULL
from vtw_core.results import older_files
from vtw_core.results.inside import Inside
from vtw_core.results.run_checks import incoherence
from vtw_core.results.sampling import Sampling

Scope = Literal["first_token", "answer_mean", "answer_max"]
Rule = Literal["first", "stays_below", "released"]
Direction = Literal["withdrawn_full", "full_withdrawn"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
RULES: tuple[Rule, ...] = get_args(Rule)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

DEFAULT_ETA = 0.003
RELEASED_FIRST_K = 5
"""Where the candidates of VTW's released code begin (github.com/lzhxmu/VTW)."""
DIRECTION_LABELS: dict[str, str] = {
    "withdrawn_full": f"{WITHDRAWN_FULL}, nats",
    "full_withdrawn": f"{FULL_WITHDRAWN}, nats",
}
RULE_HELP = (
    "which K is K*: the first at or under eta, the first from which all later ones are too, or the "
    f"first from {RELEASED_FIRST_K} on, where the candidates of VTW's released code begin"
)


def check_curve(scope: str, direction: str) -> None:
    """Raise InputError unless there is such a KL curve."""
    if scope not in SCOPES or direction not in DIRECTIONS:
        raise InputError(
            "scope must be one of {scopes} and direction one of {directions}, not {scope!r:.40} "
            "and {direction!r:.40}.",
            scopes=", ".join(SCOPES),
            directions=", ".join(DIRECTIONS),
            scope=scope,
            direction=direction,
        )


def check_eta(eta: float) -> float:
    """Return eta as a float, or raise InputError unless it is a finite number >= 0."""
    if isinstance(eta, bool) or not isinstance(eta, (int, float, np.floating, np.integer)):
        raise InputError("eta must be a number (nats), not {value!r:.40}.", value=eta)
    try:
        value = float(eta)
    except OverflowError:  # a whole number that no float holds
        value = np.inf
    if not np.isfinite(value) or value < 0:
        raise InputError(
            "eta must be a finite number of nats, 0 or more, not {value:g}.", value=value
        )
    return value


def first_candidate(rule: Rule, k_min: int = 0) -> int:
    """The smallest K that a rule considers, of those from `k_min` on, which a model can run.

    Raises:
        InputError: the rule is unknown.
    """
    if rule not in RULES:
        raise InputError(
            "rule must be one of {rules}, not {value!r:.40}.", rules=", ".join(RULES), value=rule
        )
    return max(k_min, RELEASED_FIRST_K) if rule == "released" else k_min


def rule_in_words(rule: Rule, k_min: int = 0) -> str:
    """What a K* by this rule is, such as "the first K from 0 on whose KL is at most eta".

    Raises:
        InputError: the rule is unknown.
    """
    first = first_candidate(rule, k_min)
    if rule == "stays_below":
        return f"the first K from {first} on from which every later K's KL is at most eta too"
    words = f"the first K from {first} on whose KL is at most eta"
    return words + (", as in VTW's released code" if rule == "released" else "")


def choose_k(kl: ArrayLike, eta: float, rule: Rule = "first", k_min: int = 0) -> int:
    """K*: the smallest K in k_min..L whose KL against the baseline is at most eta.

    K = L has KL 0 by definition, so there is always an answer: K* = L means that no layer can do
    without the visual tokens at this threshold.

    Args:
        kl: [L+1] nats.
        eta: threshold in nats; VTW's code uses 0.003 by default.
        rule: "first" takes the first K at or under eta; "stays_below" the first from which every
            later K is at or under eta too; "released" the first of the candidates of VTW's
            released code, which begin at K = 5.
        k_min: smallest K that the model can run, `Run.k_min`.

    Raises:
        InputError: eta is not a finite number >= 0, the rule is unknown, or k_min is no K.
    """
    below = np.asarray(kl, dtype=np.float64) <= check_eta(eta)
    if below.ndim != 1 or not len(below):
        raise InputError("kl must be a list with one number for each K = 0..L.")
    if not 0 <= k_min < len(below):
        raise InputError(
            "k_min must be a K from 0 to {layers}, not {value}.", layers=len(below) - 1, value=k_min
        )
    below[: first_candidate(rule, k_min)] = False
    below[-1] = True
    if rule == "stays_below":
        above = np.flatnonzero(~below)
        return int(above[-1] + 1) if len(above) else 0
    return int(np.argmax(below))


@dataclass(frozen=True, eq=False)
class Seconds:
    """Measured wall-clock seconds of one run.

    The entries of `prefill` and `decode` are sums of layer times, so that all K compare: with the
    image in layers below K, over the text tokens alone in the others, each layer timed on its own
    (`vtw_core.every_k.timing`), and the model's work outside the layers.

    Attributes:
        encode_image: vision tower and projector, once for the whole run.
        prefill: [L+1] prompt prefill at each K, up to the first token's logits; all NaN in a run
            whose layers were not timed.
        decode: [L+1] all further tokens of the answer at each K, one after the other; likewise.
        kl_curve: the sweep behind the KL curve, all K together.
        answers: the decoding of the answers at all K together.
        total: the whole run.
    """

    encode_image: float
    prefill: Annotated[FloatArray, Axes("L+1")]
    decode: Annotated[FloatArray, Axes("L+1")]
    kl_curve: float
    answers: float
    total: float

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def are_at_every_k(self) -> bool:
        """Whether the layers were timed, so that there are seconds at every K."""
        return not bool(np.isnan([*self.prefill, *self.decode]).all())


@dataclass(frozen=True, eq=False)
class Run:
    """One image and one prompt, seen at every K.

    Attributes:
        model: the name it was loaded by.
        model_type: transformers' model_type.
        layers: L, decoder layers.
        k_min: the smallest K that `withdraw` can run on this model; the numbers here hold for
            every K.
        prompt: the user's text.
        image_size: (width, height) of the first picture in pixels.
        grid: (rows, cols) of the first patch grid.
        visual_tokens, text_tokens: counts in the prompt; text is everything not visual.
        tokens: [prompt] display text of every prompt token; visual ones are "<image>".
        segments: [prompt] "bos", "system", "visual" or "question".
        max_new_tokens: the limit the answers were generated under.
        sampling: how tokens were chosen.
        positions: position ids of the tokens that stay, "keep" or "repack" (renumbered from 0 in
            layers from K on).
        answers: [L+1] text of the answer at each K, special tokens left out.
        answer_tokens: [L+1][own length] display pieces, the end token included if it came.
        answer_ids: [L+1][own length] token ids.
        stopped: [L+1] whether the answer ended by itself (False: max_new_tokens cut it).
        first_tokens: [L+1][c] the likeliest first answer tokens at each K, display pieces.
        first_probabilities: [L+1, c] their probabilities.
        kl_positions: [L+1, T] KL(P_withdrawn || P_full) in nats at each of the T positions of the
            baseline answer, the baseline answer teacher-forced at every K.
        kl_positions_reverse: [L+1, T] KL(P_full || P_withdrawn) likewise.
        flops: [L+1] theoretical FLOPs of the prefill; `flops_convention` says how counted.
        kv_bytes: [L+1] bytes of the prompt's KV cache.
        kv_bytes_per_layer: bytes of one layer that keeps every prompt token.
        seconds: measured times.
        dtype, device: where it ran.
        versions: (package, version) pairs.
        created: ISO 8601 time, UTC.
        inside: attention, hidden states and causal tests, if they were recorded.
        further_images: (width, height) in pixels of the pictures after the first.

    Raises:
        InputError: lengths or values do not fit together.
    """

    model: str
    model_type: str
    layers: Annotated[int, Count("L")]
    k_min: int
    prompt: str
    image_size: tuple[int, int]
    grid: tuple[int, int]
    visual_tokens: Annotated[int, Count("V")]
    text_tokens: int
    tokens: Annotated[tuple[str, ...], Axes("P")]
    segments: Annotated[tuple[str, ...], Axes("P")]
    max_new_tokens: int
    sampling: Sampling
    positions: Positions
    answers: Annotated[tuple[str, ...], Axes("L+1")]
    answer_tokens: Annotated[tuple[tuple[str, ...], ...], Axes("L+1")]
    answer_ids: Annotated[tuple[tuple[int, ...], ...], Axes("L+1")]
    stopped: Annotated[tuple[bool, ...], Axes("L+1")]
    first_tokens: Annotated[tuple[tuple[str, ...], ...], Axes("L+1 C")]
    first_probabilities: Annotated[FloatArray, Axes("L+1 C")] = field(repr=False)
    kl_positions: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    kl_positions_reverse: Annotated[FloatArray, Axes("L+1 T")] = field(repr=False)
    flops: Annotated[FloatArray, Axes("L+1")] = field(repr=False)
    flops_convention: str
    kv_bytes: Annotated[IntArray, Axes("L+1")] = field(repr=False)
    kv_bytes_per_layer: int
    seconds: Seconds = field(repr=False)
    dtype: str
    device: str
    versions: tuple[tuple[str, str], ...]
    created: str
    inside: Inside | None = field(default=None, repr=False)
    further_images: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        freeze(self)
        problem = incoherence(self)
        if problem:
            raise InputError("This is not a coherent run: {problem}.", problem=problem)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt, visual ones included."""
        return self.visual_tokens + self.text_tokens

    @property
    def image_sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) in pixels of every picture, in the prompt's order."""
        return (self.image_size, *self.further_images)

    @property
    def baseline_answer(self) -> str:
        """The answer with nothing withdrawn (K = L)."""
        return self.answers[self.layers]

    @cached_property
    def kl_first_token(self) -> FloatArray:
        """[L+1] KL(P_withdrawn || P_full) at the first answer token: VTW's criterion."""
        return frozen(self.kl_positions[:, 0], np.float64)

    @cached_property
    def kl_first_token_reverse(self) -> FloatArray:
        """[L+1] KL(P_full || P_withdrawn) at the first answer token."""
        return frozen(self.kl_positions_reverse[:, 0], np.float64)

    @cached_property
    def kl_answer(self) -> FloatArray:
        """[L+1] mean of KL(P_withdrawn || P_full) over the baseline answer's positions."""
        return frozen(self.kl_positions.mean(axis=1), np.float64)

    @cached_property
    def kl_answer_reverse(self) -> FloatArray:
        """[L+1] mean of KL(P_full || P_withdrawn) over the baseline answer's positions."""
        return frozen(self.kl_positions_reverse.mean(axis=1), np.float64)

    @cached_property
    def kl_answer_max(self) -> FloatArray:
        """[L+1] greatest KL(P_withdrawn || P_full) over the baseline answer's positions."""
        return frozen(self.kl_positions.max(axis=1), np.float64)

    @cached_property
    def kl_answer_max_reverse(self) -> FloatArray:
        """[L+1] greatest KL(P_full || P_withdrawn) over the baseline answer's positions."""
        return frozen(self.kl_positions_reverse.max(axis=1), np.float64)

    @cached_property
    def same_as_baseline(self) -> NDArray[np.bool_]:
        """[L+1] whether the answer at K is the baseline's, token for token."""
        baseline = self.answer_ids[self.layers]
        return frozen([ids == baseline for ids in self.answer_ids], np.bool_)

    @cached_property
    def decode_seconds_per_token(self) -> FloatArray:
        """[L+1] decode seconds over the tokens decoded after the first; NaN if there were none."""
        steps = np.array([len(ids) - 1 or np.nan for ids in self.answer_ids])
        return frozen(self.seconds.decode / steps, np.float64)

    def kl(
        self, scope: Scope = "first_token", direction: Direction = "withdrawn_full"
    ) -> FloatArray:
        """The KL curve of a scope and direction: [L+1] nats.

        Raises:
            InputError: unknown scope or direction.
        """
        check_curve(scope, direction)
        curves = {
            ("first_token", "withdrawn_full"): "kl_first_token",
            ("first_token", "full_withdrawn"): "kl_first_token_reverse",
            ("answer_mean", "withdrawn_full"): "kl_answer",
            ("answer_mean", "full_withdrawn"): "kl_answer_reverse",
            ("answer_max", "withdrawn_full"): "kl_answer_max",
            ("answer_max", "full_withdrawn"): "kl_answer_max_reverse",
        }
        curve: FloatArray = getattr(self, curves[scope, direction])
        return curve

    def choose_k(
        self,
        eta: float = DEFAULT_ETA,
        scope: Scope = "first_token",
        rule: Rule = "first",
        direction: Direction = "withdrawn_full",
    ) -> int:
        """K* for a threshold: the smallest K in k_min..L that qualifies.

        It is L when nothing can be withdrawn at this threshold: K = L is the baseline itself and
        always qualifies. See the function `choose_k` for the rules.

        Raises:
            InputError: bad eta, scope, rule or direction.
        """
        return choose_k(self.kl(scope, direction), eta, rule, self.k_min)

    def save(self, path: str | Path) -> Path:
        """Write the run to one file that `load_run` reads back exactly; returns the path.

        Raises:
            InputError: the file cannot be written, or the run has no seconds at every K.
        """
        if not self.seconds.are_at_every_k:
            raise InputError("A run whose layers were not timed cannot be saved; explore it timed.")
        return _FORMAT.write(self, path)

    def to_json(
        self,
        eta: float = DEFAULT_ETA,
        scope: Scope = "first_token",
        rule: Rule = "first",
        direction: Direction = "withdrawn_full",
    ) -> dict[str, Any]:
        """The object of `python -m vtw_core explore --json`: plain lists, numbers and strings; of
        what was recorded inside, `vtw_core.analysis.inside_json` makes another.

        Index k of every list is K = k, the last entry is the baseline. The KL lists are in the
        requested direction, which `kl_direction` names.
        """
        return {
            "model": self.model,
            "model_type": self.model_type,
            "prompt": self.prompt,
            "layers": self.layers,
            "prompt_tokens": self.prompt_tokens,
            "visual_tokens": self.visual_tokens,
            "text_tokens": self.text_tokens,
            "grid": list(self.grid),
            "image_sizes": [list(size) for size in self.image_sizes],
            "baseline": {
                "answer": self.baseline_answer,
                "tokens": list(self.answer_tokens[self.layers]),
                "stopped": self.stopped[self.layers],
            },
            "k_star": self.choose_k(eta, scope, rule, direction),
            "eta": check_eta(eta),
            "scope": scope,
            "rule": rule,
            "k_star_rule": rule_in_words(rule, self.k_min),
            "kl_direction": DIRECTION_LABELS[direction],
            "kl_first_token": self.kl("first_token", direction).tolist(),
            "kl_answer_mean": self.kl("answer_mean", direction).tolist(),
            "kl_answer_max": self.kl("answer_max", direction).tolist(),
            "answers": list(self.answers),
            "same_as_baseline": self.same_as_baseline.tolist(),
            "flops": {
                "convention": self.flops_convention,
                "baseline": float(self.flops[-1]),
                "at_k": self.flops.tolist(),
            },
            "kv_bytes": {"baseline": int(self.kv_bytes[-1]), "at_k": self.kv_bytes.tolist()},
            "seconds": {
                "encode_image": self.seconds.encode_image,
                "kl_curve": self.seconds.kl_curve,
                "answers": self.seconds.answers,
                "total": self.seconds.total,
                "prefill_at_k": _or_none(self.seconds.prefill),
                "decode_at_k": _or_none(self.seconds.decode),
                "decode_per_token_at_k": _or_none(self.decode_seconds_per_token),
            },
            "first_tokens": [
                [{"token": token, "probability": probability} for token, probability in row]
                for row in (
                    zip(tokens, values, strict=True)
                    for tokens, values in zip(
                        self.first_tokens, self.first_probabilities.tolist(), strict=True
                    )
                )
            ],
            "max_new_tokens": self.max_new_tokens,
            "sampling": self.sampling.describe(),
            "positions": self.positions,
            "k_min": self.k_min,
            "dtype": self.dtype,
            "device": self.device,
            "versions": dict(self.versions),
            "created": self.created,
        }


def load_run(path: str | Path) -> Run:
    """Read a run that `Run.save` wrote.

    Raises:
        InputError: the file is missing, damaged, too large, of another version, or holds values
            that cannot come from a run.
    """
    return _FORMAT.read(path)


def _or_none(values: FloatArray) -> list[float | None]:
    """A list that JSON can hold: None in place of NaN."""
    return [None if np.isnan(value) else value for value in values.tolist()]


_FORMAT = Format(
    name="vtw-run", version=4, kind=Run, what=Sentence("saved run"), writer="Run.save",
    again=Sentence("record the run again"),
    smaller=Sentence("take a shorter answer or a smaller picture"),
    older=older_files.run,
    most_header=16 * 2**20,  # 80 layers and hundreds of answer tokens stay under 10 MB
    most_array_bytes=64 * 2**20,  # 32 layers, 3000 visual and 150 text tokens take 30 MB
    most_values=500_000,  # 80 layers and a thousand tokens of each answer have 300 000
)  # fmt: skip
