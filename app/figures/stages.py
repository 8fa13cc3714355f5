"""What MustDrop left and dropped, as tables to take away."""

from __future__ import annotations

from typing import Any

import numpy as np

from vtw_core.strategies.mustdrop.record import FELL

from ..state import Dropped
from ..words import stages as text
from ..words.digits import significant
from .chart import Table


def flow_table(dropped: Dropped) -> Table:
    """Visual tokens from the patches to the last layer and to each layer's KV cache."""
    record = dropped.record
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
    fell_behind = text.FLOW_WHY_FELL.format(gamma=dropped.gamma, alpha=dropped.alpha)
    seen, cached = record.visual_tokens_per_layer, record.cached_visual_tokens_per_layer
    for layer in range(len(seen)):
        falls = filters[layer].fate == FELL if layer in filters else np.zeros(tokens, bool)
        fell = int(falls.sum())
        step = text.FLOW_LAYER.format(layer=layer)
        rows.append((step, seen[layer], shown, fell, fell_behind if fell else "", cached[layer]))
        shown -= int(record.sizes[falls].sum())
    return Table(
        name="mustdrop_flow", title=text.FLOW_TITLE, x_label="", y_label="", unit="",
        caption=text.FLOW_CAPTION.format(
            gamma=significant(dropped.gamma), alpha=significant(dropped.alpha),
            stages=" ".join(dropped.stages) or "–",
        ),
        summary=text.FLOW_SUMMARY.format(
            first=seen[0], last=seen[-1], mean=np.mean(seen), cached=np.mean(cached),
        ),
        columns=text.FLOW_COLUMNS, rows=tuple(rows),
    )  # fmt: skip


def token_table(dropped: Dropped) -> Table:
    """One row for each visual token: where it is, its share and peak, and its fate."""
    record = dropped.record
    columns = list(text.TOKENS_COLUMNS)
    for one in record.decisions:
        columns += [
            template.format(layer=one.layer)
            for template in (text.TOKENS_FATE, text.TOKENS_SHARE, text.TOKENS_PEAK)
        ]
    places = first_patches(dropped)
    rows = []
    for token, size in enumerate(record.sizes.tolist()):
        key = text.YES if record.key[token] else text.NO
        row = [token, *places.get(token, ("", "", "")), size, key]
        for one in record.decisions:
            row += [text.FATES[one.fate[token]], *one.scores[:, token].tolist()]
        rows.append(tuple(row))
    table = flow_table(dropped)
    return Table(
        name="mustdrop_tokens", title=text.TOKENS_TITLE, x_label="", y_label="", unit="",
        caption=table.caption, summary=table.summary, columns=tuple(columns), rows=tuple(rows),
    )  # fmt: skip


def first_patches(dropped: Dropped) -> dict[int, tuple[int, int, int]]:
    """Token -> (grid, row, column) of its first patch; a token that shows none is not in it."""
    found: dict[int, tuple[int, int, int]] = {}
    for grid, tokens in enumerate(dropped.record.token_maps):
        for (row, col), token in np.ndenumerate(tokens):
            found.setdefault(int(token), (grid, row, col))
    return found
