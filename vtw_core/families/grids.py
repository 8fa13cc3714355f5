"""How pictures become visual tokens: the grids of patches of each kind of packing.

Each function measures, from a model's config and processed inputs, the grids that the visual tokens
of a prompt come from; for each token its place, [visual tokens, 3] of grid, row and column, -1
where a token stands for no patch; and for each grid which image it shows, counted from 0.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import ModelError

IntArray = NDArray[np.int64]
Grids = tuple[tuple[int, int], ...]
Images = tuple[int, ...]
Packing = tuple[Grids, IntArray, Images]


def one_grid_per_image(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """LLaVA: every image is one grid of patches, row by row, after an optional class token.

    rows = pixel height // patch size, likewise cols; pixel_values [images, 3, height, width].
    """
    images, _, height, width = inputs["pixel_values"].shape
    patch = model.config.vision_config.patch_size
    rows, cols = height // patch, width // patch
    extra, remainder = divmod(visual_count - images * rows * cols, images)
    # With vision_feature_select_strategy "full" the vision tower's class token stays in front.
    if remainder or extra not in (0, 1):
        raise _misfit(visual_count, images * rows * cols)
    row, col = np.divmod(np.arange(rows * cols), cols)
    blocks = [
        np.concatenate(
            [np.array([[image, -1, -1]] * extra, dtype=np.int64).reshape(-1, 3),
             np.stack([np.full_like(row, image), row, col], axis=1)]
        )
        for image in range(images)
    ]  # fmt: skip
    return ((rows, cols),) * images, np.concatenate(blocks), tuple(range(images))


def overview_and_tiles(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """LLaVA-NeXT: for every image a grid of the whole picture, then one of its tiles.

    After each row of the second grid is a newline token, and rows and columns of padding
    are left out. Where they are is read from the model's own packing, which is given a 0 for
    every patch and a -1 for newlines in place of features.
    """
    import torch
    from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

    config = model.config
    vision = config.vision_config
    side = vision.image_size // vision.patch_size
    sizes = inputs["image_sizes"].cpu()
    tiles = [
        image_size_to_num_patches(size, config.image_grid_pinpoints, vision.image_size)
        for size in sizes
    ]
    packed, _ = model.model.pack_image_features(
        [torch.zeros(count, side * side, 1) for count in tiles],
        sizes,
        vision_feature_select_strategy="default",
        image_newline=torch.full((1,), -1.0),
    )
    return _packed_grids(packed, side, visual_count)


def overview_and_pooled_tiles(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """LLaVA-OneVision: as LLaVA-NeXT, the tiles pooled where they are many.

    Of several images in one prompt only the whole pictures are there, a newline token after
    each.
    """
    import torch
    from transformers.models.llava_onevision.modeling_llava_onevision import (
        image_size_to_num_patches,
    )

    config = model.config
    vision = config.vision_config
    side = vision.image_size // vision.patch_size
    sizes = inputs["image_sizes"].cpu()
    neighbours = inputs.get("batch_num_images")
    alone = (
        [True] * len(sizes)
        if neighbours is None
        else [count == 1 for count in map(int, neighbours) for _ in range(count)]
    )
    tiles = [
        image_size_to_num_patches(size, config.image_grid_pinpoints, vision.image_size)
        if is_alone
        else 1
        for size, is_alone in zip(sizes, alone, strict=True)
    ]
    packed, _ = model.model.pack_image_features(
        [torch.zeros(count, side * side, 1) for count in tiles],
        sizes,
        image_newline=torch.full((1,), -1.0),
        vision_aspect_ratio=config.vision_aspect_ratio,
    )
    return _packed_grids(packed, side, visual_count)


def _packed_grids(packed: Sequence[Any], side: int, visual_count: int) -> Packing:
    """The grids in what a model's own packing made of flags, per image [tokens, 1]: 0 for a
    patch, -1 for the newline after a row of the second grid."""
    grids: list[tuple[int, int]] = []
    patches: list[list[int]] = []
    images: list[int] = []
    for image, flags in enumerate(packed):
        after = flags[side * side :, 0]
        rows = int((after == -1).sum())
        width = len(after) // max(rows, 1)
        patches += [[len(grids), *divmod(index, side)] for index in range(side * side)]
        if width == 1:  # newlines alone: one after a picture without tiles, or one for each row
            # of so narrow a strip that all columns of its tiles are padding
            patches += [[len(grids), -1, -1]] * rows
        grids.append((side, side))
        images.append(image)
        if width <= 1:  # 0 where all rows of the tiles are padding
            continue
        for row in range(rows):
            patches += [[len(grids), row, col] for col in range(width - 1)]
            patches.append([len(grids), -1, -1])
        grids.append((rows, width - 1))
        images.append(image)
    if len(patches) != visual_count:
        raise _misfit(visual_count, len(patches))
    return tuple(grids), np.array(patches, dtype=np.int64), tuple(images)


def _row_by_row(
    grids: Sequence[tuple[int, int]], visual_count: int, images: Images | None = None
) -> Packing:
    """Grids that follow one another, each row by row, with nothing between.

    images: of each grid; one image each unless given.
    """
    patches = [
        (index, row, col)
        for index, (rows, cols) in enumerate(grids)
        for row in range(rows)
        for col in range(cols)
    ]
    if len(patches) != visual_count:
        raise _misfit(visual_count, len(patches))
    return (
        tuple(grids),
        np.array(patches, dtype=np.int64),
        tuple(range(len(grids))) if images is None else images,
    )


def square_per_picture(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """Gemma 3, PaliGemma: every image is one square of tokens."""
    return _row_by_row(_squares(inputs, visual_count), visual_count)


def square_per_tile(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """InternVL, Aya Vision: every tile of an image, and the whole image after them, is one square
    of tokens.

    How tiles are arranged in their image is in none of the inputs, so each has a grid of its own.
    Which image they are of is read from the prompt: the mark after the last image follows each.
    """
    squares = _squares(inputs, visual_count)
    ids = np.asarray(inputs["input_ids"][0].cpu(), dtype=np.int64)
    visual = np.flatnonzero(ids == model.config.image_token_id)
    marks = np.flatnonzero(np.isin(ids, ids[visual[-1] + 1 : visual[-1] + 2]))
    first = visual[:: visual_count // len(squares)]
    ended = np.searchsorted(marks, first) - np.searchsorted(marks, visual[0])
    images = np.unique(ended, return_inverse=True)[1]
    return _row_by_row(squares, visual_count, tuple(images.tolist()))


def _squares(inputs: Mapping[str, Any], visual_count: int) -> list[tuple[int, int]]:
    """One square grid for each picture that the vision tower sees."""
    pictures = len(inputs["pixel_values"])
    side = math.isqrt(visual_count // pictures)
    return [(side, side)] * pictures


def merged_patches(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """Qwen-VL and GLM-V: every image is one grid of its own shape, of merged patches."""
    merge = model.config.vision_config.spatial_merge_size
    grids, images = [], []
    for image, (frames, height, width) in enumerate(inputs["image_grid_thw"].tolist()):
        grids += [(height // merge, width // merge)] * frames
        images += [image] * frames
    return _row_by_row(grids, visual_count, tuple(images))


def merged_rows(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """Mistral 3: every image is one grid of its own shape; the tokens that end its rows are text.

    image_sizes [images, 2] in pixels, as resized.
    """
    side = model.config.vision_config.patch_size * model.config.spatial_merge_size
    return _row_by_row(
        [(height // side, width // side) for height, width in inputs["image_sizes"].tolist()],
        visual_count,
    )


def tagged_tiles(model: Any, inputs: Mapping[str, Any], visual_count: int) -> Packing:
    """Idefics3 and SmolVLM: rows of tiles, each after a tag, then the whole picture.

    How the tiles are arranged is read from the prompt. A mark is before every tag and after every
    image; tiles of a row follow at once, a line break ends the row. For every image the grid of
    the whole picture comes first, then, if it was cut, that of its tiles.
    """
    config = model.config
    ids = np.asarray(inputs["input_ids"][0].cpu(), dtype=np.int64)
    runs = _runs(np.flatnonzero(ids == config.image_token_id))
    side = config.vision_config.image_size // config.vision_config.patch_size // config.scale_factor
    if any(len(run) != side * side for run in runs):
        raise _misfit(visual_count, side * side * len(runs))
    mark = ids[runs[-1][-1] + 1]
    images: list[list[list[int]]] = []  # [image][row of tiles] -> tiles; the last one is the whole
    for index, run in enumerate(runs):
        between = ids[runs[index - 1][-1] + 1 : run[0]] if index else ids[: run[0]]
        if index == 0 or (between == mark).sum() > 1:
            images.append([[index]])
        elif between[0] == mark:
            images[-1][-1].append(index)
        else:
            images[-1].append([index])
    row, col = np.divmod(np.arange(side * side), side)
    grids: list[tuple[int, int]] = []
    shown: list[int] = []
    patches = np.empty((len(runs), side * side, 3), dtype=np.int64)
    for image, (*tiles, whole) in enumerate(images):
        if len({len(line) for line in tiles}) > 1 or len(whole) != 1:
            raise ModelError("The image tags in the prompt are in no order that this family has.")
        patches[whole[0]] = np.stack([np.full_like(row, len(grids)), row, col], axis=1)
        grids.append((side, side))
        shown.append(image)
        for down, line in enumerate(tiles):
            for right, index in enumerate(line):
                patches[index] = np.stack(
                    [np.full_like(row, len(grids)), down * side + row, right * side + col], axis=1
                )
        if tiles:
            grids.append((len(tiles) * side, len(tiles[0]) * side))
            shown.append(image)
    return tuple(grids), patches.reshape(-1, 3), tuple(shown)


def _runs(positions: IntArray) -> list[IntArray]:
    """Ascending positions, cut where they do not follow one another."""
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)


def _misfit(visual_count: int, expected: int) -> ModelError:
    return ModelError(
        "{count} visual tokens do not fit the {expected} patches that the pictures are cut into; "
        "the processor and the model do not belong together.",
        count=visual_count,
        expected=expected,
    )
