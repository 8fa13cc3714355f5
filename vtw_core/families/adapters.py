"""The facts of each model family, in one table.

A fact is a function that measures, from a config and processed inputs, never a number. Adding a
family is adding a row to `ADAPTERS` whose facts pass the tests (dropping equals masking, and
K = L equals the baseline).
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vtw_core.errors import ModelError, Sentence
from vtw_core.families.grids import (
    Packing,
    merged_patches,
    merged_rows,
    one_grid_per_image,
    overview_and_pooled_tiles,
    overview_and_tiles,
    square_per_picture,
    square_per_tile,
    tagged_tiles,
)


def _image_token_id(config: Any) -> int:
    return int(config.image_token_id)


def _from_layer_zero(config: Any) -> int:
    return 0


def _after_deepstack(config: Any) -> int:
    """Visual features are added to the visual rows after each of the first layers."""
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

    The model's own count, called directly: its forward pass would keep what it found.
    """
    positions, _ = model.model.get_rope_index(
        inputs["input_ids"],
        mm_token_type_ids=inputs["mm_token_type_ids"],
        image_grid_thw=inputs["image_grid_thw"],
    )
    return positions


def _sees_any(config: Any) -> int:
    return 0


def _one_merged_patch(config: Any) -> int:
    """Mistral 3's class cannot tell one visual token from none (it squeezes the axis away)."""
    return int(config.vision_config.patch_size * config.spatial_merge_size)


def _by_shape(config: Any) -> bool:
    return True


def _by_values(config: Any) -> bool:
    return False


def _unless_pixtral(config: Any) -> bool:
    return bool(config.vision_config.model_type != "pixtral")


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
            token, image of each grid); raises ModelError when the counts do not fit.
        k_min: config -> smallest K that can be withdrawn at exactly.
        encode_image: (model, inputs) -> the vision features that `mm_encoder_outputs` takes.
        counts_by_shape: config -> whether how many features that makes depends on the shapes of
            the inputs alone, so that a model without weights (on torch's meta device) can tell.
        unseen_side: config -> a picture must have a side of more pixels than this to be seen.
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
    picture: Sentence
    patches: Callable[[Any, Mapping[str, Any], int], Packing]
    image_token_id: Callable[[Any], int] = _image_token_id
    k_min: Callable[[Any], int] = _from_layer_zero
    encode_image: Callable[[Any, Mapping[str, Any]], Any] = _encode_image
    counts_by_shape: Callable[[Any], bool] = _by_shape
    unseen_side: Callable[[Any], int] = _sees_any
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
            "Models of type {kind!r} are not supported; supported: {names}.",
            kind=config.model_type,
            names=", ".join(sorted(ADAPTERS)),
        )
    return adapter


def visual_token_ids(config: Any) -> list[int]:
    """The ids that stand for a visual token in input_ids: of an image, and of a video where the
    family has one of its own."""
    return [adapter_for(config).image_token_id(config), *video_token_ids(config)]


def video_token_ids(config: Any) -> list[int]:
    """The id that stands for a visual token of a video, where the family has one of its own."""
    own = getattr(config, "video_token_id", None)
    return [] if own is None else [int(own)]


def decoder_layers(model: Any) -> Any:
    """The ModuleList of decoder layers, the same accessor in every supported family."""
    return model.get_decoder().layers


ADAPTERS: dict[str, Adapter] = {
    "llava": Adapter(
        example="llava-hf/llava-1.5-7b-hf",
        picture=Sentence("one grid per image"),
        patches=one_grid_per_image,
        counts_by_shape=_unless_pixtral,
        encoder_layers=_llava_encoder_layers,
    ),
    "llava_next": Adapter(
        example="llava-hf/llava-v1.6-vicuna-7b-hf",
        picture=Sentence("overview, then tiles with newline tokens"),
        patches=overview_and_tiles,
    ),
    "llava_onevision": Adapter(
        example="llava-hf/llava-onevision-qwen2-7b-ov-hf",
        picture=Sentence(
            "overview, then tiles with newline tokens; of several images the overviews alone"
        ),
        patches=overview_and_pooled_tiles,
    ),
    "idefics3": Adapter(
        example="HuggingFaceM4/Idefics3-8B-Llama3",
        picture=Sentence("tagged tiles, then overview"),
        patches=tagged_tiles,
        counts_by_shape=_by_values,
    ),
    "smolvlm": Adapter(
        example="HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        picture=Sentence("tagged tiles, then overview"),
        patches=tagged_tiles,
        counts_by_shape=_by_values,
    ),
    "internvl": Adapter(
        example="OpenGVLab/InternVL3-1B-hf",
        picture=Sentence("one square grid per tile, then overview"),
        patches=square_per_tile,
    ),
    "aya_vision": Adapter(
        example="CohereLabs/aya-vision-8b",
        picture=Sentence("one square grid per tile, then overview"),
        patches=square_per_tile,
    ),
    "qwen2_vl": Adapter(
        example="Qwen/Qwen2-VL-2B-Instruct",
        picture=Sentence("one grid per image, of the image's shape"),
        patches=merged_patches,
        counts_by_shape=_by_values,
        positions=_multimodal_positions,
    ),
    "qwen2_5_vl": Adapter(
        example="Qwen/Qwen2.5-VL-3B-Instruct",
        picture=Sentence("one grid per image, of the image's shape"),
        patches=merged_patches,
        counts_by_shape=_by_values,
        positions=_multimodal_positions,
    ),
    "qwen3_vl": Adapter(
        example="Qwen/Qwen3-VL-4B-Instruct",
        picture=Sentence(
            "one grid per image, of the image's shape; K of at least the deepstack layers"
        ),
        patches=merged_patches,
        counts_by_shape=_by_values,
        k_min=_after_deepstack,
        positions=_multimodal_positions,
    ),
    "glm4v": Adapter(
        example="zai-org/GLM-4.1V-9B-Thinking",
        picture=Sentence("one grid per image, of the image's shape"),
        patches=merged_patches,
        counts_by_shape=_by_values,
        positions=_multimodal_positions,
    ),
    "gemma3": Adapter(
        example="google/gemma-3-4b-it",
        picture=Sentence("one square grid per image; its tokens see each other both ways"),
        patches=square_per_picture,
        prompt_only=("token_type_ids",),
    ),
    "paligemma": Adapter(
        example="google/paligemma2-3b-mix-224",
        picture=Sentence("one square grid per image; the whole prompt sees both ways"),
        patches=square_per_picture,
        positions=_positions_from_one,
        prompt_only=("token_type_ids",),
        logit_cap=_final_cap,
        has_chat_template=False,
    ),
    "mistral3": Adapter(
        example="mistralai/Mistral-Small-3.1-24B-Instruct-2503",
        picture=Sentence("one grid per image, of the image's shape; the ends of its rows are text"),
        patches=merged_rows,
        counts_by_shape=_by_values,
        unseen_side=_one_merged_patch,
    ),
}
