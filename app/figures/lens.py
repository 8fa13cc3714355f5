"""The logit lens as charts: words and probabilities, state by state."""

from __future__ import annotations

import numpy as np

from vtw_core.analysis import migration as analysis
from vtw_core.analysis.rows import inside_of
from vtw_core.analysis.sinks import on_grid
from vtw_core.results.run import Run

from ..words import inside as text
from . import style, tokens
from .chart import Band, Heatmap, KLine, Lines, Mark, Series

WORDS_FIT = 260
"""A grid of more patches than this has its words on hover only."""


def words(run: Run, t: int, k: int) -> Heatmap:
    """The likeliest tokens in every state; beside them, for the first token, withdrawn at K."""
    lens = inside_of(run).lens
    ids, shares = lens.top[:, t], lens.top_probabilities[:, t].astype(np.float64)
    count = ids.shape[1]
    ranks = [text.RANK.format(rank=rank) for rank in range(1, count + 1)]
    bands = [Band(0, count, text.LENS_FULL, style.BASELINE)]
    compared = t == 0
    if compared:
        ids = np.concatenate([ids, lens.first_top[k]], axis=1)
        shares = np.concatenate([shares, lens.first_top_probabilities[k]], axis=1)
        bands.append(Band(count, 2 * count, text.LENS_AT_K.format(k=k), style.VTW))
    names = tuple(f"{rank} {band.name}" for band in bands for rank in ranks)
    return Heatmap(
        name=f"logit_lens_token_{t}",
        title=text.MIGRATION_TITLES["lens"],
        x_label="",
        y_label=text.STATE,
        unit=text.PROBABILITY_UNIT, is_share=True,
        caption=text.LENS_CAPTION.format(
            t=t, piece=_piece(run, t), count=count,
            withdrawn=text.LENS_WITHDRAWN.format(k=k) if compared else text.LENS_FIRST_ONLY,
        ),
        summary=_leads(run, t, k),
        values=shares, low=0, high=1, x_names=names, y_names=_states(run),
        x_ticks=tuple(enumerate(ranks * len(bands))), y_ticks=tokens.number_ticks(run.layers + 1),
        words=tuple(tuple(tokens.piece_of(run, one) for one in row) for row in ids.tolist()),
        bands=tuple(bands), k_line=KLine("y", k, 0.5),
    )  # fmt: skip


def probability(run: Run, t: int, k: int) -> Lines:
    """Probability of the baseline's token in every state."""
    lens = inside_of(run).lens
    curves = [Series(text.LENS_FULL, lens.answer_probability[:, t], style.BASELINE)]
    if t == 0:
        name = text.LENS_AT_K.format(k=k)
        curves.append(Series(name, lens.first_probability[k], style.VTW, "dash", "square"))
    stays = analysis.lens_stays_at(lens, run.answer_ids[run.layers][t], t)
    return Lines(
        name=f"logit_lens_probability_token_{t}",
        title=text.MIGRATION_TITLES["lens_probability"],
        x_label=text.STATE,
        y_label=text.PROBABILITY_UNIT,
        unit="", is_share=True,
        caption=text.LENS_PROBABILITY_CAPTION.format(
            piece=_piece(run, t), t=t,
            withdrawn=text.LENS_WITHDRAWN_CURVE.format(k=k) if t == 0 else text.LENS_FIRST_ONLY,
        ),
        summary=_leads(run, t, k),
        x=range(run.layers + 1), series=tuple(curves), y_range=(0, 1.02),
        marks=() if stays is None else (Mark("x", stays, text.LEADS_MARK, style.CRITERION),),
        k_line=KLine("x", k, 0.5),
    )  # fmt: skip


def patches(run: Run, state: int, grid: int) -> Heatmap | None:
    """The likeliest word of every patch in one state; None where the lens was not held to them."""
    inside = inside_of(run)
    if not len(inside.lens.patches):
        return None
    ids = inside.lens.patches[state]
    shares = on_grid(inside.lens.patch_probabilities[state], inside, grid)
    placed = on_grid(ids, inside, grid)
    here = [int(one) for one in placed[~np.isnan(placed)]]
    commonest = max(sorted(set(here)), key=here.count) if here else None
    said = tuple(
        tuple("" if np.isnan(one) else tokens.piece_of(run, int(one)) for one in row)
        for row in placed
    )
    rows, columns = shares.shape
    return Heatmap(
        name=f"logit_lens_patches_state_{state}",
        title=text.MIGRATION_TITLES["lens_patches"].format(state=state),
        x_label=text.COLUMN,
        y_label=text.ROW,
        unit=text.PROBABILITY_UNIT, is_share=True,
        caption=text.PATCHES_CAPTION.format(grid=grid, state=state),
        summary="" if commonest is None else text.PATCHES_SUMMARY.format(
            piece=tokens.piece_of(run, commonest), count=here.count(commonest), patches=len(here)
        ),
        values=shares, low=0, high=1,
        x_names=tuple(f"{text.COLUMN} {column}" for column in range(columns)),
        y_names=tuple(f"{text.ROW} {row}" for row in range(rows)),
        x_ticks=tokens.number_ticks(columns), y_ticks=tokens.number_ticks(rows),
        words=said if shares.size <= WORDS_FIT else None, flipped=True,
    )  # fmt: skip


def _leads(run: Run, t: int, k: int) -> str:
    """Since when the answer leads, in words."""
    lens, token = inside_of(run).lens, run.answer_ids[run.layers][t]
    first, stays = analysis.lens_leads_at(lens, token, t), analysis.lens_stays_at(lens, token, t)
    template = text.LENS_LEADS_NOT if first is None or stays is None else text.LENS_LEADS
    said = template.format(piece=_piece(run, t), first=first, stays=stays)
    if t > 0:
        return said
    at_k = analysis.first_leads_at_k(lens, token)[k]
    return said + (text.LENS_NEVER_AT_K if at_k is None else text.LENS_LEADS_AT_K).format(
        k=k, first=at_k
    )


def _piece(run: Run, t: int) -> str:
    return run.answer_tokens[run.layers][t].strip() or tokens.SPACE


def _states(run: Run) -> tuple[str, ...]:
    return tuple(text.STATE_NUMBER.format(state=x) for x in range(run.layers + 1))
