"""FLOPs and KV bytes, against published totals and numbers one can check by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from vtw_core.measures.cost import (
    FASTV_CONVENTION,
    DecoderDims,
    flops_at_every_k,
    flops_per_layer_counts,
    kv_bytes_at_every_k,
    kv_bytes_per_layer,
    layer_flops,
)


def dims_7b():
    return DecoderDims(layers=32, hidden=4096, ffn=11008, heads=32, kv_heads=32, head_dim=128)


def dims_13b():
    return DecoderDims(layers=40, hidden=5120, ffn=13824, heads=40, kv_heads=40, head_dim=128)


@pytest.mark.parametrize(
    ("dims", "visual", "k", "baseline", "withdrawn", "ratio"),
    [
        (dims_7b(), 576, 16, 8.50, 4.67, 54.9),
        (dims_13b(), 576, 20, 16.58, 9.10, 54.9),
        (dims_7b(), 2880, 16, 42.67, 21.75, 51.0),
        (dims_13b(), 2880, 20, 81.81, 41.72, 51.0),
    ],
    ids=["LLaVA-1.5-7B", "LLaVA-1.5-13B", "LLaVA-NeXT-7B", "LLaVA-NeXT-13B"],
)
def test_flops_reproduce_the_published_totals(dims, visual, k, baseline, withdrawn, ratio):
    flops = flops_at_every_k(dims, n_text=64, n_visual=visual)
    assert flops.shape == (dims.layers + 1,)
    assert round(flops[-1] / 1e12, 2) == baseline
    assert round(flops[k] / 1e12, 2) == withdrawn
    assert round(100 * flops[k] / flops[-1], 1) == ratio


def test_fastvs_convention_gives_its_own_totals():
    flops = flops_at_every_k(dims_7b(), 64, 576, convention=FASTV_CONVENTION)
    assert round(flops[-1] / 1e12, 2) == 3.33
    assert round(flops[16] / 1e12, 2) == 1.83


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="convention"):
        layer_flops(dims_7b(), 10, "as I like it")


def test_one_layer_by_hand():
    dims = DecoderDims(layers=1, hidden=2, ffn=3, heads=1, kv_heads=1, head_dim=2)
    # 2 * 5 * (4*2 + 3*3) * 2 + 4 * 25 * 2
    assert layer_flops(dims, 5) == 540


def test_grouped_query_attention_shrinks_keys_and_values_only():
    full = DecoderDims(layers=1, hidden=8, ffn=16, heads=4, kv_heads=4, head_dim=2)
    grouped = DecoderDims(layers=1, hidden=8, ffn=16, heads=4, kv_heads=1, head_dim=2)
    # K and V each lose 3 heads of width 2: 2 n * 2 * 6 * d
    assert layer_flops(full, 10) - layer_flops(grouped, 10) == 2 * 10 * 2 * 6 * 8
    assert kv_bytes_per_layer(full, 10, 4) == 4 * kv_bytes_per_layer(grouped, 10, 4)
    assert kv_bytes_per_layer(grouped, 10, 4) == 2 * 10 * 1 * 2 * 4


def test_cost_grows_with_k_and_k_zero_is_text_alone():
    flops = flops_at_every_k(dims_7b(), 64, 576)
    assert (np.diff(flops) > 0).all()
    assert flops[0] == 32 * layer_flops(dims_7b(), 64)
    kv = kv_bytes_at_every_k(dims_7b(), 64, 576, 2)
    assert kv[0] == 32 * 2 * 64 * 4096 * 2
    assert kv[-1] == 32 * 2 * 640 * 4096 * 2


def test_per_layer_counts_agree_with_every_k():
    counts = (640,) * 16 + (64,) * 16
    assert flops_per_layer_counts(dims_7b(), counts) == flops_at_every_k(dims_7b(), 64, 576)[16]


def test_sizes_come_from_the_config_and_defaults_are_filled():
    config = SimpleNamespace(
        num_hidden_layers=3, hidden_size=32, intermediate_size=64, num_attention_heads=4
    )
    dims = DecoderDims.from_config(config)
    assert (dims.kv_heads, dims.head_dim) == (4, 8)
