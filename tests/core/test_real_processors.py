"""Families whose processor takes torchvision to be built, with that processor.

Skipped where torchvision is not installed; docs/models.md says how to run it.
"""

import functools
from dataclasses import replace

import pytest
import torch
from family_laws import LAWS, OTHER_PICTURE, PICTURE, PROMPT
from tiny_models import (
    FAMILIES,
    HAND_MADE,
    IDEFICS_TILE,
    PATCH,
    PICTURE_SIDE,
    TinyProcessor,
    build_tokenizer,
    chat_template,
    save_tiny_model,
)

from vtw_core import load_model

pytest.importorskip("torchvision", reason="these processors take torchvision to be built")

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

    pytest.importorskip("num2words", reason="the SmolVLM processor takes num2words to be built")
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


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Family -> folder of its tiny model, as its maker would have saved it."""

    @functools.cache
    def save(family):
        from transformers import AutoImageProcessor

        folder = save_tiny_model(tmp_path_factory.mktemp(f"real-{family}"), family)
        pictures = AutoImageProcessor.from_pretrained(folder)
        tokenizer = build_tokenizer(FAMILIES[family].specials, **NAMES.get(family, {}))
        processor = PROCESSORS[family](pictures, tokenizer)
        processor.chat_template = chat_template(FAMILIES[family].image)
        (folder / "chat_template.jinja").unlink()
        processor.save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="module")
def models(folders):
    """Family -> its tiny model with its own processor, loaded as a user loads it."""

    @functools.cache
    def load(family):
        return load_model(str(folders(family)), device="cpu")

    return load


def test_every_hand_made_processor_has_its_original_here():
    assert set(PROCESSORS) == HAND_MADE


@pytest.mark.parametrize("family", sorted(HAND_MADE))
@pytest.mark.parametrize("law", LAWS)
def test_the_law_holds_with_the_family_s_own_processor(models, family, law):
    vlm = models(family)
    assert not isinstance(vlm.processor, TinyProcessor)
    LAWS[law](vlm)


@pytest.mark.parametrize("family", sorted(HAND_MADE))
@pytest.mark.parametrize("images", [PICTURE, [PICTURE, OTHER_PICTURE]], ids=["one", "two"])
def test_the_hand_made_processor_does_what_the_original_does(models, folders, family, images):
    vlm = models(family)
    by_hand = replace(vlm, processor=TinyProcessor(folders(family), family))
    original, made = vlm.inputs(images, PROMPT), by_hand.inputs(images, PROMPT)
    assert set(made) <= set(original)
    for name, value in made.items():
        assert torch.equal(value, original[name]), name
