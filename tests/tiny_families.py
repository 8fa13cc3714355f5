"""The families: how a tiny random model of each is built, of the real class.

Its layers are four and its pictures small; what is saved of it, and how it is loaded, is in
`tiny_models`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest

PICTURE_SIDE, PATCH = 16, 4
PINPOINTS = [[16, 32], [32, 16], [32, 32]]


@dataclass(frozen=True)
class Tiny:
    """How one family's tiny model is made.

    Attributes:
        build: the tokenizer's vocabulary, token -> id -> (model, image processor).
        image: what the chat template writes for an image.
        specials: the family's special tokens besides <pad>, <s>, </s>; the first one is what
            stands for a visual token.
        processor: (image processor, tokenizer, options) -> the family's processor, None where
            that takes torchvision.
        expand: for `TinyProcessor`: (its outputs, image index) -> the text of one image.
    """

    build: Callable[[dict[str, int]], tuple[Any, Any]]
    image: str
    specials: tuple[str, ...]
    processor: Callable[..., Any] | None = None
    expand: Callable[[Any, int], str] | None = None


def text_sizes(vocabulary: int, **more: Any) -> dict[str, Any]:
    """Sizes of every tiny decoder: grouped-query attention, four layers."""
    return {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": vocabulary,
        "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        **more,
    }  # fmt: skip


def vision_sizes(**more: Any) -> dict[str, Any]:
    """Sizes of most tiny vision towers."""
    return {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "image_size": PICTURE_SIDE, "patch_size": PATCH, **more,
    }  # fmt: skip


def square(side: int) -> dict[str, int]:
    """An image processor's size."""
    return {"height": side, "width": side}


def _llava(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**vision_sizes(image_size=32, projection_dim=32)),
        text_config=t.LlamaConfig(**text_sizes(len(ids))),
        image_token_index=ids["<image>"],
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=64,
    )
    pictures = t.CLIPImageProcessorPil(size=square(32), crop_size=square(32))
    return t.LlavaForConditionalGeneration(config), pictures


def _llava_next(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    pinpoints = [[32, 64], [64, 32], [64, 64]]
    config = t.LlavaNextConfig(
        vision_config=t.CLIPVisionConfig(**vision_sizes(image_size=32, projection_dim=32)),
        text_config=t.LlamaConfig(**text_sizes(len(ids), max_position_embeddings=1024)),
        image_token_index=ids["<image>"],
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=64,
        image_grid_pinpoints=pinpoints,
    )
    pictures = t.LlavaNextImageProcessorPil(
        size={"shortest_edge": 32}, crop_size=square(32), image_grid_pinpoints=pinpoints
    )
    return t.LlavaNextForConditionalGeneration(config), pictures


def _llava_processor(kind: str) -> Callable[..., Any]:
    def build(pictures: Any, tokenizer: Any, **options: Any) -> Any:
        import transformers

        return getattr(transformers, kind)(
            pictures,
            tokenizer,
            patch_size=PATCH,
            vision_feature_select_strategy="default",
            image_token="<image>",
            num_additional_image_tokens=1,
            **options,
        )

    return build


def _llava_onevision(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.LlavaOnevisionConfig(
        vision_config=t.SiglipVisionConfig(**vision_sizes(vision_use_head=False)),
        text_config=t.Qwen2Config(**text_sizes(len(ids))),
        image_token_id=ids["<image>"],
        video_token_id=ids["<video>"],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_grid_pinpoints=PINPOINTS,
    )
    pictures = t.LlavaOnevisionImageProcessorPil(
        size=square(PICTURE_SIDE), image_grid_pinpoints=PINPOINTS
    )
    return t.LlavaOnevisionForConditionalGeneration(config), pictures


def _onevision_text(batch: Any, index: int) -> str:
    from transformers.models.llava_onevision.modeling_llava_onevision import (
        get_anyres_image_grid_shape,
        unpad_image,
    )

    side = PICTURE_SIDE // PATCH
    images = [n for n in batch["batch_num_images"] for _ in range(int(n))]
    if int(images[index]) > 1:
        return "<image>" * (side * side + 1)
    import torch

    size = batch["image_sizes"][index].tolist()
    rows, cols = get_anyres_image_grid_shape(size, PINPOINTS, PICTURE_SIDE)
    tiles = unpad_image(torch.zeros(1, rows * side, cols * side), size)
    return "<image>" * (side * side + tiles.shape[1] * (tiles.shape[2] + 1))


def _idefics3(kind: str) -> Callable[[dict[str, int]], tuple[Any, Any]]:
    def build(ids: dict[str, int]) -> tuple[Any, Any]:
        import transformers as t

        vision = getattr(t, f"{kind}VisionConfig")
        config = getattr(t, f"{kind}Config")(
            vision_config=vision(**vision_sizes()),
            text_config=t.LlamaConfig(**text_sizes(len(ids))),
            image_token_id=ids["<image>"],
            scale_factor=2,
            pad_token_id=0,
        )
        pictures = getattr(t, f"{kind}ImageProcessorPil")(
            size={"longest_edge": 2 * PICTURE_SIDE}, max_image_size={"longest_edge": PICTURE_SIDE}
        )
        return getattr(t, f"{kind}ForConditionalGeneration")(config), pictures

    return build


IDEFICS_TILE = (PICTURE_SIDE // PATCH // 2) ** 2


def _idefics3_processor(pictures: Any, tokenizer: Any, **options: Any) -> Any:
    from transformers import Idefics3Processor

    return Idefics3Processor(pictures, tokenizer, image_seq_len=IDEFICS_TILE, **options)


def _smolvlm_text(batch: Any, index: int) -> str:
    rows, cols = (list(chain(*batch[name]))[index] for name in ("rows", "cols"))
    fake, tile = "<fake_token_around_image>", "<image>" * IDEFICS_TILE
    text = ""
    for row in range(1, rows + 1):
        text += "".join(f"{fake}<row_{row}_col_{col}>{tile}" for col in range(1, cols + 1)) + "\n"
    return f"{text}{chr(10) if rows else ''}{fake}<global-img>{tile}{fake}"


IDEFICS_SPECIALS = (
    "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>",
    *(f"<row_{row}_col_{col}>" for row in (1, 2) for col in (1, 2)),
)  # fmt: skip


def _internvl(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.InternVLConfig(
        vision_config=t.InternVLVisionConfig(**vision_sizes()),
        text_config=t.Qwen2Config(**text_sizes(len(ids))),
        image_token_id=ids["<IMG_CONTEXT>"],
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    pictures = t.GotOcr2ImageProcessorPil(
        size=square(PICTURE_SIDE), crop_to_patches=True, max_patches=3
    )
    return t.InternVLForConditionalGeneration(config), pictures


def _internvl_text(batch: Any, index: int) -> str:
    return f"<img>{'<IMG_CONTEXT>' * 4 * int(batch['num_patches'][index])}</img>"


def _aya_vision(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.AyaVisionConfig(
        vision_config=t.SiglipVisionConfig(**vision_sizes(vision_use_head=False)),
        text_config=t.Cohere2Config(**text_sizes(len(ids), sliding_window=512)),
        image_token_index=ids["<|IMG_PATCH|>"],
        downsample_factor=2,
        adapter_layer_norm_eps=1e-6,
        alignment_intermediate_size=64,
    )
    pictures = t.GotOcr2ImageProcessorPil(
        size=square(PICTURE_SIDE), crop_to_patches=True, max_patches=3
    )
    return t.AyaVisionForConditionalGeneration(config), pictures


def _aya_processor(pictures: Any, tokenizer: Any, **options: Any) -> Any:
    from transformers import AyaVisionProcessor

    return AyaVisionProcessor(
        pictures, tokenizer, patch_size=PATCH, img_size=PICTURE_SIDE, downsample_factor=2, **options
    )


QWEN_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
# Enough to keep the picture's shape, few enough to stay tiny.
QWEN_PIXELS = {"shortest_edge": 16 * 16, "longest_edge": 32 * 32}


def _qwen(kind: str, vision: dict[str, Any]) -> Callable[[dict[str, int]], tuple[Any, Any]]:
    def build(ids: dict[str, int]) -> tuple[Any, Any]:
        import transformers as t

        text = {} if kind != "Qwen3VL" else {"head_dim": 8}
        config = getattr(t, f"{kind}Config")(
            vision_config=getattr(t, f"{kind}VisionConfig")(
                depth=3, num_heads=4, patch_size=PATCH, spatial_merge_size=2, **vision
            ),
            text_config=getattr(t, f"{kind}TextConfig")(
                **text_sizes(len(ids), rope_parameters=QWEN_ROPE, **text)
            ),
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
        )
        pictures = t.Qwen2VLImageProcessorPil(patch_size=PATCH, merge_size=2, size=QWEN_PIXELS)
        return getattr(t, f"{kind}ForConditionalGeneration")(config), pictures

    return build


def _glm4v(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.Glm4vConfig(
        vision_config=t.Glm4vVisionConfig(
            depth=2, hidden_size=32, intermediate_size=64, num_heads=4, patch_size=PATCH,
            image_size=PICTURE_SIDE, out_hidden_size=32, spatial_merge_size=2,
        ),
        text_config=t.Glm4vTextConfig(**text_sizes(len(ids), rope_parameters=QWEN_ROPE)),
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        image_start_token_id=ids["<|vision_start|>"],
        image_end_token_id=ids["<|vision_end|>"],
        video_start_token_id=ids["<|video_start|>"],
        video_end_token_id=ids["<|video_end|>"],
    )  # fmt: skip
    pictures = t.Glm4vImageProcessorPil(patch_size=PATCH, merge_size=2, size=QWEN_PIXELS)
    return t.Glm4vForConditionalGeneration(config), pictures


def _qwen_text(batch: Any, index: int) -> str:
    return "<|image_pad|>" * (int(batch["image_grid_thw"][index].prod()) // 4)


QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
QWEN_SPECIALS = (
    "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>",
    "<|video_start|>", "<|video_end|>",
)  # fmt: skip


def _gemma3(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.Gemma3Config(
        vision_config=t.SiglipVisionConfig(**vision_sizes(vision_use_head=False)),
        text_config=t.Gemma3TextConfig(
            **text_sizes(len(ids), 
                head_dim=8, query_pre_attn_scalar=8, sliding_window=512,
                layer_types=["sliding_attention", "full_attention"] * 2,
            )
        ),
        mm_tokens_per_image=4,
        image_token_index=ids["<image_soft_token>"],
        boi_token_index=ids["<start_of_image>"],
        eoi_token_index=ids["<end_of_image>"],
    )  # fmt: skip
    return t.Gemma3ForConditionalGeneration(config), t.Gemma3ImageProcessorPil(
        size=square(PICTURE_SIDE)
    )


def _gemma3_processor(pictures: Any, tokenizer: Any, **options: Any) -> Any:
    from transformers import Gemma3Processor

    return Gemma3Processor(pictures, tokenizer, image_seq_length=4, **options)


def _paligemma(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t
    from transformers.models.paligemma.processing_paligemma import EXTRA_TOKENS

    config = t.PaliGemmaConfig(
        vision_config=t.SiglipVisionConfig(
            **vision_sizes(vision_use_head=False, projection_dim=32)
        ),
        text_config=t.GemmaConfig(**text_sizes(len(ids) + len(EXTRA_TOKENS), head_dim=8)),
        image_token_index=ids["<image>"],
        projection_dim=32,
        hidden_size=32,
    )
    pictures = t.SiglipImageProcessorPil(size=square(PICTURE_SIDE))
    pictures.image_seq_length = (PICTURE_SIDE // PATCH) ** 2
    return t.PaliGemmaForConditionalGeneration(config), pictures


def _paligemma_processor(pictures: Any, tokenizer: Any, **options: Any) -> Any:
    from transformers import PaliGemmaProcessor

    return PaliGemmaProcessor(pictures, tokenizer, **options)


def _mistral3(ids: dict[str, int]) -> tuple[Any, Any]:
    import transformers as t

    config = t.Mistral3Config(
        vision_config=t.PixtralVisionConfig(**vision_sizes(image_size=2 * PICTURE_SIDE)),
        text_config=t.MistralConfig(**text_sizes(len(ids), head_dim=8, sliding_window=None)),
        image_token_index=ids["[IMG]"],
        spatial_merge_size=2,
        vision_feature_layer=-1,
    )
    pictures = t.PixtralImageProcessorPil(
        patch_size=square(2 * PATCH), size={"longest_edge": 2 * PICTURE_SIDE}
    )
    return t.Mistral3ForConditionalGeneration(config), pictures


def _mistral3_text(batch: Any, index: int) -> str:
    rows, cols = (int(pixels) // (2 * PATCH) for pixels in batch["image_sizes"][index])
    return "[IMG_BREAK]".join(["[IMG]" * cols] * rows) + "[IMG_END]"


FAMILIES: dict[str, Tiny] = {
    "llava": Tiny(_llava, "<image>", ("<image>",), _llava_processor("LlavaProcessor")),
    "llava_next": Tiny(
        _llava_next, "<image>", ("<image>",), _llava_processor("LlavaNextProcessor")
    ),
    "llava_onevision": Tiny(
        _llava_onevision, "<image>", ("<image>", "<video>"), expand=_onevision_text
    ),
    "idefics3": Tiny(_idefics3("Idefics3"), "<image>", IDEFICS_SPECIALS, _idefics3_processor),
    "smolvlm": Tiny(_idefics3("SmolVLM"), "<image>", IDEFICS_SPECIALS, expand=_smolvlm_text),
    "internvl": Tiny(
        _internvl, "<IMG_CONTEXT>", ("<IMG_CONTEXT>", "<img>", "</img>"), expand=_internvl_text
    ),
    "aya_vision": Tiny(
        _aya_vision,
        "<image>",
        ("<|IMG_PATCH|>", "<image>", "<|START_OF_IMG|>", "<|END_OF_IMG|>", "TILE", "TILE_GLOBAL"),
        _aya_processor,
    ),
    "qwen2_vl": Tiny(
        _qwen("Qwen2VL", {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}),
        QWEN_IMAGE, QWEN_SPECIALS, expand=_qwen_text,
    ),
    "qwen2_5_vl": Tiny(
        _qwen(
            "Qwen2_5_VL",
            {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32, "window_size": 16,
             "fullatt_block_indexes": [1]},
        ),
        QWEN_IMAGE, QWEN_SPECIALS, expand=_qwen_text,
    ),
    "qwen3_vl": Tiny(
        _qwen(
            "Qwen3VL",
            {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32,
             "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]},
        ),
        QWEN_IMAGE, QWEN_SPECIALS, expand=_qwen_text,
    ),
    "glm4v": Tiny(_glm4v, QWEN_IMAGE, QWEN_SPECIALS, expand=_qwen_text),
    "gemma3": Tiny(
        _gemma3,
        "<start_of_image>",
        ("<image_soft_token>", "<start_of_image>", "<end_of_image>"),
        _gemma3_processor,
    ),
    "paligemma": Tiny(_paligemma, "<image>", ("<image>",), _paligemma_processor),
    "mistral3": Tiny(
        _mistral3, "[IMG]", ("[IMG]", "[IMG_BREAK]", "[IMG_END]"), expand=_mistral3_text
    ),
}  # fmt: skip
HAND_MADE = frozenset(family for family, tiny in FAMILIES.items() if tiny.processor is None)
# Tiles, deepstack layers, a window under an image that sees itself, and a prefix that does.
KINDS = ("gemma3", "llava_next", "paligemma", "qwen3_vl")
# For the variants of what every family's core laws already say: `make test` takes one of each kind.
KINDS_FIRST = [
    pytest.param(family, marks=[] if family in KINDS else pytest.mark.slow)
    for family in sorted(FAMILIES)
]
