"""The sizes in the configs of the models in the catalogue, as far as parameters depend on them.

A config here has the shape of the checkpoint's and nothing else of it.
"""

from typing import Any

CLIP_L = {
    "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
    "num_attention_heads": 16, "image_size": 336, "patch_size": 14, "projection_dim": 768,
    "model_type": "clip_vision_model",
}  # fmt: skip
SIGLIP_BASE = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "image_size": 512, "patch_size": 16,
}  # fmt: skip
SIGLIP_SO = {
    "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27,
    "num_attention_heads": 16, "image_size": 384, "patch_size": 14,
}  # fmt: skip
PLAIN_SIGLIP_SO = {**SIGLIP_SO, "vision_use_head": False}


def sizes(
    width: int, inner: int, layers: int, heads: int, kv_heads: int, vocabulary: int, **more: Any
) -> dict[str, Any]:
    """A decoder's."""
    return {
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocabulary,
        **more,
    }  # fmt: skip


SMOL_135 = sizes(576, 1536, 30, 9, 3, 49280)
SMOL_360 = sizes(960, 2560, 32, 15, 5, 49280)
SMOL_1700 = sizes(2048, 8192, 24, 32, 32, 49280)
LLAMA_8B = sizes(4096, 14336, 32, 32, 8, 128259)
VICUNA_7B = sizes(4096, 11008, 32, 32, 32, 32064)


def idefics(kind: str, vision: dict[str, Any], text: dict[str, Any], scale: int) -> Any:
    import transformers as t

    return getattr(t, f"{kind}Config")(
        vision_config=vision, text_config=t.LlamaConfig(**text), scale_factor=scale,
        image_token_id=text["vocab_size"] - 2, pad_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip


def qwen(kind: str, vision: dict[str, Any], text: dict[str, Any]) -> Any:
    import transformers as t

    return getattr(t, f"{kind}Config")(
        vision_config=vision, text_config={**text, "tie_word_embeddings": True},
        tie_word_embeddings=True,
    )  # fmt: skip


def qwen2_vl() -> Any:
    vision = {"depth": 32, "embed_dim": 1280, "hidden_size": 1536, "num_heads": 16, "mlp_ratio": 4}
    return qwen("Qwen2VL", vision, sizes(1536, 8960, 28, 12, 2, 151936))


def qwen2_5_vl() -> Any:
    vision = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "out_hidden_size": 2048}
    return qwen("Qwen2_5_VL", vision, sizes(2048, 11008, 36, 16, 2, 151936))


def qwen3_vl(text: dict[str, Any]) -> Any:
    vision = {
        "depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16,
        "out_hidden_size": text["hidden_size"], "patch_size": 16,
        "deepstack_visual_indexes": [5, 11, 17], "num_position_embeddings": 2304,
    }  # fmt: skip
    return qwen("Qwen3VL", vision, {**text, "head_dim": 128})


def llava(kind: str, text: Any) -> Any:
    import transformers as t

    return getattr(t, f"{kind}Config")(vision_config=CLIP_L, text_config=text)


def llama(text: dict[str, Any]) -> Any:
    import transformers as t

    return t.LlamaConfig(**text)


def mistral_7b() -> Any:
    import transformers as t

    return t.MistralConfig(**sizes(4096, 14336, 32, 32, 8, 32064))


def onevision() -> Any:
    import transformers as t

    return t.LlavaOnevisionConfig(
        vision_config={**PLAIN_SIGLIP_SO, "num_hidden_layers": 26,
                       "model_type": "siglip_vision_model"},
        text_config=t.Qwen2Config(**sizes(896, 4864, 24, 14, 2, 152000, tie_word_embeddings=True)),
        tie_word_embeddings=True,
    )  # fmt: skip


def internvl(text: dict[str, Any]) -> Any:
    import transformers as t

    vision = {
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
        "num_attention_heads": 16, "image_size": [448, 448], "patch_size": [14, 14],
    }  # fmt: skip
    return t.InternVLConfig(
        vision_config=vision, text_config=t.Qwen2Config(**text), tie_word_embeddings=False
    )


def gemma3() -> Any:
    import transformers as t

    return t.Gemma3Config(
        vision_config=t.SiglipVisionConfig(**{**PLAIN_SIGLIP_SO, "image_size": 896}),
        text_config=t.Gemma3TextConfig(**sizes(2560, 10240, 34, 8, 4, 262208, head_dim=256)),
    )


def paligemma2() -> Any:
    import transformers as t

    vision = {**PLAIN_SIGLIP_SO, "image_size": 224, "projection_dim": 2304}
    return t.PaliGemmaConfig(
        vision_config=t.SiglipVisionConfig(**vision),
        text_config=t.Gemma2Config(**sizes(2304, 9216, 26, 8, 4, 257216, head_dim=256)),
        projection_dim=2304, hidden_size=2304,
    )  # fmt: skip


def aya_vision() -> Any:
    import transformers as t

    return t.AyaVisionConfig(
        vision_config=t.SiglipVisionConfig(**{**PLAIN_SIGLIP_SO, "image_size": 364}),
        text_config=t.Cohere2Config(**sizes(4096, 14336, 32, 32, 8, 256000)),
        downsample_factor=2,
    )


def glm4v() -> Any:
    import transformers as t

    vision = {
        "depth": 24, "hidden_size": 1536, "intermediate_size": 13696, "num_heads": 12,
        "image_size": 336, "patch_size": 14, "out_hidden_size": 4096,
    }  # fmt: skip
    rope = {
        "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5,
        "mrope_section": [8, 12, 12],
    }  # fmt: skip
    text = sizes(4096, 13696, 40, 32, 2, 151552, rope_parameters=rope)
    return t.Glm4vConfig(vision_config=vision, text_config=text)


def mistral3() -> Any:
    import transformers as t

    vision = {
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
        "num_attention_heads": 16, "image_size": 1540, "patch_size": 14, "head_dim": 64,
    }  # fmt: skip
    text = sizes(5120, 32768, 40, 32, 8, 131072, head_dim=128, tie_word_embeddings=False)
    return t.Mistral3Config(
        vision_config=t.PixtralVisionConfig(**vision), text_config=t.MistralConfig(**text),
        spatial_merge_size=2, tie_word_embeddings=False,
    )  # fmt: skip


SMOL = "HuggingFaceTB/SmolVLM"
REAL_CONFIGS: dict[str, Any] = {
    f"{SMOL}-256M-Instruct": lambda: idefics("Idefics3", SIGLIP_BASE, SMOL_135, 4),
    f"{SMOL}-500M-Instruct": lambda: idefics("Idefics3", SIGLIP_BASE, SMOL_360, 4),
    f"{SMOL}2-256M-Video-Instruct": lambda: idefics("SmolVLM", SIGLIP_BASE, SMOL_135, 4),
    f"{SMOL}2-500M-Video-Instruct": lambda: idefics("SmolVLM", SIGLIP_BASE, SMOL_360, 4),
    f"{SMOL}2-2.2B-Instruct": lambda: idefics("SmolVLM", SIGLIP_SO, SMOL_1700, 3),
    "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": onevision,
    "OpenGVLab/InternVL3-1B-hf": lambda: internvl(sizes(896, 4864, 24, 14, 2, 151674)),
    "OpenGVLab/InternVL3-2B-hf": lambda: internvl(sizes(1536, 8960, 28, 12, 2, 151674)),
    "Qwen/Qwen3-VL-2B-Instruct": lambda: qwen3_vl(sizes(2048, 6144, 28, 16, 8, 151936)),
    "Qwen/Qwen2-VL-2B-Instruct": qwen2_vl,
    "google/paligemma2-3b-mix-224": paligemma2,
    "Qwen/Qwen2.5-VL-3B-Instruct": qwen2_5_vl,
    "google/gemma-3-4b-it": gemma3,
    "Qwen/Qwen3-VL-4B-Instruct": lambda: qwen3_vl(sizes(2560, 9728, 36, 32, 8, 151936)),
    "llava-hf/llava-1.5-7b-hf": lambda: llava("Llava", llama(VICUNA_7B)),
    "llava-hf/llava-v1.6-vicuna-7b-hf": lambda: llava("LlavaNext", llama(VICUNA_7B)),
    "llava-hf/llava-v1.6-mistral-7b-hf": lambda: llava("LlavaNext", mistral_7b()),
    "HuggingFaceM4/Idefics3-8B-Llama3": lambda: idefics(
        "Idefics3", {**SIGLIP_SO, "image_size": 364}, LLAMA_8B, 2
    ),
    "CohereLabs/aya-vision-8b": aya_vision,
    "zai-org/GLM-4.1V-9B-Thinking": glm4v,
    "mistralai/Mistral-Small-3.1-24B-Instruct-2503": mistral3,
}
