"""Comparisons at equal budget of made-up numbers, for tests that need no model."""

import numpy as np

from vtw_core.results.equal_budget import MEASURES, BudgetComparison, Contender

LAYERS, VISUAL, K_STAR = 8, 64, 4
FACTS = {
    "model": "made up", "weights_sha256": "0" * 64, "layers": LAYERS, "visual_tokens": VISUAL,
    "k_star": K_STAR, "eta": 0.003, "questions_per_kind": 6, "seed": 1, "fit_questions": 2,
    "flops_convention": "none", "processor": "none", "threads": 1, "cores": 1, "load": 1.0,
    "torch": "0", "transformers": "0", "date": "2026-01-01",
}  # fmt: skip


def contender(series, strategy, budget, right, kinds, *, rng, cost=1.0):
    """One that is right with a probability, on every question alike."""
    count = len(kinds)
    is_none = series == "none"
    values = {
        "right": rng.random(count) < right,
        "same": rng.random(count) < right,
        "kl_answer": np.zeros(count) if is_none else rng.exponential(1.5 - right, count),
        "kl_first": np.zeros(count) if is_none else rng.exponential(1.5 - right, count),
        "visual_tokens": np.full(count, VISUAL * cost),
        **{name: np.full(count, cost) for name in ("flops", "kv_bytes")},
        **{name: cost * rng.uniform(1, 1.2, count) for name in ("prefill_time", "whole_time")},
    }
    assert set(values) == set(MEASURES)
    return Contender(series, strategy, budget, values)


def made_up_comparison(per_kind=6):
    """Every series at two budgets, MustDrop out of reach at one of them."""
    rng = np.random.default_rng(3)
    kinds = ("color",) * per_kind + ("count",) * per_kind + ("describe",) * per_kind
    every = [contender("none", {"name": "none"}, None, 1.0, kinds, rng=rng)]
    every.append(contender("vtw", {"name": "vtw", "k": 0}, 0.0, 0.2, kinds, rng=rng, cost=0.1))
    for k in (2, K_STAR):
        budget, cost = VISUAL * k / LAYERS, k / LAYERS
        for series, strategy, right in (
            ("vtw", {"name": "vtw", "k": k}, 0.95),
            ("mustdrop", {"name": "mustdrop"}, 0.4),
            ("mustdrop_b", {"name": "mustdrop"}, 0.5),
            ("fastv", {"name": "fastv", "k": 1}, 0.6),
            ("random_fastv", {"name": "random"}, 0.3),
            ("random_mustdrop", {"name": "random"}, 0.7),
            ("random_vtw", {"name": "random", "k": k}, 0.5),
        ):
            if not (series.endswith("mustdrop") and k == 2):
                every.append(contender(series, strategy, budget, right, kinds, rng=rng, cost=cost))
    return BudgetComparison(
        FACTS, kinds, ("describe",), tuple(every), (("mustdrop", VISUAL * 2 / LAYERS),)
    )
