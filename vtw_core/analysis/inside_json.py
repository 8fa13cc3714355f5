"""What was recorded inside a run as plain lists and numbers, for `explore --json`.

The means that say where attention goes and what that does; the whole record, each head and row of
it, is in the saved run. docs/quantities.md defines every number.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from vtw_core.analysis.rows import IntArray, inside_of, select_rows
from vtw_core.analysis.sinks import head_mass, segment_mass, sink_tokens, sink_verdict
from vtw_core.results.inside import SEGMENTS, Counterfactual, Inside
from vtw_core.results.run import Run

SINKS = 5


def inside_json(run: Run) -> dict[str, Any]:
    """The object "inside" of `explore --json`: index k is K = k, l a layer, x a state after x
    layers, t a token of the baseline's answer; means are over heads and over all text rows that
    depend on the image.

    Raises:
        InputError: nothing was recorded inside the run.
    """
    inside = inside_of(run)
    rows = select_rows(inside, "all_text", run.prompt_tokens)
    return {
        "rows": len(rows),
        "attention": _attention(inside, rows),
        "sinks": [asdict(one) for one in sink_tokens(run, SINKS)],
        "verdict": asdict(sink_verdict(run)),
        "lens": _lens(inside),
        "hidden_states": {
            "cosine_at_k": inside.cosine.astype(np.float64).mean(axis=2).tolist(),
            "norm_ratio_at_k": inside.norm_ratio.astype(np.float64).mean(axis=2).tolist(),
            "outliers": inside.outliers.astype(np.float64).max(axis=1).tolist(),
        },
        "log_probability_at_k": inside.log_probability.tolist(),
        "counterfactuals": [_test(inside, test) for test in inside.counterfactuals],
    }


def _attention(inside: Inside, rows: IntArray) -> dict[str, Any]:
    attention = inside.attention
    return {
        "segments": list(SEGMENTS),
        "mass": segment_mass(attention, rows).tolist(),
        "mass_at_k": [
            segment_mass(attention, rows, k=k).tolist() for k in range(inside.layers + 1)
        ],
        "visual_mass_of_heads": head_mass(attention, rows, ["visual"]).tolist(),
        "entropy_nats": attention.entropy[:, :, rows].astype(np.float64).mean(axis=(1, 2)).tolist(),
    }


def _lens(inside: Inside) -> dict[str, Any]:
    lens = inside.lens
    return {
        "first_token": [
            [
                {"token": lens.pieces[token], "probability": probability}
                for token, probability in zip(ids, probabilities, strict=True)
            ]
            for ids, probabilities in zip(
                lens.top[:, 0].tolist(), lens.top_probabilities[:, 0].tolist(), strict=True
            )
        ],
        "answer_probability": lens.answer_probability.tolist(),
        "first_probability_at_k": lens.first_probability.tolist(),
    }


def _test(inside: Inside, test: Counterfactual) -> dict[str, Any]:
    """KL of a causal test, [k, t], and the first token that it predicts, [k]."""
    tests = {
        f"{name}_first_token": [
            inside.lens.pieces[token] for token in getattr(test, f"{name}_picks")[:, 0].tolist()
        ]
        for name in ("swapped", "misled")
    }
    return {
        "name": test.name,
        "swapped_kl": test.swapped_kl.tolist(),
        "misled_kl": test.misled_kl.tolist(),
        **tests,
    }
