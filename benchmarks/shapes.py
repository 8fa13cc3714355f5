"""Random LLaVA models of a given shape: the values of weights make no difference to times."""

from __future__ import annotations

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from vtw_core import TokenLayout, load_model
from vtw_core.engine.generation import Prepared
from vtw_core.families.adapters import adapter_for
from vtw_core.model import VisionLanguageModel

PATCH = 4


def random_llava(
    *, layers: int, width: int, patches_per_side: int, heads: int = 8
) -> VisionLanguageModel:
    """A LLaVA of random weights with the embedded model's tokenizer, on the GPU if there is one.

    The feed-forward network is 11/4 of the width, as in LLaVA-1.5.
    """
    processor = load_model("embedded", device="cpu").processor
    tokenizer = processor.tokenizer
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            image_size=patches_per_side * PATCH, patch_size=PATCH,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=width, intermediate_size=width * 11 // 4,
            num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=8192,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=None,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.vocab["<image>"],
        vision_feature_layer=-1,
        image_seq_length=patches_per_side**2,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config).eval().requires_grad_(False)
    model.generation_config.eos_token_id = None  # answers as long as requested
    with torch.no_grad():
        # At the usual 0.02 attention is flat and every K gives the same answer; grown, the KL at
        # the first token is of the order of one nat.
        for name, weight in model.named_parameters():
            if "language_model.layers" in name and weight.ndim == 2:
                weight.mul_(4)
            elif any(part in name for part in ("embed_tokens", "projector", "lm_head")):
                weight.mul_(6)
    where = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(where)
    return VisionLanguageModel("random", model, processor, adapter_for(model.config))


def random_prompt(vlm: VisionLanguageModel, *, before: int, after: int) -> Prepared:
    """A prompt of `before` random tokens, one random picture and `after` random tokens."""
    config, device = vlm.model.config, vlm.model.device
    generator = torch.Generator().manual_seed(1)
    text = torch.randint(300, config.text_config.vocab_size, (before + after,),
                         generator=generator)  # fmt: skip
    image = torch.full((config.image_seq_length,), config.image_token_id)
    ids = torch.cat([text[:before], image, text[before:]])[None].to(device)
    side = config.vision_config.image_size
    inputs = {
        "input_ids": ids,
        "pixel_values": torch.rand(1, 3, side, side, generator=generator).to(
            device, vlm.model.dtype
        ),
    }
    with torch.inference_mode():
        vision = vlm.adapter.encode_image(vlm.model, inputs)
    return Prepared(
        input_ids=ids,
        layout=TokenLayout.from_inputs(vlm.model, inputs),
        vision=vision,
        positions=vlm.adapter.positions(vlm.model, inputs),
        extras={},
        encode_seconds=0.0,
    )
