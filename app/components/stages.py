"""A method's decisions over the picture: which tokens were merged, left or stayed, and why.

One run travels whole; moving through the stages and dragging a threshold of MustDrop touch no
server. Letting go sends ``release``, and the model runs again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from vtw_core.results.fates import LEFT, REASONS, LayerFates, TokenFates
from vtw_core.strategies.mustdrop.record import (
    FELL,
    GONE,
    KEPT_BOTH,
    KEPT_GLOBAL,
    KEPT_INDIVIDUAL,
    PROTECTED,
)

from ..figures import style
from ..state import Dropped, Judged
from ..words import stages as text
from .files import read, script

FATE_NAMES = {
    GONE: "gone", FELL: "fell", KEPT_BOTH: "both", KEPT_GLOBAL: "global",
    KEPT_INDIVIDUAL: "individual", PROTECTED: "protected",
}  # fmt: skip
KEPT = len(FATE_NAMES)
"""After MustDrop's: every way to stay in a strategy of which only its scores are known."""
MARGIN = 1.4
"""By how much a slider goes beyond the values seen."""
LEAST = 1e-6
COLOURS = {
    "share": style.CURVES[0], "fell": style.CURVES[1], "both": style.CURVES[2],
    "peak": style.CURVES[3], "saved": style.VISUAL,
}  # fmt: skip


def stages(elem_id: str) -> gr.HTML:
    """Build the component; its value is of `show_stages`.

    ``release`` fires with ``{asked, gamma, alpha, stages}`` when a visitor lets go of a threshold:
    a visitor's input, see `app.sections.stages.Wanted`.
    """
    terms = [list(term) for term in text.TERMS]
    fates = [*(FATE_NAMES[fate] for fate in sorted(FATE_NAMES)), "kept"]
    return gr.HTML(
        value=None,
        html_template=read("stages.html"),
        css_template=read("stages.css"),
        js_on_load=script(
            "stages.js", words=text.STAGES, terms=terms, fates=fates, colours=COLOURS
        ),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="stages-part",
    )


def show_stages(
    judged: Judged, pictures: Sequence[str], *, asked: int = 0, notice: str | None = None
) -> dict[str, Any]:
    """Everything the component draws.

    Args:
        pictures: data URL of each picture of the prompt, beside the first of its grids; none shows
            the grids alone.
        asked: the number of the ``release`` that this answers, so that the browser notices each,
            and waits for its last; 0 for another run.
        notice: a sentence about what did not work.
    """
    record = judged.record
    return {
        "asked": asked,
        "notice": notice,
        "images": list(record.images),
        "pictures": list(pictures),
        "answer": judged.answer,
        "label": judged.label,
        "tokenMaps": [tokens.tolist() for tokens in record.token_maps],
        "sizes": record.sizes.tolist(),
        "key": record.key.tolist(),
        "filters": [_filter(judged, one) for one in record.decisions],
        "perLayer": list(record.visual_tokens_per_layer),
        "cached": list(record.cached_visual_tokens_per_layer),
        **_setting(judged),
    }


def _setting(judged: Judged) -> dict[str, Any]:
    """``tries``: whether a visitor may try other thresholds; otherwise what the scores are."""
    if isinstance(judged, Dropped):
        return {
            "tries": True,
            "gamma": judged.gamma,
            "alpha": judged.alpha,
            "stages": {stage: stage in judged.stages for stage in "abc"},
            "ranges": threshold_ranges(judged.record, judged.gamma, judged.alpha),
        }
    names = {name for one in judged.record.decisions for name in one.names}
    merges = bool(judged.record.merged_windows or judged.record.key.any())
    return {
        "tries": False,
        "gamma": None,
        "alpha": None,
        "stages": {"a": merges, "b": False, "c": False},
        "scores": {name: _about_score(name, judged.ranking) for name in names},
    }


def _about_score(name: str, ranking: str) -> dict[str, Any]:
    """``isShare``: whether it is a part of attention, printed in per cent."""
    known = text.SCORES.get(f"{name} {ranking}".strip())
    title, told = known or (name, text.SCORE_OF_ITS_OWN.format(name=name))
    return {"title": title, "told": told, "isShare": known is not None}


def _filter(judged: Judged, one: LayerFates) -> dict[str, Any]:
    """``reasons`` are told where a strategy has more of them than a viewer knows."""
    fate, is_known = one.fate, isinstance(judged, Dropped)
    return {
        "layer": one.layer,
        "fate": (fate if is_known else np.where(fate > LEFT, KEPT, fate)).tolist(),
        "scores": {name: _numbers(one.score(name)) for name in one.names},
        "thresholds": dict(zip(one.names, _numbers(one.thresholds), strict=True)),
        "reasons": (
            None if is_known or one.reasons == REASONS else [one.reasons[n] for n in fate.tolist()]
        ),
    }


def threshold_ranges(
    record: TokenFates, gamma: float, alpha: float
) -> dict[str, tuple[float, float]]:
    """The ends of each threshold's slider: from where nothing falls for it to where all may."""
    shares = [one.score("share") for one in record.decisions]
    peaks = [one.score("peak") for one in record.decisions]
    return {"gamma": _range(shares, gamma), "alpha": _range(peaks, alpha)}


def _range(values: list[NDArray[np.float64]], threshold: float) -> tuple[float, float]:
    """Around the values above 0 and the threshold in use; none is more than 1."""
    seen = np.concatenate([*values, [threshold]])
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if not len(seen):
        return 1e-4, 1.0
    # A token that nobody looks at would stretch the scale over many empty decades.
    low = max(min(seen.min(), 1.0) / MARGIN, LEAST)
    return float(low), float(min(max(seen.max() * MARGIN, low * 10), 1.0))


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """In full, since the browser predicts from them; None where a token had left."""
    return [None if math.isnan(value) else value for value in values.tolist()]
