"""Who is compared: each method with settings that leave the same visual tokens, mean over layers.

VTW at K leaves K/L of them, so its K say the budgets, and the others are set to the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vtw_core.compare.threshold_search import fit_mustdrop
from vtw_core.errors import InputError
from vtw_core.measures.budget import dropped_share, withdrawn_mean
from vtw_core.model import VisionLanguageModel
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.fastv import FastV
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.strategies.mustdrop import EQUAL_THRESHOLDS, MustDrop
from vtw_core.strategies.random_drop import RandomDrop, RandomWithdrawal
from vtw_core.strategies.registry import registered
from vtw_core.strategies.vtw import VisualTokenWithdrawal

FASTV_K = 2  # as published
_FITS = 3  # searches for MustDrop's thresholds at most
_STAGES = {
    "mustdrop": MustDrop(*EQUAL_THRESHOLDS),
    "mustdrop_ab": MustDrop(*EQUAL_THRESHOLDS, cache=False),
    "mustdrop_b": MustDrop(*EQUAL_THRESHOLDS, vision=None, cache=False),
}


@dataclass(frozen=True)
class Setting:
    """One method with one setting.

    Attributes:
        series: see `vtw_core.results.equal_budget.Contender`.
        strategy: None for a control that takes as many visual tokens in each layer as another
            setting had on the same question, at random.
        budget: visual tokens, mean over layers; None for the baseline.
        follows: place of that other setting in the list.
    """

    series: str
    strategy: Strategy | None
    budget: float | None
    follows: int | None = None

    def on(self, question: int, schedule: tuple[int, ...] | None) -> Strategy:
        """What runs on one question: the controls draw again for each.

        Args:
            schedule: [L] visual tokens of the setting that this one follows; None if it follows
                none.
        """
        if schedule is not None:
            return RandomDrop(schedule, seed=question)
        if self.strategy is None:
            raise ValueError(f"setting {self.follows}, which this one follows, has not run yet")
        return self.strategy.seeded(question)

    def describe(self) -> dict[str, Any]:
        """Name and parameters, JSON-ready."""
        return {"name": "random"} if self.strategy is None else self.strategy.describe()


def ks(layers: int, k_star: int) -> tuple[int, ...]:
    """K at which VTW is shown besides 0: half and three quarters of K*, K*, halfway to L."""
    chosen = {k_star // 2, round(k_star * 3 / 4), k_star, (k_star + layers) // 2}
    return tuple(sorted(k for k in chosen if 0 < k < layers))


def settings(
    vlm: VisionLanguageModel, visual: int, k_star: int, samples: Sequence[tuple[Any, str]]
) -> tuple[list[Setting], list[tuple[str, float]]]:
    """All that is compared, the baseline first, and (series, tokens) of what is out of reach.

    Args:
        visual: visual tokens of a prompt.
        samples: (image, prompt) on which MustDrop's thresholds are fitted.
    """
    layers, missing = vlm.layers, list[tuple[str, float]]()
    budgets = {k: withdrawn_mean(k, layers, visual) for k in ks(layers, k_star)}
    found = [Setting("none", KeepAll(), None)]
    found += [
        Setting("vtw", VisualTokenWithdrawal(k), withdrawn_mean(k, layers, visual))
        for k in (0, *budgets)
    ]
    for series, stages in _STAGES.items():
        only = budgets if series == "mustdrop" else {k_star: budgets[k_star]}
        for budget in only.values():
            try:
                fit = fit_mustdrop(vlm, samples, budget, stages, rounds=_FITS)
            except InputError:  # no thresholds leave so many
                missing.append((series, budget))
            else:
                found.append(Setting(series, fit.strategy, budget))
    found += _fastv(layers, visual, k_star, budgets)
    found += further(layers, visual, budgets)
    found += [
        Setting(f"random_{one.series}", None, one.budget, follows=place)
        for place, one in enumerate(found)
        if one.series in ("fastv", "mustdrop")
    ]
    found += [
        Setting("random_vtw", RandomWithdrawal(k), budget)
        for k, budget in budgets.items()
        if k <= k_star
    ]
    return found, missing


def further(layers: int, visual: int, budgets: dict[int, float]) -> Iterator[Setting]:
    """Strategies that the library does not come with and that need no parameter: set to every
    budget, or as they are where they cannot be set by counting."""
    for name, (kind, *_) in registered().items():
        is_own = kind.__module__.startswith("vtw_core.")
        if is_own or any(one.is_required for one in kind.parameters()):
            continue
        plain = kind.from_options({})
        fitted = [(plain.fitted_to(budget, layers, visual), budget) for budget in budgets.values()]
        if all(strategy is None for strategy, _ in fitted):
            yield Setting(name, plain, None)
        yield from (Setting(name, one, budget) for one, budget in fitted if one is not None)


def _fastv(layers: int, visual: int, k_star: int, budgets: dict[int, float]) -> Iterator[Setting]:
    """FastV at its published K, and later, where the model has begun to read the picture."""

    def at(series: str, k: int, of: int, ranking: Any = "last_token") -> Setting:
        ratio = dropped_share(budgets[of], k, layers, visual)
        return Setting(series, FastV(k, ratio, ranking), budgets[of])

    for series, k in (
        ("fastv", FASTV_K), ("fastv_middle", k_star // 2), ("fastv_late", round(k_star * 3 / 4)),
    ):  # fmt: skip
        if series == "fastv" or k > FASTV_K:
            # At its own K no token would stay: that is VTW.
            yield from (at(series, k, of) for of in budgets if of > k)
    if k_star > FASTV_K:
        yield at("fastv_mean", FASTV_K, k_star, "text_mean")
