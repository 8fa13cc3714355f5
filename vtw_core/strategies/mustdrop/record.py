"""Why MustDrop's filter let each token stay or fall, in the form that a viewer of fates takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from vtw_core.results.fates import GONE, LEFT, STAYED, TokenFates
from vtw_core.results.trace import Trace, VisualAttention
from vtw_core.strategies.mustdrop.rules import Verdict
from vtw_core.strategies.view import Decision

if TYPE_CHECKING:
    from vtw_core.strategies.mustdrop.strategy import MustDrop

FELL, KEPT_BOTH = LEFT, STAYED
KEPT_GLOBAL, KEPT_INDIVIDUAL, PROTECTED = range(KEPT_BOTH + 1, KEPT_BOTH + 4)
FATES: tuple[str, ...] = (
    "had left before",
    "fell: below both thresholds",
    "stayed: at or over both thresholds",
    "stayed: its share of all attention is gamma or more",
    "stayed: one text row gives it alpha or more",
    "below both thresholds, but in the key set",
)
"""What a fate's number stands for; GONE is the first."""
__all__ = [
    "FATES", "FELL", "GONE", "KEPT_BOTH", "KEPT_GLOBAL", "KEPT_INDIVIDUAL", "PROTECTED",
    "MustDropRecord", "decision",
]  # fmt: skip


def decision(attention: VisualAttention, verdict: Verdict, gamma: float, alpha: float) -> Decision:
    """Of one run of the filter: scores "share" (of all attention that the text gives the image)
    and "peak" (the most that one text row gives), compared with gamma and alpha."""
    fate = np.select(
        [
            verdict.falls,
            verdict.below_global & verdict.below_individual,
            verdict.below_global,
            verdict.below_individual,
        ],
        [FELL, PROTECTED, KEPT_INDIVIDUAL, KEPT_GLOBAL],
        KEPT_BOTH,
    )
    return Decision(
        kept=attention.columns[~verdict.falls],
        scores={"share": verdict.share, "peak": verdict.peak},
        thresholds={"share": gamma, "peak": alpha},
        fate=fate,
        reasons=FATES,
    )


class MustDropRecord:
    """The fates of tokens under MustDrop, judged again from what a run recorded."""

    @staticmethod
    def of(strategy: MustDrop, trace: Trace) -> TokenFates:
        """What a strategy decided in the run that left a trace."""
        layout = trace.layout
        judged = (
            strategy.judged(attention, layout).fates(layer, attention.columns, layout)
            for layer, attention in sorted(trace.attention.items())
        )
        decisions = tuple(one for one in judged if one is not None)
        return TokenFates.of(replace(trace, decisions=decisions))
