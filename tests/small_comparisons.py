"""A small comparison of methods to test with: three layers, four patches, two answer tokens."""

import dataclasses

import numpy as np

from vtw_core import Sampling
from vtw_core.results.comparison import MethodComparison, MethodEntry, MethodSeconds, VisionCounts
from vtw_core.results.fates import LayerFates, TokenFates
from vtw_core.strategies.mustdrop.record import (
    FATES,
    FELL,
    GONE,
    KEPT_BOTH,
    PROTECTED,
)


def small_entry(label="baseline", **changes):
    """A baseline over four visual tokens; changes make a method of it."""
    fields = {
        "label": label,
        "strategy": {"name": "none"},
        "tokens_wanted": None,
        "answer": "a red ball",
        "tokens": ("a red", " ball"),
        "token_ids": (6, 7),
        "stopped": True,
        "visual_tokens_per_layer": (4, 4, 4),
        "cached_visual_tokens_per_layer": (4, 4, 4),
        "vision": None,
        "flops": 8e6,
        "kv_bytes": 4000,
        "seconds": MethodSeconds(0.02, 0.1, 0.05),
        "kl_positions": np.zeros(2),
        "kl_positions_reverse": np.zeros(2),
        "agrees": np.array([True, True]),
        "fates": None,
    }
    return MethodEntry(**{**fields, **changes})


def small_filter(layer, fate, share, peak):
    """One run of MustDrop's filter at gamma 0.05 and alpha 0.1."""
    return LayerFates(layer, fate, FATES, ("share", "peak"), [share, peak], [0.05, 0.1])


def small_record():
    """Two patches of four are one token; it is in the key set; of the others one falls."""
    nothing = np.nan
    return TokenFates(
        token_maps=(np.array([[0, 0], [1, 2]]),),
        sizes=np.array([2, 1, 1]),
        key=np.array([True, False, False]),
        decisions=(
            small_filter(0, [PROTECTED, FELL, KEPT_BOTH], [0.01, 0.02, 0.97], [0.0, 0.01, 0.6]),
            small_filter(1, [PROTECTED, GONE, KEPT_BOTH], [0.1, nothing, 0.9], [0, nothing, 0.5]),
        ),
        visual_tokens_per_layer=(3, 2, 2),
        cached_visual_tokens_per_layer=(2, 2, 2),
    )


def small_comparison(**changes):
    """A baseline, VTW at K = 1 with another answer, and MustDrop with all three stages."""
    fields = {
        "model": "embedded",
        "model_type": "llava",
        "layers": 3,
        "prompt": "What?",
        "visual_tokens": 4,
        "text_tokens": 3,
        "max_new_tokens": 4,
        "sampling": Sampling(),
        "flops_convention": "by hand",
        "dtype": "float32",
        "device": "cpu",
        "versions": (("vtw_core", "0"),),
        "created": "2026-01-01T00:00:00+00:00",
        "baseline": small_entry(),
        "entries": (
            small_entry(
                "vtw", strategy={"name": "vtw", "k": 1, "positions": "keep"},
                answer="a blue ball", tokens=("a blue", " ball"), token_ids=(9, 7),
                visual_tokens_per_layer=(4, 0, 0), cached_visual_tokens_per_layer=(4, 0, 0),
                flops=4e6, kv_bytes=1500, kl_positions=np.array([0.5, 2.5]),
                kl_positions_reverse=np.array([1.0, 3.0]), agrees=np.array([False, True]),
            ),
            small_entry(
                "mustdrop",
                strategy={"name": "mustdrop", "gamma": 0.05, "alpha": 0.1,
                          "vision": {"window": 2, "similarity": 0.8, "key_share": 0.08},
                          "prefill": True, "cache": True, "layers": None, "positions": "keep"},
                tokens_wanted=2.5, visual_tokens_per_layer=(3, 2, 2),
                cached_visual_tokens_per_layer=(2, 2, 2), vision=VisionCounts(4, 3, 1, 1),
                flops=3e6, kv_bytes=2000, kl_positions=np.array([1e-4, 2e-3]),
                kl_positions_reverse=np.array([1e-4, 2e-3]), fates=small_record(),
            ),
        ),
    }  # fmt: skip
    return MethodComparison(**{**fields, **changes})


def with_entries(*entries):
    """The same baseline beside other methods."""
    return dataclasses.replace(small_comparison(), entries=entries)
