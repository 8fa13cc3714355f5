"""What a method left and dropped, as tables to take away."""

from __future__ import annotations

from typing import Any

import numpy as np

from vtw_core.results.fates import LEFT, REASONS, LayerFates

from ..state import Dropped, Judged
from ..words import stages as text
from ..words.digits import significant
from .chart import Table


def flow_table(judged: Judged) -> Table:
    """Visual tokens from the patches to the last layer and to each layer's KV cache."""
    record = judged.record
    tokens, extra = len(record.sizes), int((record.sizes == 0).sum())
    shown, windows = int(record.sizes.sum()), record.merged_windows
    in_windows = int(record.sizes[record.sizes > 1].sum())
    left = shown + extra - tokens
    why = text.FLOW_WHY_MERGED.format(patches=in_windows, windows=windows) if left else ""
    rows: list[tuple[Any, ...]] = [
        (text.FLOW_PATCHES, shown + extra, shown, 0, "", ""),
        (text.FLOW_MERGED, tokens, shown, left, why, ""),
    ]
    filters = {one.layer: one for one in record.decisions}
    seen, cached = record.visual_tokens_per_layer, record.cached_visual_tokens_per_layer
    for layer in range(len(seen)):
        falls = filters[layer].fate == LEFT if layer in filters else np.zeros(tokens, bool)
        fell = int(falls.sum())
        step = text.FLOW_LAYER.format(layer=layer)
        why = _why_left(judged, filters[layer]) if fell else ""
        rows.append((step, seen[layer], shown, fell, why, cached[layer]))
        shown -= int(record.sizes[falls].sum())
    return Table(
        name="mustdrop_flow" if isinstance(judged, Dropped) else "token_flow",
        title=text.FLOW_TITLE, x_label="", y_label="", unit="",
        caption=_caption(judged),
        summary=text.FLOW_SUMMARY.format(
            first=seen[0], last=seen[-1], mean=np.mean(seen), cached=np.mean(cached),
        ),
        columns=text.FLOW_COLUMNS, rows=tuple(rows),
    )  # fmt: skip


def _caption(judged: Judged) -> str:
    if not isinstance(judged, Dropped):
        return str(text.FLOW_CAPTION_OF.format(label=judged.label))
    return str(text.FLOW_CAPTION.format(
        gamma=significant(judged.gamma), alpha=significant(judged.alpha),
        stages=" ".join(judged.stages) or "–",
    ))  # fmt: skip


def _why_left(judged: Judged, one: LayerFates) -> str:
    if isinstance(judged, Dropped):
        return str(text.FLOW_WHY_FELL.format(gamma=judged.gamma, alpha=judged.alpha))
    return str(text.FLOW_WHY_LEFT.format(names=text.LIST.join(one.names)))


def token_table(judged: Judged) -> Table:
    """One row for each visual token: where it is, its scores, and its fate."""
    record = judged.record
    columns = list(text.TOKENS_COLUMNS)
    for one in record.decisions:
        columns.append(text.TOKENS_FATE.format(layer=one.layer))
        columns += [_column(judged, one, name) for name in one.names]
    places = first_patches(judged)
    rows = []
    for token, size in enumerate(record.sizes.tolist()):
        key = text.YES if record.key[token] else text.NO
        row = [token, *places.get(token, ("", "", "")), size, key]
        for one in record.decisions:
            row += [_fate(judged, one, token), *one.scores[:, token].tolist()]
        rows.append(tuple(row))
    table = flow_table(judged)
    return Table(
        name=table.name.replace("flow", "tokens"),
        title=text.TOKENS_TITLE, x_label="", y_label="", unit="",
        caption=table.caption, summary=table.summary, columns=tuple(columns), rows=tuple(rows),
    )  # fmt: skip


def _column(judged: Judged, one: LayerFates, name: str) -> str:
    if isinstance(judged, Dropped):
        template = {"share": text.TOKENS_SHARE, "peak": text.TOKENS_PEAK}[name]
        return str(template.format(layer=one.layer))
    return str(text.TOKENS_SCORE.format(layer=one.layer, name=name))


def _fate(judged: Judged, one: LayerFates, token: int) -> str:
    """A strategy that knows more reasons says them in its own words."""
    fate = one.fate[token]
    if isinstance(judged, Dropped):
        return str(text.FATES[fate])
    return str(text.FATES_BY_SCORE[fate] if one.reasons == REASONS else one.reasons[fate])


def first_patches(judged: Judged) -> dict[int, tuple[int, int, int]]:
    """Token -> (grid, row, column) of its first patch; a token that shows none is not in it."""
    found: dict[int, tuple[int, int, int]] = {}
    for grid, tokens in enumerate(judged.record.token_maps):
        for (row, col), token in np.ndenumerate(tokens):
            found.setdefault(int(token), (grid, row, col))
    return found
