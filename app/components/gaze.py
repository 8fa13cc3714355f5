"""Where a text token looks: patch by patch over the picture, layer by layer, in the browser.

The weights of all words on all patches travel once; of a run that is too large for that, the rows
of one word, and the readers of one patch, at each ``select``.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from vtw_core.analysis.rows import inside_of, tokens_of, visual_positions
from vtw_core.results.run import Run

from ..figures import style, tokens
from ..presenters.view import run_id
from ..words import inside as text
from .files import read, script

MOST_NUMBERS = 1_500_000
"""More weights than this do not travel at once: 3 MB, before base64."""


def gaze(elem_id: str) -> gr.HTML:
    """Build the component; its value is of `show_gaze`.

    ``select`` fires with ``{row, patch}`` where the weights did not all travel: a visitor's input.
    """
    return gr.HTML(
        value=None,
        html_template=read("gaze.html"),
        css_template=read("gaze.css"),
        js_on_load=script(
            "gaze.js",
            words=text.GAZE,
            colours=list(style.SEQUENTIAL),
        ),
        apply_default_css=False,
        elem_id=elem_id,
    )


def show_gaze(
    run: Run,
    k: int,
    pictures: Sequence[str],
    *,
    row: int | None = None,
    patch: int | None = None,
) -> dict[str, Any]:
    """Everything the component draws.

    Args:
        k: where K stands.
        pictures: data URL of each picture of the prompt, beside the first of its grids; none shows
            the grids alone.
        row: chosen text row, an index into q; the last prompt token's when None.
        patch: chosen visual token, an index into v; only used where not all weights travel.
    """
    inside = inside_of(run)
    attention = inside.attention
    of_visual = attention.rows[:, :, visual_positions(inside)]
    first = int(_opening_row(run)) if row is None else row
    whole = of_visual.size <= MOST_NUMBERS
    segments, pieces = tokens_of(run)[1], tokens.query_pieces(run)
    shares = of_visual[:, first].astype(np.float64).sum(axis=1)
    return {
        "runId": run_id(run),
        "layers": run.layers,
        "k": k,
        "row": first,
        "layer": int(shares.argmax()),
        "grids": [list(grid) for grid in inside.grids],
        "patches": inside.patches.tolist(),
        "tokens": [
            {"piece": piece, "segment": segments[at], "segmentName": text.SEGMENTS[segments[at]],
             "color": style.SEGMENTS[segments[at]]}
            for piece, at in zip(pieces, attention.query_positions.tolist(), strict=True)
        ],
        "all": _packed(of_visual) if whole else None,
        "one": None if whole else _packed(of_visual[:, first]),
        "readers": None if whole or patch is None else _packed(of_visual[:, :, patch]),
        "images": list(inside.images),
        "pictures": list(pictures),
        "definition": text.GAZE_DEFINITION.format(heads=attention.mass.shape[1])
        + (_about_picture(run) if pictures else text.GAZE_NO_PICTURE),
    }  # fmt: skip


def _opening_row(run: Run) -> int:
    """The row that says the first answer token, or the first there is."""
    return int(tokens.rows_of(run, tokens.clamped_rows(run, "last_prompt"))[0])


def _about_picture(run: Run) -> str:
    """A caution where picture and grid differ in shape: how it was fitted is not recorded."""
    width, height = run.image_size
    rows, cols = inside_of(run).grids[0]
    same = abs(width / height - cols / rows) < 0.02 * cols / rows
    return (
        ""
        if same
        else text.GAZE_OTHER_SHAPE.format(width=width, height=height, rows=rows, cols=cols)
    )


def _packed(weights: NDArray[np.float16]) -> str:
    """Half-precision numbers as base64, little end first."""
    return base64.b64encode(np.ascontiguousarray(weights, dtype="<f2").tobytes()).decode("ascii")
