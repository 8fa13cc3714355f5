"""The record of a comparison of methods at equal budget (numpy and the standard library).

A `BudgetComparison` holds one number for each method, measure and question; means, medians,
intervals and paired differences are pure functions of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, Sentence
from vtw_core.files.axes import Axes
from vtw_core.files.serialization import misfit
from vtw_core.files.storage import Format
from vtw_core.measures.arrays import FloatArray, frozen
from vtw_core.measures.bootstrap import BAND_LEVEL, BAND_RESAMPLES, bootstrap_band
from vtw_core.results import older_files

Measure = Literal[
    "right", "same", "kl_answer", "kl_first", "visual_tokens", "flops", "kv_bytes",
    "prefill_time", "whole_time",
]  # fmt: skip
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""Of one method on one question.

right, same: 1 or 0, the answer is exactly the expected one, or the baseline's token for token.
kl_answer, kl_first: KL(P_full || P_method) in nats, mean over the tokens of the baseline's answer,
which is given to both, and at its first token.
visual_tokens: mean over the decoder's layers, in the prefill.
flops, kv_bytes: of the decoder's prefill and of the prompt's KV cache, as a share of the
baseline's.
prefill_time, whole_time: seconds over the baseline's on the same question, measured in turns; the
whole is the image's encoding, the prefill, and decoding as many tokens as the baseline's answer
has, at the method's own pace.
"""
TIMES: tuple[Measure, ...] = ("prefill_time", "whole_time")
"""Summed up by the median, since a machine's hiccups are no part of a method; all others by the
mean."""
SHORT = "short"
"""In place of a kind: all kinds of short answers together."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % bootstrap interval; of fewer than two questions the interval is the
    number itself."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Contender:
    """One method with one setting, on every question.

    Attributes:
        series: what it is one of, such as "vtw"; contenders of a series differ in budget alone.
        strategy: name and parameters, JSON-ready.
        wanted: visual tokens, mean over layers, that the setting was chosen for; None where the
            budget is not a matter of choice.
        values: [questions] of each of MEASURES that was measured.
    """

    series: str
    strategy: Mapping[str, Any]
    wanted: float | None
    values: Mapping[Measure, Annotated[FloatArray, Axes("questions")]] = field(repr=False)

    def __post_init__(self) -> None:
        kept = {name: frozen(values, np.float64) for name, values in self.values.items()}
        object.__setattr__(self, "values", kept)


@dataclass(frozen=True, eq=False)
class BudgetComparison:
    """Several methods on the same questions.

    Attributes:
        facts: where, when and on what it was measured, JSON-ready: model, layers, visual_tokens,
            k_star, eta, questions_per_kind, seed, weights_sha256, machine, and so on.
        kinds: [questions] the kind of each.
        long_kinds: those that are not answered in a word or two.
        contenders: the first is the baseline, nothing withdrawn.
        out_of_reach: (series, wanted) of settings that do not exist.

    Raises:
        InputError: lengths or values that cannot come from a comparison.
    """

    facts: Mapping[str, Any]
    kinds: Annotated[tuple[str, ...], Axes("questions")]
    long_kinds: tuple[str, ...]
    contenders: tuple[Contender, ...]
    out_of_reach: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not self.contenders or self.contenders[0].series != "none":
            raise InputError("A comparison begins with its baseline, the series 'none'.")
        problem = misfit(self)
        if problem:
            raise InputError("This is not a coherent comparison: {problem}.", problem=problem)
        for one in self.contenders:
            for name, values in one.values.items():
                if not np.isfinite(values).all():
                    raise InputError(
                        "{name} of {series} needs one finite number for each question.",
                        name=name,
                        series=one.series,
                    )

    @property
    def baseline(self) -> Contender:
        """Nothing withdrawn."""
        return self.contenders[0]

    @property
    def every_kind(self) -> tuple[str, ...]:
        """The kinds, in the order of the questions."""
        return tuple(dict.fromkeys(self.kinds))

    def at(self, wanted: float | None) -> tuple[Contender, ...]:
        """Those set to one budget."""
        return tuple(one for one in self.contenders if one.wanted == wanted)

    def questions(self, kind: str) -> NDArray[np.bool_]:
        """[questions] which ones are of a kind, or of any short kind (SHORT).

        Raises:
            InputError: there is no question of that kind.
        """
        kinds = np.array(self.kinds)
        chosen = ~np.isin(kinds, self.long_kinds) if kind == SHORT else kinds == kind
        if not chosen.any():
            raise InputError("There is no question of the kind {kind!r}.", kind=kind)
        return np.asarray(chosen)

    def estimates(self, measure: Measure, kind: str = SHORT) -> tuple[Estimate, ...]:
        """[contenders] one number each: the median of a time, the mean of anything else."""
        chosen = self.questions(kind)
        values = np.stack([one.values[measure][chosen] for one in self.contenders], axis=1)
        return _medians(values) if measure in TIMES else _means(values)

    def difference(
        self, one: Contender, other: Contender, measure: Measure, kind: str = SHORT
    ) -> Estimate:
        """Mean of `one` less `other`, question by question."""
        chosen = self.questions(kind)
        return _means((one.values[measure] - other.values[measure])[chosen, None])[0]

    def save(self, path: str | Path) -> Path:
        """Write it to one file that `load_budget_comparison` reads back exactly; returns the path.

        Raises:
            InputError: the file cannot be written.
        """
        return _FORMAT.write(self, path)


def load_budget_comparison(path: str | Path) -> BudgetComparison:
    """Read a file of `BudgetComparison.save`.

    Raises:
        InputError: missing, damaged, too large, of another version, or no comparison.
    """
    return _FORMAT.read(path)


_FORMAT = Format(
    name="vtw-equal-budget",
    version=3,
    kind=BudgetComparison,
    what=Sentence("comparison of methods over questions"),
    writer="BudgetComparison.save",
    again=Sentence("measure again with `python -m benchmarks.methods`"),
    smaller=Sentence("compare on fewer questions"),
    older=older_files.budget,
    most_header=32 * 2**20,
    most_array_bytes=32 * 2**20,
    most_values=4_000_000,
)


def _means(values: NDArray[np.float64]) -> tuple[Estimate, ...]:
    """Of values [questions, n]."""
    means = values.mean(axis=0)
    band = bootstrap_band(values)
    return _estimates(means, (means, means) if band is None else band)


def _medians(values: NDArray[np.float64]) -> tuple[Estimate, ...]:
    """Of values [questions, n], by the percentile bootstrap too.

    Which of the sorted values a resample has in its middle does not depend on the values, so it is
    drawn once for all.
    """
    count = len(values)
    ordered = np.sort(values, axis=0)
    draws = np.random.default_rng(0).integers(count, size=(BAND_RESAMPLES, count))
    draws.sort(axis=1)
    middle = (ordered[draws[:, (count - 1) // 2]] + ordered[draws[:, count // 2]]) / 2
    tail = (1 - BAND_LEVEL) / 2
    return _estimates(np.median(values, axis=0), np.quantile(middle, [tail, 1 - tail], axis=0))


def _estimates(
    values: NDArray[np.float64], band: Sequence[NDArray[np.float64]] | NDArray[np.float64]
) -> tuple[Estimate, ...]:
    triples = zip(values.tolist(), band[0].tolist(), band[1].tolist(), strict=True)
    return tuple(Estimate(*triple) for triple in triples)
