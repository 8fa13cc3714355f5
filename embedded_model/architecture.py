"""The model: LLaVA's own classes, in miniature.

A CLIP vision tower with a class token, a two-layer projector and a Llama decoder. Nothing here is
special to this project, so the checkpoint loads like any other LLaVA.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.masking_utils import eager_mask
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

IMAGE_SIDE = 96
PATCH = 8
GRID = IMAGE_SIDE // PATCH
VISUAL_TOKENS = GRID * GRID
PIXEL_MEAN, PIXEL_STD = 0.5, 0.25
FIRST_LAYERS = 12
"""Decoder layers of the language stage and the first dialogue stage; `add_layers` adds to them."""
TRAINING_ATTENTION = "bfloat16_training"


def build_config(tokenizer: PreTrainedTokenizerFast, layers: int = FIRST_LAYERS) -> LlavaConfig:
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=192,
            intermediate_size=576,
            num_hidden_layers=6,
            num_attention_heads=4,
            image_size=IMAGE_SIDE,
            patch_size=PATCH,
            projection_dim=192,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=layers,
            num_attention_heads=6,
            num_key_value_heads=6,
            max_position_embeddings=2048,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=False,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.vocab["<image>"],
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        image_seq_length=VISUAL_TOKENS,
        tie_word_embeddings=False,
    )


def _bfloat16_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Plain attention, all of it in bfloat16: query, key, value are [batch, head, position, width].

    On a CPU the backward pass of the fused kernel takes several times as long as this one, and
    transformers' eager attention copies the scores to float32 and back.
    """
    with torch.autocast(query.device.type, enabled=False):
        query, key, value = query.bfloat16(), key.bfloat16(), value.bfloat16()
        scores = (query * (scaling or query.shape[-1] ** -0.5)) @ key.transpose(2, 3)
        if attention_mask is not None:
            scores = scores + attention_mask
        mixed = torch.softmax(scores, dim=-1) @ value
    return mixed.transpose(1, 2), None


AttentionInterface.register(TRAINING_ATTENTION, _bfloat16_attention)
AttentionMaskInterface.register(TRAINING_ATTENTION, eager_mask)


def build_model(
    tokenizer: PreTrainedTokenizerFast, seed: int, layers: int = FIRST_LAYERS
) -> LlavaForConditionalGeneration:
    """A fresh model, set up for training."""
    torch.manual_seed(seed)
    model = LlavaForConditionalGeneration(build_config(tokenizer, layers))
    model.set_attn_implementation(TRAINING_ATTENTION)
    return model


def add_layers(model: LlavaForConditionalGeneration, count: int) -> None:
    """Put ``count`` layers after the decoder's last one, in place.

    Each is a copy of one of the last layers whose two output matrices are zero, so that at first
    it changes nothing (block expansion, as in LLaMA Pro, arXiv 2401.02415, but all at the end and
    nothing frozen).
    """
    decoder = model.model.language_model
    had = len(decoder.layers)
    for index in range(had, had + count):
        copied = decoder.layers[index - count]
        layer = type(copied)(decoder.config, index)
        layer.load_state_dict(copied.state_dict())
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)
        decoder.layers.append(layer)
    decoder.config.num_hidden_layers = had + count


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Pictures of any shape are padded to a square with grey and reduced to ``IMAGE_SIDE``."""
    images = LlavaImageProcessorPil(
        do_pad=True,
        size={"height": IMAGE_SIDE, "width": IMAGE_SIDE},
        default_to_square=True,
        do_center_crop=False,
        image_mean=[PIXEL_MEAN] * 3,
        image_std=[PIXEL_STD] * 3,
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        chat_template=tokenizer.chat_template,
    )
