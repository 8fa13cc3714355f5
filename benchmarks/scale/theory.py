"""What a sample of a calibration costs in theory: FLOPs and memory, from the shape alone."""

from __future__ import annotations

from dataclasses import dataclass

from vtw_core.measures.cost import DecoderDims, flops_at_every_k, kv_bytes_per_layer, layer_flops


@dataclass(frozen=True)
class Shape:
    """One prompt: tokens before the image, visual tokens, tokens after the image, and the tokens
    of its answer."""

    before: int
    visual: int
    after: int
    answer: int

    @property
    def prompt(self) -> int:
        return self.before + self.visual + self.after

    @property
    def rows(self) -> int:
        """Rows that a sweep runs for each K: after the image, the answer's first T - 1 too."""
        return self.after + self.answer - 1


def prefill_flops(dims: DecoderDims, shape: Shape) -> float:
    """Of the full model over the prompt."""
    return float(flops_at_every_k(dims, shape.before + shape.after, shape.visual)[-1])


def sample_flops(dims: DecoderDims, shape: Shape) -> float:
    """Of one sample seen at every K, at most: every K < L leaves the baseline's answer at once.

    The baseline's prefill and answer; the sweep, in which layer l runs over l + 1 times the rows;
    and every other answer, decoded together.
    """
    rows, length = shape.rows, shape.before + shape.rows
    # A token's share of a layer, and one row's attention over the keys before it.
    token = layer_flops(dims, 1) - _attention(dims, 1, 1)
    decoded = (shape.answer - 1) * (token + _attention(dims, 1, shape.prompt + shape.answer))
    swept = rows * token + _attention(dims, rows, length)
    layers = dims.layers
    return (
        prefill_flops(dims, shape)
        + layers * decoded
        + layers * (layers + 1) / 2 * swept
        + layers * layers * decoded
    )


def _attention(dims: DecoderDims, queries: int, keys: int) -> float:
    """Scores and weighted sum, as `layer_flops` counts them (no causal half)."""
    return 4.0 * queries * keys * dims.heads * dims.head_dim


def sample_bytes(dims: DecoderDims, shape: Shape, width: int) -> int:
    """Memory that a sample holds at its peak besides the weights and a layer's own activations.

    The KV cache of prompt and answer, the hidden states of the swept rows into every layer, and
    the KV of every K's rows.
    """
    total = shape.prompt + shape.answer - 1
    cache = dims.layers * kv_bytes_per_layer(dims, total, width)
    hidden = (dims.layers + 1) * shape.rows * dims.hidden * width
    swept = dims.layers * (dims.layers + 1) // 2 * kv_bytes_per_layer(dims, shape.rows, width)
    return cache + hidden + swept
