"""The processors that take torchvision to be built, of tiny models' sizes.

Nothing here is imported from transformers before it is needed, so that a test can be skipped.
"""

from pathlib import Path

from tiny_families import FAMILIES, HAND_MADE, IDEFICS_TILE, PATCH, PICTURE_SIDE
from tiny_models import build_tokenizer, chat_template, save_tiny_model

SIDE = PICTURE_SIDE // PATCH


def video(kind, **options):
    import transformers

    return getattr(transformers, f"{kind}VideoProcessor")(**options)


def qwen(kind, videos):
    def build(pictures, tokenizer):
        import transformers

        return getattr(transformers, f"{kind}Processor")(
            pictures, tokenizer, video(videos, patch_size=PATCH, merge_size=2)
        )

    return build


def smolvlm(pictures, tokenizer):
    from transformers import SmolVLMProcessor

    return SmolVLMProcessor(pictures, tokenizer, video("SmolVLM"), image_seq_len=IDEFICS_TILE)


def internvl(pictures, tokenizer):
    from transformers import InternVLProcessor

    return InternVLProcessor(pictures, tokenizer, video("InternVL"), image_seq_length=4)


def llava_onevision(pictures, tokenizer):
    from transformers import LlavaOnevisionProcessor

    return LlavaOnevisionProcessor(
        pictures, tokenizer, video("LlavaOnevision"), num_image_tokens=SIDE * SIDE,
        vision_feature_select_strategy="full",
    )  # fmt: skip


def mistral3(pictures, tokenizer):
    from transformers import PixtralProcessor

    return PixtralProcessor(pictures, tokenizer, patch_size=PATCH, spatial_merge_size=2)


# What the families' own tokenizers call their tokens.
NAMES = {
    "internvl": {
        "start_image_token": "<img>", "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>", "video_token": "<video>",
    },
    "glm4v": {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
}  # fmt: skip
PROCESSORS = {
    "smolvlm": smolvlm,
    "internvl": internvl,
    "llava_onevision": llava_onevision,
    "mistral3": mistral3,
    "qwen2_vl": qwen("Qwen2VL", "Qwen2VL"),
    "qwen2_5_vl": qwen("Qwen2_5_VL", "Qwen2VL"),
    "qwen3_vl": qwen("Qwen3VL", "Qwen3VL"),
    "glm4v": qwen("Glm4v", "Glm4v"),
}


def save_as_its_maker(folder: Path, family: str) -> Path:
    """Save a family's tiny model with the family's own processor, also where that takes
    torchvision."""
    save_tiny_model(folder, family)
    if family not in HAND_MADE:
        return folder
    from transformers import AutoImageProcessor

    pictures = AutoImageProcessor.from_pretrained(folder)
    tokenizer = build_tokenizer(FAMILIES[family].specials, **NAMES.get(family, {}))
    processor = PROCESSORS[family](pictures, tokenizer)
    processor.chat_template = chat_template(FAMILIES[family].image)
    for file in ("chat_template.jinja", "preprocessor_config.json"):
        (folder / file).unlink(missing_ok=True)
    processor.save_pretrained(folder)
    return folder
