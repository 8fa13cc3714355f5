"""The facts of each model family, in one table.

A fact is a function that measures, from a config and processed inputs, never a number. Adding a
family is adding a row to `ADAPTERS` whose facts pass the tests (dropping equals masking, and
K = L equals the baseline).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import ModelError

IntArray = NDArray[np.int64]
Grids = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Adapter:
    """What the engine needs to know of a family.

    Attributes:
        example: a hub id of the family, shown to users.
        image_token_id: config -> id that stands for one visual token in input_ids.
        patches: (model, inputs, visual count) -> (grids, [v, 3] grid, row, col of each visual
            token); raises ModelError when the counts do not fit.
        k_min: config -> smallest K that can be withdrawn at exactly.
        encode_image: (model, inputs) -> the vision features that `mm_encoder_outputs` takes.
        positions: (model, inputs) -> position ids of the prompt, [1, total], or [axes, 1, total]
            for multimodal rope.
        prompt_only: names of the processed inputs that the decoder's forward pass over the
            prompt needs besides input_ids, such as token_type_ids.
    """

    example: str
    image_token_id: Callable[[Any], int]
    patches: Callable[[Any, Mapping[str, Any], int], tuple[Grids, IntArray]]
    k_min: Callable[[Any], int]
    encode_image: Callable[[Any, Mapping[str, Any]], Any]
    positions: Callable[[Any, Mapping[str, Any]], Any]
    prompt_only: tuple[str, ...] = ()


def adapter_for(config: Any) -> Adapter:
    """The adapter of a model's config.

    Raises:
        ModelError: the family is not in the table.
    """
    adapter = ADAPTERS.get(config.model_type)
    if adapter is None:
        raise ModelError(
            f"Models of type {config.model_type!r} are not supported; "
            f"supported: {', '.join(sorted(ADAPTERS))}."
        )
    return adapter


def decoder_layers(model: Any) -> Any:
    """The ModuleList of decoder layers, the same accessor in every supported family."""
    return model.get_decoder().layers


def _image_token_id(config: Any) -> int:
    return int(config.image_token_id)


def _from_layer_zero(config: Any) -> int:
    return 0


def _encode_image(model: Any, inputs: Mapping[str, Any]) -> Any:
    pictures = {name: inputs[name] for name in ("pixel_values", "image_sizes") if name in inputs}
    return model.get_image_features(**pictures, return_dict=True)


def _counted_positions(model: Any, inputs: Mapping[str, Any]) -> Any:
    """0, 1, 2, ...: one position per token, visual or not."""
    import torch

    ids = inputs["input_ids"]
    return torch.arange(ids.shape[1], device=ids.device)[None]


def _one_grid_per_image(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """LLaVA: every image is one grid of patches, row by row, after an optional class token.

    rows = pixel height // patch size, likewise cols; pixel_values [images, 3, height, width].
    """
    images, _, height, width = inputs["pixel_values"].shape
    patch = model.config.vision_config.patch_size
    rows, cols = height // patch, width // patch
    extra, remainder = divmod(visual_count - images * rows * cols, images)
    # With vision_feature_select_strategy "full" the vision tower's class token stays in front.
    if remainder or extra not in (0, 1):
        raise ModelError(
            f"{visual_count} visual tokens do not fit {images} image(s) of {rows} x {cols} "
            "patches; the processor and the model do not belong together."
        )
    row, col = np.divmod(np.arange(rows * cols), cols)
    blocks = [
        np.concatenate(
            [np.array([[image, -1, -1]] * extra, dtype=np.int64).reshape(-1, 3),
             np.stack([np.full_like(row, image), row, col], axis=1)]
        )
        for image in range(images)
    ]  # fmt: skip
    return ((rows, cols),) * images, np.concatenate(blocks)


def _overview_and_tiles(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """LLaVA-NeXT: for every image a grid of the whole picture, then one of its tiles.

    Behind each row of the second grid stands a newline token, and rows and columns of padding
    are left out. Where they are is asked of the model's own packing, which is given a 0 for
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
    grids: list[tuple[int, int]] = []
    patches: list[list[int]] = []
    for flags in packed:
        behind = flags[side * side :, 0]
        rows = int((behind == -1).sum())
        width = len(behind) // max(rows, 1)
        patches += [[len(grids), *divmod(index, side)] for index in range(side * side)]
        grids.append((side, side))
        if rows == 0:  # so narrow a strip that all of its tiles are padding
            continue
        for row in range(rows):
            patches += [[len(grids), row, col] for col in range(width - 1)]
            patches.append([len(grids), -1, -1])
        grids.append((rows, width - 1))
    if len(patches) != visual_count:
        raise ModelError(
            f"{visual_count} visual tokens do not fit the {len(patches)} that the picture is cut "
            "into; the processor and the model do not belong together."
        )
    return tuple(grids), np.array(patches, dtype=np.int64)


ADAPTERS: dict[str, Adapter] = {
    "llava": Adapter(
        example="llava-hf/llava-1.5-7b-hf",
        image_token_id=_image_token_id,
        patches=_one_grid_per_image,
        k_min=_from_layer_zero,
        encode_image=_encode_image,
        positions=_counted_positions,
    ),
    "llava_next": Adapter(
        example="llava-hf/llava-v1.6-vicuna-7b-hf",
        image_token_id=_image_token_id,
        patches=_overview_and_tiles,
        k_min=_from_layer_zero,
        encode_image=_encode_image,
        positions=_counted_positions,
    ),
}
