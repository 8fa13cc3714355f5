"""Where everything is in a prompt: segments, visual positions, patch grids.

Everything is measured from the inputs and the model's config; nothing is typed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import ModelError

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TokenLayout:
    """The parts of one prompt.

    Positions are indices into the prompt's tokens. The answer's positions follow the prompt, so
    any position >= `total` belongs to the answer.

    Attributes:
        total: tokens in the prompt.
        segments: [total] "bos", "system", "visual" or "question" for each position. "system" is
            everything before the first visual token but BOS; "question" is everything after it
            that is not visual.
        visual: [v] positions of the visual tokens, ascending, read-only.
        grids: (rows, cols) of each patch grid; a family that cuts a picture into tiles has an
            overview grid and a tile grid for one image.
        patches: [v, 3] (grid, row, col) of each visual token, read-only; row and col are -1 for
            a token that stands for no patch, such as a class token or the end of a row.
    """

    total: int
    segments: tuple[str, ...] = field(repr=False)
    visual: IntArray = field(repr=False)
    grids: tuple[tuple[int, int], ...]
    patches: IntArray = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("visual", "patches"):
            array = np.array(getattr(self, name), dtype=np.int64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def text(self) -> IntArray:
        """[total - v] positions that are not visual, ascending."""
        return np.setdiff1d(np.arange(self.total, dtype=np.int64), self.visual)

    @property
    def prefix(self) -> int:
        """Number of positions before the first visual token."""
        return int(self.visual[0])

    @classmethod
    def from_inputs(cls, model: Any, inputs: Mapping[str, Any]) -> "TokenLayout":
        """Measure the layout of processed inputs.

        Args:
            model: a transformers vision-language model of a supported family.
            inputs: what its processor returned: input_ids [1, total], pixel_values, ...

        Raises:
            ModelError: the family is not supported, there is more than one prompt in the batch,
                or no visual token stands in the prompt.
        """
        from vtw_core.models.adapters import adapter_for

        adapter = adapter_for(model.config)
        ids = np.asarray(inputs["input_ids"].cpu(), dtype=np.int64)
        if ids.ndim != 2 or ids.shape[0] != 1:
            raise ModelError("One prompt at a time: input_ids must have the shape [1, tokens].")
        ids = ids[0]
        visual = np.flatnonzero(ids == adapter.image_token_id(model.config))
        if not len(visual):
            raise ModelError("No visual token stands in the prompt; give an image with it.")
        grids, patches = adapter.patches(model, inputs, len(visual))
        bos = getattr(model.config.get_text_config(decoder=True), "bos_token_id", None)
        return cls(
            total=len(ids),
            segments=_segments(ids, visual, bos),
            visual=visual,
            grids=grids,
            patches=patches,
        )


def _segments(ids: IntArray, visual: IntArray, bos: int | None) -> tuple[str, ...]:
    names = np.full(len(ids), "question", dtype=object)
    names[: visual[0]] = "system"
    names[visual] = "visual"
    if visual[0] > 0 and bos is not None and ids[0] == bos:
        names[0] = "bos"
    return tuple(names)
