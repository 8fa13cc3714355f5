"""docs/scale.md shows what `python -m benchmarks.scale` measured, and its formulas count right."""

import json

import pytest

from benchmarks.scale import report
from benchmarks.scale.theory import Shape, prefill_flops, sample_bytes, sample_flops
from vtw_core.measures.cost import DecoderDims, layer_flops


def test_the_page_shows_the_kept_results():
    results = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    page = report.PAGE.read_text(encoding="utf-8")
    assert report.measured(results) in page
    assert report.worked_out() in page
    assert report.FIGURE.is_file()


def test_memory_is_as_predicted_and_time_of_the_order_of_the_prediction():
    results = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    for one in results["growth"]:
        assert one["bytes"] == one["bytes_predicted"]
        assert 0.5 < one["measured"] / one["predicted"] < 3


def test_a_sample_by_hand():
    dims = DecoderDims(layers=2, hidden=4, ffn=8, heads=2, kv_heads=2, head_dim=2)
    token = 2 * (4 * 4 + 3 * 8) * 4  # four projections and three matrices of a layer, one row
    shape = Shape(before=1, visual=3, after=2, answer=1)
    assert shape.rows == 2
    swept = 2 * token + 4 * 2 * 3 * 4  # two rows, each of which sees three
    prefill = 2 * layer_flops(dims, 6)
    assert prefill_flops(dims, shape) == prefill
    assert sample_flops(dims, shape) == prefill + 3 * swept
    longer = Shape(before=1, visual=3, after=2, answer=2)
    decoded = token + 4 * 8 * 4
    swept = 3 * token + 4 * 3 * 4 * 4
    assert sample_flops(dims, longer) == prefill + 3 * swept + (2 + 4) * decoded
    kv = 2 * 4 * 2  # keys and values of a token and layer, two bytes each
    assert sample_bytes(dims, shape, 2) == 2 * 6 * kv + 3 * 2 * 4 * 2 + 3 * 2 * kv


def test_the_loop_runs_the_whole_model_on_average_half_of_the_time():
    dims = DecoderDims(layers=32, hidden=64, ffn=128, heads=4, kv_heads=4, head_dim=16)
    shape = Shape(before=0, visual=10_000, after=1, answer=1)
    assert report.loop_prefills(dims, shape) == pytest.approx(33 / 2, rel=0.01)
