"""The record of one answer under one strategy."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.measures.arrays import frozen
from vtw_core.results.trace import Trace


@dataclass(frozen=True, eq=False)
class Generation:
    """One answer under one strategy.

    Attributes:
        model: the name it was loaded by.
        strategy: its name and parameters.
        answer: text, special tokens left out.
        tokens: display pieces, the end token included if it came.
        token_ids: one id for each piece.
        stopped: whether the answer ended by itself.
        logits: [T, vocabulary] float32, the logits each token was chosen from.
        trace: what each decoder layer saw of the prompt, and what its KV cache keeps.
        flops: theoretical FLOPs of the prefill, as `flops_convention` counts; `flops_baseline`
            the same with nothing withdrawn.
        kv_bytes: bytes of the prompt's KV cache, as decoding reads it.
        encode_seconds, prefill_seconds, decode_seconds: measured wall-clock seconds.
    """

    model: str
    strategy: dict[str, Any]
    answer: str
    tokens: tuple[str, ...]
    token_ids: tuple[int, ...]
    stopped: bool
    logits: NDArray[np.float32] = field(repr=False)
    trace: Trace = field(repr=False)
    flops: float
    flops_baseline: float
    flops_convention: str
    kv_bytes: int
    encode_seconds: float
    prefill_seconds: float
    decode_seconds: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "logits", frozen(self.logits, np.float32))

    @property
    def visual_tokens_per_layer(self) -> tuple[int, ...]:
        """[L] visual tokens present in each decoder layer."""
        return self.trace.visual_tokens_per_layer

    @property
    def vision(self) -> dict[str, int] | None:
        """What a vision stage made of the patches; None if there was no such stage."""
        return self.trace.vision

    def to_json(self) -> dict[str, Any]:
        """The object of `python -m vtw_core generate --json`."""
        return {
            "model": self.model,
            "strategy": dict(self.strategy),
            "answer": self.answer,
            "tokens": list(self.tokens),
            "stopped": self.stopped,
            "visual_tokens_per_layer": list(self.visual_tokens_per_layer),
            "cached_visual_tokens_per_layer": list(self.trace.cached_visual_tokens_per_layer),
            "flops": {
                "convention": self.flops_convention,
                "baseline": self.flops_baseline,
                "prefill": self.flops,
            },
            "kv_bytes": self.kv_bytes,
            "vision": self.vision,
            "seconds": {
                "encode_image": self.encode_seconds,
                "prefill": self.prefill_seconds,
                "decode": self.decode_seconds,
            },
        }
