"""Whether the parts of a comparison of methods fit together, wherever it comes from."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import Sentence
from vtw_core.families.layout import IntArray
from vtw_core.files.serialization import misfit
from vtw_core.results.fates import GONE, LayerFates, TokenFates
from vtw_core.results.inside import images_problem

if TYPE_CHECKING:
    from vtw_core.results.comparison import MethodComparison, MethodEntry

MOST_METHODS = 32


def incoherence(comparison: "MethodComparison") -> Sentence | None:
    """What does not fit together in a comparison, in words; None when all is well."""
    counts = ("layers", "visual_tokens", "text_tokens", "max_new_tokens")
    if min(getattr(comparison, name) for name in counts) < 1:
        return Sentence("a count that must be at least 1 is not")
    if len(comparison.entries) > MOST_METHODS:
        return Sentence("it has more than {most} methods", most=MOST_METHODS)
    problem = misfit(comparison)
    if problem:
        return problem
    everyone = comparison.everyone
    if len({entry.label for entry in everyone}) < len(everyone):
        return Sentence("two methods have one label")
    baseline = comparison.baseline
    if len(baseline.kl_positions) != len(baseline.token_ids):
        return Sentence("KL needs one entry for each token of the baseline's answer")
    if baseline.kl_positions.any() or not baseline.agrees.all():
        return Sentence("the baseline differs from itself")
    if set(baseline.visual_tokens_per_layer) != {comparison.visual_tokens}:
        return Sentence("its baseline does not see every visual token")
    for entry in everyone:
        problem = _problem_of_entry(entry, comparison)
        if problem:
            return Sentence("of {label!r}, {problem}", label=entry.label[:40], problem=problem)
    return None


def _problem_of_entry(entry: "MethodEntry", comparison: "MethodComparison") -> Sentence | None:
    if not isinstance(entry.strategy.get("name"), str):
        return Sentence("the strategy has no name")
    if not 1 <= len(entry.token_ids) <= comparison.max_new_tokens:
        return Sentence("the answer has no token, or too many")
    seen = np.array(entry.visual_tokens_per_layer)
    cached = np.array(entry.cached_visual_tokens_per_layer)
    if seen[0] > comparison.visual_tokens or (np.diff(seen) > 0).any():
        return Sentence("a visual token comes back")
    if min(*seen, *cached) < 0 or (cached > seen).any():
        return Sentence("a layer's cache holds tokens that it never saw")
    for name in ("kl_positions", "kl_positions_reverse"):
        kl = getattr(entry, name)
        if not np.isfinite(kl).all() or (kl < 0).any():
            return Sentence("{name} must be finite and not negative", name=name)
    numbers = [entry.flops, entry.seconds.encode, entry.seconds.prefill, entry.seconds.decode]
    if entry.tokens_wanted is not None:
        numbers.append(entry.tokens_wanted)
    if not np.isfinite(numbers).all() or min(numbers) < 0 or min(entry.flops, entry.kv_bytes) <= 0:
        return Sentence("costs must be finite and not negative")
    if entry.vision is not None and min(vars(entry.vision).values()) < 0:
        return Sentence("counts of the vision stage must not be negative")
    if entry.fates is None:
        return None
    if (
        entry.fates.visual_tokens_per_layer != entry.visual_tokens_per_layer
        or entry.fates.cached_visual_tokens_per_layer != entry.cached_visual_tokens_per_layer
    ):
        return Sentence("the record of fates counts other tokens")
    return _problem_of_record(entry.fates, comparison.layers)


def _problem_of_record(record: TokenFates, layers: int) -> Sentence | None:
    tokens = len(record.sizes)
    problem = images_problem(record.images, len(record.token_maps))
    if problem:
        return Sentence("in the record of fates, {problem}", problem=problem)
    if tokens != record.visual_tokens_per_layer[0] or not record.token_maps:
        return Sentence("the record of fates does not show every token")
    owners = np.concatenate([one.ravel() for one in record.token_maps])
    if not _within(owners, tokens):
        return Sentence("a patch shows no token of the record of fates")
    if (np.bincount(owners, minlength=tokens) != record.sizes).any():
        return Sentence("the sizes in the record of fates are not those of its maps")
    order = [one.layer for one in record.decisions]
    if order != sorted(set(order)) or not _within(np.array(order, dtype=np.int64) + 1, layers):
        return Sentence("the decisions about tokens are not in ascending layers")
    return next(filter(None, map(_problem_of_decision, record.decisions)), None)


def _problem_of_decision(one: LayerFates) -> Sentence | None:
    if len(set(one.names)) < len(one.names):
        return Sentence("two scores of a decision have one name")
    if not _within(one.fate, len(one.reasons)):
        return Sentence("a decision names an unknown fate")
    gone = one.fate == GONE
    if not (np.isfinite(one.scores) == ~gone).all():
        return Sentence(
            "a decision's scores must be numbers where a token is, and nothing elsewhere"
        )
    return None


def _within(indices: IntArray | NDArray[np.int8], end: int) -> bool:
    """Whether all are 0 to end - 1."""
    return bool(((indices >= 0) & (indices < end)).all())
