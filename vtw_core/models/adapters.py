"""The facts of each model family, in one table.

A fact is a function that measures, from a config and processed inputs, never a number. Adding a
family is adding a row to `ADAPTERS` whose facts pass the tests (dropping equals masking, and
K = L equals the baseline).
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import ModelError

IntArray = NDArray[np.int64]
Grids = tuple[tuple[int, int], ...]


def _image_token_id(config: Any) -> int:
    return int(config.image_token_id)


def _from_layer_zero(config: Any) -> int:
    return 0


def _behind_deepstack(config: Any) -> int:
    """Visual features are added to the visual rows behind each of the first layers."""
    return len(config.vision_config.deepstack_visual_indexes)


def _encode_image(model: Any, inputs: Mapping[str, Any]) -> Any:
    """With whatever of the inputs the family's vision side takes, such as image sizes."""
    takes = inspect.signature(model.get_image_features).parameters
    pictures = {name: inputs[name] for name in takes if name in inputs}
    return model.get_image_features(**pictures, return_dict=True)


def _no_encoder_layers(model: Any) -> Any:
    return None


def _llava_encoder_layers(model: Any) -> Any:
    """CLIP's or SigLIP's; another kind of tower (Pixtral's) ties its tokens to their places."""
    return getattr(getattr(model.model.vision_tower, "encoder", None), "layers", None)


def _counted_positions(model: Any, inputs: Mapping[str, Any]) -> Any:
    """0, 1, 2, ...: one position per token, visual or not."""
    import torch

    ids = inputs["input_ids"]
    return torch.arange(ids.shape[1], device=ids.device)[None]


def _positions_from_one(model: Any, inputs: Mapping[str, Any]) -> Any:
    """1, 2, 3, ...: PaliGemma's count."""
    return _counted_positions(model, inputs) + 1


def _multimodal_positions(model: Any, inputs: Mapping[str, Any]) -> Any:
    """Time, height and width, [3, 1, total]; a picture's tokens share their time.

    The model's own count, asked directly: its forward pass would keep what it found.
    """
    positions, _ = model.model.get_rope_index(
        inputs["input_ids"],
        mm_token_type_ids=inputs["mm_token_type_ids"],
        image_grid_thw=inputs["image_grid_thw"],
    )
    return positions


def _no_cap(config: Any) -> float | None:
    return None


def _final_cap(config: Any) -> float | None:
    """PaliGemma 2 caps its logits as Gemma 2 does; PaliGemma has no such setting."""
    cap = getattr(config.get_text_config(decoder=True), "final_logit_softcapping", None)
    return None if cap is None else float(cap)


@dataclass(frozen=True)
class Adapter:
    """What the engine needs to know of a family.

    Attributes:
        example: a hub id of the family, shown to users.
        picture: how a picture becomes visual tokens, in a few words, shown to users.
        image_token_id: config -> id that stands for one visual token in input_ids.
        patches: (model, inputs, visual count) -> (grids, [v, 3] grid, row, col of each visual
            token); raises ModelError when the counts do not fit.
        k_min: config -> smallest K that can be withdrawn at exactly.
        encode_image: (model, inputs) -> the vision features that `mm_encoder_outputs` takes.
        positions: (model, inputs) -> position ids of the prompt, [1, total], or [axes, 1, total]
            for multimodal rope.
        prompt_only: names of the processed inputs that the decoder's forward pass over the
            prompt needs besides input_ids, such as token_type_ids.
        encoder_layers: model -> ModuleList of the vision encoder's layers where every patch is a
            visual token of its own and the image may have fewer, so that patches can be merged in
            there; else None.
        logit_cap: config -> c where the family's logits are c * tanh(logits / c), else None.
        has_chat_template: whether the family's checkpoints have a chat template.
    """

    example: str
    picture: str
    patches: Callable[[Any, Mapping[str, Any], int], tuple[Grids, IntArray]]
    image_token_id: Callable[[Any], int] = _image_token_id
    k_min: Callable[[Any], int] = _from_layer_zero
    encode_image: Callable[[Any, Mapping[str, Any]], Any] = _encode_image
    positions: Callable[[Any, Mapping[str, Any]], Any] = _counted_positions
    prompt_only: tuple[str, ...] = ()
    encoder_layers: Callable[[Any], Any] = _no_encoder_layers
    logit_cap: Callable[[Any], float | None] = _no_cap
    has_chat_template: bool = True


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
        raise _misfit(visual_count, images * rows * cols)
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
    return _packed_grids(packed, side, visual_count)


def _overview_and_pooled_tiles(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """LLaVA-OneVision: as LLaVA-NeXT, the tiles pooled where they are many.

    Of several images in one prompt only the whole pictures are there, a newline token behind
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


def _packed_grids(packed: Sequence[Any], side: int, visual_count: int) -> tuple[Grids, IntArray]:
    """The grids in what a model's own packing made of flags, per image [tokens, 1]: 0 for a
    patch, -1 for the newline behind a row of the second grid."""
    grids: list[tuple[int, int]] = []
    patches: list[list[int]] = []
    for flags in packed:
        behind = flags[side * side :, 0]
        rows = int((behind == -1).sum())
        width = len(behind) // max(rows, 1)
        patches += [[len(grids), *divmod(index, side)] for index in range(side * side)]
        if width == 1:  # the whole picture alone, and one newline
            patches.append([len(grids), -1, -1])
        grids.append((side, side))
        if width <= 1:  # also so narrow a strip that all of its tiles are padding
            continue
        for row in range(rows):
            patches += [[len(grids), row, col] for col in range(width - 1)]
            patches.append([len(grids), -1, -1])
        grids.append((rows, width - 1))
    if len(patches) != visual_count:
        raise _misfit(visual_count, len(patches))
    return tuple(grids), np.array(patches, dtype=np.int64)


def _row_by_row(grids: Iterable[tuple[int, int]], visual_count: int) -> tuple[Grids, IntArray]:
    """Grids that stand one behind another, each row by row, with nothing between."""
    grids = tuple(grids)
    patches = [
        (index, row, col)
        for index, (rows, cols) in enumerate(grids)
        for row in range(rows)
        for col in range(cols)
    ]
    if len(patches) != visual_count:
        raise _misfit(visual_count, len(patches))
    return grids, np.array(patches, dtype=np.int64)


def _square_per_picture(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """Gemma 3, PaliGemma, InternVL, Aya Vision: every picture that the vision tower sees, whole
    image, crop or tile, is one square of tokens.

    How tiles lie in their image is in none of the inputs, so each has a grid of its own.
    """
    pictures = len(inputs["pixel_values"])
    side = math.isqrt(visual_count // pictures)
    return _row_by_row([(side, side)] * pictures, visual_count)


def _merged_patches(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """Qwen-VL and GLM-V: every image is one grid of its own shape, of merged patches."""
    merge = model.config.vision_config.spatial_merge_size
    return _row_by_row(
        [
            (height // merge, width // merge)
            for frames, height, width in inputs["image_grid_thw"].tolist()
            for _ in range(frames)
        ],
        visual_count,
    )


def _merged_rows(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """Mistral 3: every image is one grid of its own shape; the tokens that end its rows are text.

    image_sizes [images, 2] in pixels, as resized.
    """
    side = model.config.vision_config.patch_size * model.config.spatial_merge_size
    return _row_by_row(
        [(height // side, width // side) for height, width in inputs["image_sizes"].tolist()],
        visual_count,
    )


def _tagged_tiles(
    model: Any, inputs: Mapping[str, Any], visual_count: int
) -> tuple[Grids, IntArray]:
    """Idefics3 and SmolVLM: rows of tiles, each behind a tag, then the whole picture.

    How the tiles lie is read from the prompt. A mark stands before every tag and behind every
    image; tiles of a row follow at once, a line break ends the row. For every image the grid of
    the whole picture comes first, then, if it was cut, that of its tiles.
    """
    ids = np.asarray(inputs["input_ids"][0].cpu(), dtype=np.int64)
    runs = _runs(np.flatnonzero(ids == model.config.image_token_id))
    side = math.isqrt(len(runs[0]))
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
    patches = np.empty((len(runs), side * side, 3), dtype=np.int64)
    for *tiles, whole in images:
        if len({len(line) for line in tiles}) > 1 or len(whole) != 1:
            raise ModelError("The image tags in the prompt are in no order that this family has.")
        patches[whole[0]] = np.stack([np.full_like(row, len(grids)), row, col], axis=1)
        grids.append((side, side))
        for down, line in enumerate(tiles):
            for right, index in enumerate(line):
                patches[index] = np.stack(
                    [np.full_like(row, len(grids)), down * side + row, right * side + col], axis=1
                )
        if tiles:
            grids.append((len(tiles) * side, len(tiles[0]) * side))
    return tuple(grids), patches.reshape(-1, 3)


def _runs(positions: IntArray) -> list[IntArray]:
    """Ascending positions, cut where they do not follow one another."""
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)


def _misfit(visual_count: int, expected: int) -> ModelError:
    return ModelError(
        f"{visual_count} visual tokens do not fit the {expected} patches that the pictures are "
        "cut into; the processor and the model do not belong together."
    )


ADAPTERS: dict[str, Adapter] = {
    "llava": Adapter(
        example="llava-hf/llava-1.5-7b-hf",
        picture="one grid per image",
        patches=_one_grid_per_image,
        encoder_layers=_llava_encoder_layers,
    ),
    "llava_next": Adapter(
        example="llava-hf/llava-v1.6-vicuna-7b-hf",
        picture="overview, then tiles with newline tokens",
        patches=_overview_and_tiles,
    ),
    "llava_onevision": Adapter(
        example="llava-hf/llava-onevision-qwen2-7b-ov-hf",
        picture="overview, then tiles with newline tokens; of several images the overviews alone",
        patches=_overview_and_pooled_tiles,
    ),
    "idefics3": Adapter(
        example="HuggingFaceM4/Idefics3-8B-Llama3",
        picture="tagged tiles, then overview",
        patches=_tagged_tiles,
    ),
    "smolvlm": Adapter(
        example="HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        picture="tagged tiles, then overview",
        patches=_tagged_tiles,
    ),
    "internvl": Adapter(
        example="OpenGVLab/InternVL3-1B-hf",
        picture="one square grid per tile, then overview",
        patches=_square_per_picture,
    ),
    "aya_vision": Adapter(
        example="CohereLabs/aya-vision-8b",
        picture="one square grid per tile, then overview",
        patches=_square_per_picture,
    ),
    "qwen2_vl": Adapter(
        example="Qwen/Qwen2-VL-2B-Instruct",
        picture="one grid per image, of the image's shape",
        patches=_merged_patches,
        positions=_multimodal_positions,
    ),
    "qwen2_5_vl": Adapter(
        example="Qwen/Qwen2.5-VL-3B-Instruct",
        picture="one grid per image, of the image's shape",
        patches=_merged_patches,
        positions=_multimodal_positions,
    ),
    "qwen3_vl": Adapter(
        example="Qwen/Qwen3-VL-4B-Instruct",
        picture="one grid per image, of the image's shape; K of at least the deepstack layers",
        patches=_merged_patches,
        k_min=_behind_deepstack,
        positions=_multimodal_positions,
    ),
    "glm4v": Adapter(
        example="zai-org/GLM-4.1V-9B-Thinking",
        picture="one grid per image, of the image's shape",
        patches=_merged_patches,
        positions=_multimodal_positions,
    ),
    "gemma3": Adapter(
        example="google/gemma-3-4b-it",
        picture="one square grid per image; its tokens see each other both ways",
        patches=_square_per_picture,
        prompt_only=("token_type_ids",),
    ),
    "paligemma": Adapter(
        example="google/paligemma2-3b-mix-224",
        picture="one square grid per image; the whole prompt sees both ways",
        patches=_square_per_picture,
        positions=_positions_from_one,
        prompt_only=("token_type_ids",),
        logit_cap=_final_cap,
        has_chat_template=False,
    ),
    "mistral3": Adapter(
        example="mistralai/Mistral-Small-3.1-24B-Instruct-2503",
        picture="one grid per image, of the image's shape; the ends of its rows are text",
        patches=_merged_rows,
    ),
}
