"""Whether the parts of a run fit together, wherever it comes from."""

from typing import TYPE_CHECKING

import numpy as np

from vtw_core.errors import Sentence
from vtw_core.families.layout import check_positions
from vtw_core.files.serialization import misfit

if TYPE_CHECKING:
    from vtw_core.results.run import Run

SEGMENTS = ("bos", "system", "visual", "question")


def incoherence(run: "Run") -> Sentence | None:
    """What does not fit together in a run, in words; None when all is well."""
    prompt = run.prompt_tokens
    if run.layers < 1 or run.visual_tokens < 1 or run.text_tokens < 1 or run.max_new_tokens < 1:
        return Sentence("a count that must be at least 1 is not")
    if min(map(min, run.image_sizes)) < 1 or min(run.grid) < 1 or run.kv_bytes_per_layer < 1:
        return Sentence("a size that must be at least 1 is not")
    problem = misfit(run)
    if problem:
        return problem
    if len(run.tokens) != prompt:
        return Sentence(
            "tokens and segments need {count} entries, one for each prompt token", count=prompt
        )
    if not set(run.segments) <= set(SEGMENTS):
        return Sentence("a segment is none of {names}", names=", ".join(SEGMENTS))
    if run.segments.count("visual") != run.visual_tokens:
        return Sentence("the visual segment does not have as many tokens as it says")
    for ids, pieces in zip(run.answer_ids, run.answer_tokens, strict=True):
        if not ids or len(ids) != len(pieces) or len(ids) > run.max_new_tokens:
            return Sentence("an answer has no token, too many, or not one piece for each")
    top = run.first_probabilities
    if not ((top >= 0) & (top <= 1 + 1e-6)).all():
        return Sentence("first_probabilities must be 0 to 1")
    if not 0 <= run.k_min <= run.layers:
        return Sentence("k_min must be one of the K")
    check_positions(run.positions)
    for name in ("kl_positions", "kl_positions_reverse"):
        kl = getattr(run, name)
        if not (np.isfinite(kl).all() and (kl >= 0).all() and (kl[-1] == 0).all()):
            return Sentence("{name} must be finite, not negative, and 0 at K = L", name=name)
    if run.kl_positions.shape[1] != len(run.answer_ids[run.layers]):
        return Sentence("KL needs one entry for each token of the baseline's answer")
    for name in ("flops", "kv_bytes"):
        values = getattr(run, name)
        if not np.isfinite(values).all() or (values <= 0).any():
            return Sentence("{name} must be positive, finite numbers", name=name)
    if run.inside is not None:
        inside, queries = run.inside, run.inside.attention.query_positions
        if max(inside.images) >= len(run.image_sizes):
            return Sentence("its inside has other images")
        if inside.positions != prompt + run.kl_positions.shape[1] - 1:
            return Sentence("its inside has other tokens")
        if any(run.segments[where] == "visual" for where in queries[queries < prompt]):
            return Sentence("a text row of its inside is a visual token")
    times = run.seconds
    every = [times.encode_image, times.kl_curve, times.answers, times.total]
    if times.are_at_every_k:
        every += [*times.prefill, *times.decode]
    if not np.isfinite(every).all() or min(every) < 0:
        return Sentence("seconds must be finite and not negative")
    return None
