"""Where everything is in a prompt: segments, visual positions, patch grids.

Everything is measured from the inputs and the model's config; nothing is typed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, ModelError

IntArray = NDArray[np.int64]
# What processors call the frames of a video, and their grids.
_VIDEO_INPUTS = {"pixel_values_videos", "video_grid_thw"}
Positions = Literal["keep", "repack"]


def check_positions(positions: str) -> None:
    """Raise InputError unless positions is "keep" or "repack"."""
    if positions not in get_args(Positions):
        raise InputError("positions must be 'keep' or 'repack', not {value!r}.", value=positions)


@dataclass(frozen=True, eq=False)
class TowerLayer:
    """What was recorded of one layer of the vision encoder, for v visual tokens.

    Attributes:
        received: [v] attention that each patch gets, mean over heads and over all tokens.
        from_class: [v] what the class token gives each, mean over heads; None of an encoder
            without one.
        features: [v, d] hidden states after the layer, float32.
    """

    received: NDArray[np.float32]
    from_class: NDArray[np.float32] | None
    features: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TokenLayout:
    """The parts of one prompt.

    Positions are indices into the prompt's tokens. The answer's positions follow the prompt, so
    any position >= `total` belongs to the answer. A prompt that was padded on the left to stand
    in a batch counts its padding: its positions are columns of the batch.

    Attributes:
        total: tokens in the prompt, with its padding.
        segments: [total] "padding", "bos", "system", "visual" or "question" for each position.
            "system" is everything before the first visual token but BOS; "question" is everything
            after it that is not visual.
        visual: [v] positions of the visual tokens, ascending, read-only.
        grids: (rows, cols) of each patch grid; a family that cuts a picture into tiles has an
            overview grid and a tile grid for one image.
        images: [grids] which image of the prompt each grid shows, counted from 0; the first one
            where nothing is given.
        patches: [v, 3] (grid, row, col) of each visual token, read-only; row and col are -1 for
            a token that stands for no patch, such as a class token or the end of a row. Of a token
            that several patches were merged into, the first one.
        absorbed: [x, 4] (token, grid, row, col) of the further patches of such tokens; `token` is
            an index into `visual`.
        key: positions of the visual tokens that a strategy's vision stage says must stay; None
            where no such stage ran.
        ids: [total] the prompt's input_ids, by which a pass over another prompt is recognised; None
            where the layout was not measured from inputs.
        tower: layer of the vision encoder -> what was recorded of it, where a strategy asked for
            it while the image was encoded.
    """

    total: int
    segments: tuple[str, ...] = field(repr=False)
    visual: IntArray = field(repr=False)
    grids: tuple[tuple[int, int], ...]
    patches: IntArray = field(repr=False)
    absorbed: IntArray = field(default_factory=lambda: np.zeros((0, 4), np.int64), repr=False)
    key: IntArray | None = field(default=None, repr=False)
    images: tuple[int, ...] = ()
    ids: IntArray | None = field(default=None, repr=False)
    tower: Mapping[int, TowerLayer] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not any(self.images):
            object.__setattr__(self, "images", (0,) * len(self.grids))
        for name in ("visual", "patches", "absorbed", "key", "ids"):
            if getattr(self, name) is not None:
                array = np.array(getattr(self, name), dtype=np.int64)
                array.flags.writeable = False
                object.__setattr__(self, name, array)

    @property
    def is_encoded(self) -> bool:
        """Whether a strategy had a hand in how the images were encoded."""
        return self.key is not None or self.tower is not None

    @property
    def bare(self) -> "TokenLayout":
        """Without what was recorded of the vision encoder, which is large."""
        return self if self.tower is None else replace(self, tower=None)

    @property
    def text(self) -> IntArray:
        """[total - padding - v] positions that are neither visual nor padding, ascending."""
        return np.setdiff1d(np.arange(self.padding, self.total, dtype=np.int64), self.visual)

    @property
    def token_maps(self) -> tuple[IntArray, ...]:
        """[grids][rows, cols] which visual token, by its index in `visual`, shows each patch."""
        maps = tuple(np.full(grid, -1, dtype=np.int64) for grid in self.grids)
        own = np.column_stack([np.arange(len(self.visual)), self.patches])
        for token, grid, row, col in np.concatenate([own, self.absorbed]).tolist():
            if row >= 0:
                maps[grid][row, col] = token
        return maps

    @property
    def sizes(self) -> IntArray:
        """[v] patches in each visual token; 0 for a token that stands for none."""
        own = (self.patches[:, 1] >= 0).astype(np.int64)
        return own + np.bincount(self.absorbed[:, 0], minlength=len(self.visual))

    @property
    def padding(self) -> int:
        """Number of positions before the prompt's first own token."""
        return self.segments.count("padding")

    @property
    def prefix(self) -> int:
        """Number of positions before the first visual token; all where there is none."""
        return int(self.visual[0]) if len(self.visual) else self.total

    @classmethod
    def from_inputs(cls, model: Any, inputs: Mapping[str, Any]) -> "TokenLayout":
        """Measure the layout of processed inputs.

        Args:
            model: a transformers vision-language model of a supported family.
            inputs: what its processor returned: input_ids [1, total], pixel_values, ...

        Raises:
            ModelError: the family is not supported, there is more than one prompt in the batch,
                there is no visual token in the prompt, or a video does.
        """
        if len(inputs["input_ids"]) != 1:
            raise ModelError(
                "One prompt at a time: input_ids must have the shape [1, tokens]; for a batch use "
                "TokenLayout.batch_from_inputs."
            )
        return cls.batch_from_inputs(model, inputs)[0]

    @classmethod
    def batch_from_inputs(cls, model: Any, inputs: Mapping[str, Any]) -> tuple["TokenLayout", ...]:
        """Measure the layouts of a batch of prompts, one for each row.

        Args:
            model: as for `from_inputs`.
            inputs: input_ids [prompts, total], padded on the left where attention_mask is 0;
                the images of all prompts, one after another. Some of the prompts may have none.

        Raises:
            InputError: there is padding elsewhere than on the left.
            ModelError: as for `from_inputs`.
        """
        from vtw_core.families.adapters import adapter_for, video_token_ids

        adapter = adapter_for(model.config)
        ids = np.asarray(inputs["input_ids"].cpu(), dtype=np.int64)
        if ids.ndim != 2:
            raise ModelError("input_ids must have the shape [prompts, tokens].")
        if _VIDEO_INPUTS & inputs.keys() or np.isin(ids, video_token_ids(model.config)).any():
            raise ModelError(
                "There is a video in the prompt, and only images can be withdrawn; give its frames "
                "as images."
            )
        padding = _left_padding(inputs, ids.shape)
        rows = [row[pads:] for row, pads in zip(ids, padding, strict=True)]
        image_token = adapter.image_token_id(model.config)
        counts = [int((row == image_token).sum()) for row in rows]
        if not any(counts):
            raise ModelError("There is no visual token in the prompt; give an image with it.")
        # The images of a batch come one after another, so the prompts do too.
        joined = {**inputs, "input_ids": inputs["input_ids"].new_tensor(np.concatenate(rows))[None]}
        try:
            grids, patches, images = adapter.patches(model, joined, sum(counts))
        except KeyError as error:
            raise ModelError(
                "The inputs have image tokens and no {name}; take all of them from the model's "
                "processor.",
                name=error.args[0],
            ) from None
        bos = getattr(model.config.get_text_config(decoder=True), "bos_token_id", None)
        layouts = []
        of_prompts = np.split(patches, np.cumsum(counts)[:-1])
        for whole, row, pads, own in zip(ids, rows, padding, of_prompts, strict=True):
            visual = np.flatnonzero(row == image_token)
            used, grid = np.unique(own[:, 0], return_inverse=True)
            shown = np.unique([images[index] for index in used], return_inverse=True)[1]
            layouts.append(
                cls(
                    total=ids.shape[1],
                    segments=("padding",) * pads + _segments(row, visual, bos),
                    visual=visual + pads,
                    grids=tuple(grids[index] for index in used),
                    patches=np.column_stack([grid, own[:, 1:]]),
                    images=tuple(shown.tolist()),
                    ids=whole,
                )
            )
        return tuple(layouts)


def check_text_at_the_end(layout: TokenLayout) -> None:
    """Raise InputError unless the row that predicts the first word of the answer is a text row."""
    if layout.total - 1 in layout.visual[-1:]:
        raise InputError(
            "The prompt ends with the image, and the row of its last token predicts the first word "
            "of the answer, so it cannot leave; put the question after the image."
        )


def _left_padding(inputs: Mapping[str, Any], shape: tuple[int, ...]) -> list[int]:
    """[prompts] columns of padding before each prompt."""
    if inputs.get("attention_mask") is None:
        return [0] * shape[0]
    mask = np.asarray(inputs["attention_mask"].cpu()) != 0
    if (np.diff(mask.astype(int), axis=1) < 0).any():
        raise InputError("Pad the prompts on the left (padding_side='left'), as generate() needs.")
    return [int(pads) for pads in (~mask).sum(axis=1)]


def _segments(ids: IntArray, visual: IntArray, bos: int | None) -> tuple[str, ...]:
    names = np.full(len(ids), "question", dtype=object)
    if len(visual):
        names[: visual[0]] = "system"
    names[visual] = "visual"
    if names[0] != "visual" and bos is not None and ids[0] == bos:
        names[0] = "bos"
    return tuple(names)
