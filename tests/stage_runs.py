"""MustDrop runs made up: the strategy's own verdicts on random attention, no model."""

import numpy as np

from app.state import Dropped
from vtw_core.families.layout import TokenLayout
from vtw_core.results.trace import Trace, VisualAttention
from vtw_core.strategies.mustdrop import MustDrop, VisionStage
from vtw_core.strategies.mustdrop.record import MustDropRecord

QUESTION = 5
"""Text rows after the image; before it is BOS."""


def drop_run(
    grids=((6, 6),), layers=8, gamma=0.02, alpha=0.03, cache=True, fade=None, merged=True, seed=0
):
    """A run of stages a, b and c.

    Args:
        grids: (rows, cols) of each; in each the window of the first 3 x 3 patches is merged.
        fade: what the text gives each token in one filter's layer, as a part of what it gave in
            the filter's before; None draws another.
    """
    random = np.random.default_rng(seed)
    layout = _layout(grids, merged, random)
    strategy = MustDrop(gamma, alpha, vision=VisionStage() if merged else None, cache=cache)
    rows = np.arange(layout.total - QUESTION, layout.total)
    filters, alive, kept, captured = strategy.filters(layers), layout.visual, [], {}
    weights = _weights(len(layout.visual), random)
    for layer in range(layers):
        kept.append(np.union1d(layout.text, alive))
        if layer in filters:
            weights = _weights(len(layout.visual), random) if fade is None else weights * fade
            here = weights[:, np.isin(layout.visual, alive)]
            captured[layer] = VisualAttention(layer, rows, alive, here)
            alive = strategy.kept_after(captured[layer], layout)
    cut = strategy.reduced_cache(layers)
    cached = [kept[-1] if layer in cut else tokens for layer, tokens in enumerate(kept)]
    trace = Trace(layout, tuple(kept), tuple(cached), captured)
    stages = ("a" if merged else "") + "b" + ("c" if cache else "")
    record = MustDropRecord.of(strategy, trace)
    return Dropped(record, "a <b>cat</b>", "what is it ?", gamma=gamma, alpha=alpha, stages=stages)


def _weights(visual, random):
    """[rows, visual] with values over two decades, so that each threshold divides them."""
    return 10 ** random.uniform(-3.2, -1.2, visual) * random.uniform(0.3, 1, (QUESTION, visual))


def _layout(grids, merged, random):
    patches, absorbed = [], []
    for grid, (rows, cols) in enumerate(grids):
        window = len(patches)
        for row, col in np.ndindex(rows, cols):
            in_window = merged and row < 3 and col < 3
            if in_window and (row, col) != (0, 0):
                absorbed.append((window, grid, row, col))
            else:
                patches.append((grid, row, col))
    visual = 1 + np.arange(len(patches))
    return TokenLayout(
        total=1 + len(patches) + QUESTION,
        segments=("bos",) + ("visual",) * len(patches) + ("question",) * QUESTION,
        visual=visual,
        grids=grids,
        patches=np.array(patches),
        absorbed=np.array(absorbed, dtype=int).reshape(-1, 4),
        key=np.sort(random.choice(visual, 4, replace=False)) if merged else None,
    )
