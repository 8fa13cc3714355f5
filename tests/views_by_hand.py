"""A layer as a strategy sees it, made of arrays that one can check by eye."""

from types import SimpleNamespace

import numpy as np

from vtw_core.families.layout import TokenLayout
from vtw_core.strategies.view import LayerView


def layout_of(visual, total):
    """One row of patches at the visual positions, text elsewhere."""
    visual = np.asarray(visual)
    segments = np.full(total, "question", dtype=object)
    segments[: visual[0]] = "system"
    segments[visual] = "visual"
    return TokenLayout(
        total=total,
        segments=tuple(segments),
        visual=visual,
        grids=((1, len(visual)),),
        patches=np.array([[0, 0, col] for col in range(len(visual))]),
    )


def view_of(layout, layer, tokens=None, layers=32, states=None, **before):
    """Before a layer runs; `before`: what was recorded of the layer that has run."""
    return LayerView(
        layer=layer,
        layers=layers,
        layout=layout,
        tokens=np.arange(layout.total) if tokens is None else np.asarray(tokens),
        states=states,
        recorded={layer - 1: SimpleNamespace(**before)} if before else {},
    )
