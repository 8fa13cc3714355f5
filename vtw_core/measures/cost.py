"""What a prefill costs in theory: FLOPs and KV cache, at every K, from sizes in the config.

A FLOPs figure is meaningless without its convention, so each convention has a name and every
result carries it. Only the decoder is counted (no vision tower, no vocabulary projection).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

VTW_CONVENTION = (
    "decoder prefill, multiply-add = 2 FLOPs, per layer 2n(4d+3m)d + 4n^2d "
    "(K/V projections scaled by kv_heads/heads)"
)
FASTV_CONVENTION = "decoder prefill, multiply-add = 1 FLOP, per layer 4nd^2 + 2n^2d + 2ndm (FastV)"


@dataclass(frozen=True)
class DecoderDims:
    """Sizes of a decoder, read from its config.

    Attributes:
        layers: L.
        hidden: d, width of the hidden states.
        ffn: m, inner width of the gated feed-forward network (three matrices).
        heads: query heads.
        kv_heads: key/value heads; fewer than `heads` under grouped-query attention.
        head_dim: width of one head.
    """

    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int

    @classmethod
    def from_config(cls, text_config: Any) -> "DecoderDims":
        """Read the sizes from a transformers text config."""
        heads = text_config.num_attention_heads
        kv_heads = getattr(text_config, "num_key_value_heads", None) or heads
        head_dim = getattr(text_config, "head_dim", None) or text_config.hidden_size // heads
        return cls(
            layers=text_config.num_hidden_layers,
            hidden=text_config.hidden_size,
            ffn=text_config.intermediate_size,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
        )


def layer_flops(dims: DecoderDims, n: int, convention: str = VTW_CONVENTION) -> int:
    """FLOPs of one decoder layer over n tokens at once.

    Source of the two formulas: the published totals of VTW (reproduced to rounding) and the
    formula printed by FastV. FastV's takes no account of grouped-query attention.
    """
    d, m = dims.hidden, dims.ffn
    if convention == FASTV_CONVENTION:
        return 4 * n * d * d + 2 * n * n * d + 2 * n * d * m
    if convention != VTW_CONVENTION:
        raise ValueError(f"unknown FLOPs convention {convention!r}")
    q_width, kv_width = dims.heads * dims.head_dim, dims.kv_heads * dims.head_dim
    projections = 2 * q_width + 2 * kv_width  # query and output, key and value; 4d without GQA
    return 2 * n * (projections + 3 * m) * d + 4 * n * n * q_width


def flops_at_every_k(
    dims: DecoderDims, n_text: int, n_visual: int, convention: str = VTW_CONVENTION
) -> NDArray[np.float64]:
    """FLOPs of the prompt's prefill when visual tokens leave before layer K, for K = 0..L.

    K layers run over n_text + n_visual tokens, the other L - K over n_text.

    Returns:
        [L+1] float64; entry L is the baseline.
    """
    k = np.arange(dims.layers + 1)
    full = layer_flops(dims, n_text + n_visual, convention)
    text = layer_flops(dims, n_text, convention)
    return np.asarray(k * float(full) + (dims.layers - k) * float(text))


def flops_per_layer_counts(
    dims: DecoderDims, counts: tuple[int, ...], convention: str = VTW_CONVENTION
) -> float:
    """FLOPs of a prefill whose layer l runs over counts[l] tokens (any strategy)."""
    return float(sum(layer_flops(dims, n, convention) for n in counts))


def kv_bytes_per_layer(dims: DecoderDims, n: int, bytes_per_value: int) -> int:
    """Bytes of keys and values of n tokens in one layer: 2 * n * kv_heads * head_dim * bytes."""
    return 2 * n * dims.kv_heads * dims.head_dim * bytes_per_value


def kv_bytes_at_every_k(
    dims: DecoderDims, n_text: int, n_visual: int, bytes_per_value: int
) -> NDArray[np.int64]:
    """Bytes of the prompt's KV cache for K = 0..L; [L+1] int64, entry L is the baseline."""
    k = np.arange(dims.layers + 1, dtype=np.int64)
    full = kv_bytes_per_layer(dims, n_text + n_visual, bytes_per_value)
    text = kv_bytes_per_layer(dims, n_text, bytes_per_value)
    return np.asarray(k * full + (dims.layers - k) * text)
