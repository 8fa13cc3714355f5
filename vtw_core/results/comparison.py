"""Several methods on one image and prompt beside the baseline: the record of such a run.

Small, frozen records without pictures (numpy and the standard library); made by
`vtw_core.compare.methods`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from vtw_core.errors import InputError, Sentence
from vtw_core.files.axes import Axes, Count, Own
from vtw_core.files.serialization import freeze
from vtw_core.files.storage import Format
from vtw_core.measures.arrays import BoolArray, FloatArray
from vtw_core.measures.kl import WITHDRAWN_FULL
from vtw_core.results import older_files
from vtw_core.results.comparison_checks import incoherence
from vtw_core.results.fates import TokenFates
from vtw_core.results.sampling import Sampling


@dataclass(frozen=True)
class VisionCounts:
    """What a vision stage (MustDrop's stage a) made of the patches.

    Attributes:
        patches: patches of all images.
        tokens: visual tokens that are left of them.
        merged_windows: windows that became one token.
        key_tokens: tokens that the later stages must keep.
    """

    patches: int
    tokens: int
    merged_windows: int
    key_tokens: int


@dataclass(frozen=True)
class MethodSeconds:
    """Measured wall-clock seconds of one method.

    Attributes:
        encode: vision tower and projector; methods that do not begin there share the baseline's.
        prefill: the prompt up to the first token's logits, with the method's own work; median of
            several prefills for which all methods took turns.
        decode: all further tokens of its own answer, once.
    """

    encode: float
    prefill: float
    decode: float


@dataclass(frozen=True, eq=False)
class MethodEntry:
    """One method's run.

    The T positions are those of the baseline's answer, which is given to every method (teacher
    forcing), so that the model reads the same words everywhere.

    Attributes:
        label: its name in this comparison; no two are equal.
        strategy: its name and parameters, as in `Strategy.describe`.
        tokens_wanted: the mean number of visual tokens that its thresholds were fitted to, or
            None.
        answer: its own answer, special tokens left out.
        tokens: [n] display pieces of its own answer, the end token included if it came.
        token_ids: [n].
        stopped: whether the answer ended by itself.
        visual_tokens_per_layer: [L] in the prefill.
        cached_visual_tokens_per_layer: [L] that decoding attends to.
        vision: what a vision stage made of the patches; None without one.
        flops: theoretical FLOPs of the prefill, as the comparison's `flops_convention` counts.
        kv_bytes: bytes of the prompt's KV cache, as decoding reads it.
        seconds: measured times.
        kl_positions: [T] KL(P_method || P_full) in nats; as `Run.kl_positions`.
        kl_positions_reverse: [T] KL(P_full || P_method) in nats.
        agrees: [T] whether the method would have predicted the baseline's token there.
        fates: why each visual token stayed or left, for a viewer; None where nothing was judged.
    """

    label: str
    strategy: dict[str, Any]
    tokens_wanted: float | None
    answer: str
    tokens: Annotated[tuple[str, ...], Axes("n")]
    token_ids: Annotated[tuple[int, ...], Axes("n")]
    stopped: bool
    visual_tokens_per_layer: Annotated[tuple[int, ...], Axes("L")]
    cached_visual_tokens_per_layer: Annotated[tuple[int, ...], Axes("L")]
    vision: VisionCounts | None
    flops: float
    kv_bytes: int
    seconds: MethodSeconds
    kl_positions: Annotated[FloatArray, Axes("T")] = field(repr=False)
    kl_positions_reverse: Annotated[FloatArray, Axes("T")] = field(repr=False)
    agrees: Annotated[BoolArray, Axes("T")] = field(repr=False)
    fates: TokenFates | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def name(self) -> str:
        """The strategy's short name, such as "vtw"."""
        return str(self.strategy["name"])

    @property
    def mean_visual_tokens(self) -> float:
        """Visual tokens in the prefill, mean over the layers: what the papers call "tokens"."""
        return float(np.mean(self.visual_tokens_per_layer))

    @property
    def kl_first_token(self) -> float:
        """KL(P_method || P_full) at the first answer token."""
        return float(self.kl_positions[0])

    @property
    def kl_answer(self) -> float:
        """Its mean over the baseline answer's positions."""
        return float(self.kl_positions.mean())

    @property
    def kl_answer_max(self) -> float:
        """Its greatest value over the baseline answer's positions."""
        return float(self.kl_positions.max())

    @property
    def agreement(self) -> float:
        """Share of the baseline answer's positions at which the method would predict its token."""
        return float(self.agrees.mean())


OneOfSeveral = Annotated[MethodEntry, Own("n v")]
"""An entry whose answer and whose visual tokens after a vision stage are as many as they are."""


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """Methods beside the baseline, on one image and prompt.

    Attributes:
        model: the name it was loaded by.
        model_type: transformers' model_type.
        layers: L, decoder layers.
        prompt: the user's text.
        visual_tokens, text_tokens: counts in the prompt of the baseline.
        max_new_tokens: the limit the answers were generated under.
        sampling: how tokens were chosen.
        flops_convention: how all FLOPs are counted.
        dtype, device: where it ran.
        versions: (package, version) pairs.
        created: ISO 8601 time, UTC.
        baseline: the run with nothing withdrawn; KL 0, agreement 1.
        entries: the methods, in the order they were requested.

    Raises:
        InputError: lengths or values do not fit together.
    """

    model: str
    model_type: str
    layers: Annotated[int, Count("L")]
    prompt: str
    visual_tokens: int
    text_tokens: int
    max_new_tokens: int
    sampling: Sampling
    flops_convention: str
    dtype: str
    device: str
    versions: tuple[tuple[str, str], ...]
    created: str
    baseline: OneOfSeveral
    entries: tuple[OneOfSeveral, ...]

    def __post_init__(self) -> None:
        problem = incoherence(self)
        if problem:
            raise InputError("This is not a coherent comparison: {problem}.", problem=problem)

    @cached_property
    def everyone(self) -> tuple[MethodEntry, ...]:
        """The baseline, then the methods."""
        return (self.baseline, *self.entries)

    def same_answer(self, entry: MethodEntry) -> bool:
        """Whether an entry's whole answer is the baseline's, token for token."""
        return entry.token_ids == self.baseline.token_ids

    def flops_share(self, entry: MethodEntry) -> float:
        """An entry's prefill FLOPs over the baseline's."""
        return entry.flops / self.baseline.flops

    def kv_share(self, entry: MethodEntry) -> float:
        """An entry's KV cache over the baseline's."""
        return entry.kv_bytes / self.baseline.kv_bytes

    def save(self, path: str | Path) -> Path:
        """Write the comparison to one file that `load_comparison` reads back exactly.

        Raises:
            InputError: the file cannot be written.
        """
        return _FORMAT.write(self, path)

    def to_json(self) -> dict[str, Any]:
        """The object of `python -m vtw_core compare --json`: plain lists, numbers and strings."""
        return {
            "model": self.model,
            "model_type": self.model_type,
            "prompt": self.prompt,
            "layers": self.layers,
            "visual_tokens": self.visual_tokens,
            "text_tokens": self.text_tokens,
            "kl_direction": f"{WITHDRAWN_FULL}, nats",
            "flops_convention": self.flops_convention,
            "methods": [self._entry_json(entry) for entry in self.everyone],
            "max_new_tokens": self.max_new_tokens,
            "sampling": self.sampling.describe(),
            "dtype": self.dtype,
            "device": self.device,
            "versions": dict(self.versions),
            "created": self.created,
        }

    def _entry_json(self, entry: MethodEntry) -> dict[str, Any]:
        return {
            "label": entry.label,
            "strategy": entry.strategy,
            "answer": entry.answer,
            "tokens": list(entry.tokens),
            "stopped": entry.stopped,
            "same_answer": self.same_answer(entry),
            "agreement": entry.agreement,
            "kl_first_token": entry.kl_first_token,
            "kl_answer_mean": entry.kl_answer,
            "kl_answer_max": entry.kl_answer_max,
            "kl_positions": entry.kl_positions.tolist(),
            "visual_tokens_mean": entry.mean_visual_tokens,
            "visual_tokens_per_layer": list(entry.visual_tokens_per_layer),
            "cached_visual_tokens_per_layer": list(entry.cached_visual_tokens_per_layer),
            "vision": None if entry.vision is None else vars(entry.vision),
            "flops": {"baseline": self.baseline.flops, "prefill": entry.flops},
            "kv_bytes": entry.kv_bytes,
            "seconds": {
                "encode_image": entry.seconds.encode,
                "prefill": entry.seconds.prefill,
                "decode": entry.seconds.decode,
            },
        }


def load_comparison(path: str | Path) -> MethodComparison:
    """Read a comparison that `MethodComparison.save` wrote.

    Raises:
        InputError: the file is missing, damaged, too large, of another version, or holds values
            that cannot come from a comparison.
    """
    return _FORMAT.read(path)


_FORMAT = Format(
    name="vtw-comparison",
    version=2,
    kind=MethodComparison,
    what=Sentence("saved comparison of methods"),
    writer="MethodComparison.save",
    again=Sentence("compare the methods again"),
    smaller=Sentence("compare fewer methods at once"),
    older=older_files.comparison,
    most_header=8 * 2**20,
    # Thirty methods over 10 000 visual tokens and four filters take 25 MB.
    most_array_bytes=48 * 2**20,
    most_values=500_000,
)
