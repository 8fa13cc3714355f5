"""Models that are known by name: what they are, how large, under which licence. No torch.

Every fact has a source (`KnownModel.source`); how parameters and layers were counted is explained
in docs/models.md. Any other checkpoint of a supported family can be loaded as well.
"""

from dataclasses import dataclass

EMBEDDED, SMOLLM2 = "embedded", "smollm2"
SHIPPED = {EMBEDDED: "embedded_model", SMOLLM2: "smollm2_model"}
"""Models that come with the project -> their folder in assets."""
TORCHVISION = "torchvision"
NUM2WORDS = "num2words"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
QUANTIZED = ("8bit", "4bit")
GIB = 2**30

# Of a quantized model, this share of the parameters stays in its dtype: the embeddings, the head
# and the norms. Counted over CATALOGUE it is 0.03 to 0.29; the larger the model the smaller.
UNQUANTIZED_SHARE = 0.15
ROOM_SHARE = 0.2
LEAST_ROOM = GIB // 4


@dataclass(frozen=True)
class KnownModel:
    """What is known of a checkpoint before any of it is fetched.

    Attributes:
        name: hub id, or a key of SHIPPED.
        title: its usual name.
        family: its model_type, a key of `vtw_core.families.adapters.ADAPTERS`.
        parameters: number of parameters.
        download_bytes: size of its safetensors as stored, but for their headers.
        saved_dtype: dtype of most of its weights as stored.
        licence: SPDX identifier, or the licence's own name.
        licence_note: what to know of it before use, and which facts are not confirmed; may be "".
        gated: whether the hub asks for an account that has accepted its terms.
        packages: names on PyPI that its processor needs beyond what the library needs.
        visual_tokens: how many a picture becomes, in a few words.
        layers: L, decoder layers.
        source: its card; licence_note says where that could not be read.
    """

    name: str
    title: str
    family: str
    parameters: int
    download_bytes: int
    saved_dtype: str
    licence: str
    licence_note: str
    gated: bool
    packages: tuple[str, ...]
    visual_tokens: str
    layers: int
    source: str


# For entries whose card could not be read when they were written.
UNREAD = "Licence as it is generally given; the card was not read."


def known(name: str) -> KnownModel | None:
    """The entry of a model, None for one that is not listed."""
    return next((model for model in CATALOGUE if model.name == name), None)


def memory_bytes(parameters: int, dtype: str, quantize: str | None = None) -> int:
    """Memory that a model takes to be loaded and run: weights plus working room.

    Weights: parameters times bytes per parameter, exact up to buffers. Quantized, a parameter
    takes 1 byte ("8bit") or 0.5625 ("4bit": half a byte and one float32 scale per 64), but for
    the embeddings, the head and the norms, which stay as they are; their share is an estimate
    (UNQUANTIZED_SHARE). Working room (activations, KV cache, the recording of a run) is an
    estimate too: a fifth of the weights, at least 256 MiB.

    Args:
        parameters: number of parameters.
        dtype: "float32", "bfloat16" or "float16".
        quantize: None, "8bit" or "4bit".
    """
    weights: float = parameters * BYTES[dtype]
    if quantize is not None:
        packed = {"8bit": 1.0, "4bit": 0.5625}[quantize]
        weights = UNQUANTIZED_SHARE * weights + (1 - UNQUANTIZED_SHARE) * parameters * packed
    return int(weights + max(ROOM_SHARE * weights, LEAST_ROOM))


def _on_the_hub(
    name: str,
    title: str,
    family: str,
    parameters: int,
    visual_tokens: str,
    layers: int,
    *,
    saved_dtype: str = "bfloat16",
    licence: str = "Apache-2.0",
    licence_note: str = "",
    gated: bool = False,
    packages: tuple[str, ...] = (),
) -> KnownModel:
    return KnownModel(
        name, title, family, parameters, parameters * BYTES[saved_dtype], saved_dtype, licence,
        licence_note, gated, packages, visual_tokens, layers, f"https://huggingface.co/{name}",
    )  # fmt: skip


CATALOGUE: tuple[KnownModel, ...] = (
    KnownModel(
        EMBEDDED, "Embedded model", "llava", 13_384_896, 26_809_312, "float16", "Apache-2.0",
        "Trained for this project; it knows drawings of coloured shapes and nothing else.",
        False, (), "144", 24, "assets/embedded_model/README.md",
    ),
    KnownModel(
        SMOLLM2, "SmolLM2 with vision 135M", "llava", 140_451_776, 107_676_918, "float32",
        "Apache-2.0",
        "SmolLM2-135M-Instruct, trained for this project to see; it knows drawings of everyday "
        "things and coloured shapes.",
        False, (), "144", 30, "assets/smollm2_model/README.md",
    ),
    _on_the_hub(
        "HuggingFaceTB/SmolVLM-256M-Instruct", "SmolVLM 256M", "idefics3",
        256_484_928, "64 per tile of 512 x 512 pixels", 30,
    ),
    _on_the_hub(
        "HuggingFaceTB/SmolVLM-500M-Instruct", "SmolVLM 500M", "idefics3",
        507_482_304, "64 per tile of 512 x 512 pixels", 32,
    ),
    _on_the_hub(
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct", "SmolVLM2 256M", "smolvlm",
        256_484_928, "64 per tile of 512 x 512 pixels", 30,
        saved_dtype="float32", packages=(TORCHVISION, NUM2WORDS),
    ),
    _on_the_hub(
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "SmolVLM2 500M", "smolvlm",
        507_482_304, "64 per tile of 512 x 512 pixels", 32,
        saved_dtype="float32", packages=(TORCHVISION, NUM2WORDS),
    ),
    _on_the_hub(
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct", "SmolVLM2 2.2B", "smolvlm",
        2_246_784_880, "81 per tile of 384 x 384 pixels", 24,
        saved_dtype="float32", packages=(TORCHVISION, NUM2WORDS),
    ),
    _on_the_hub(
        "llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "LLaVA-OneVision 0.5B", "llava_onevision",
        893_675_552, "729 of the whole picture, and of its tiles", 24,
        saved_dtype="float16", licence_note=UNREAD, packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "OpenGVLab/InternVL3-1B-hf", "InternVL3 1B", "internvl",
        938_119_296, "256 per tile of 448 x 448 pixels", 24,
        licence="Qwen", licence_note="The card names the licence of its Qwen2.5 decoder.",
        packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "OpenGVLab/InternVL3-2B-hf", "InternVL3 2B", "internvl",
        2_088_883_712, "256 per tile of 448 x 448 pixels", 28,
        licence="Qwen", licence_note="As InternVL3 1B's; its own card was not read.",
        packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "Qwen/Qwen3-VL-2B-Instruct", "Qwen3-VL 2B", "qwen3_vl",
        2_127_532_032, "one per 32 x 32 pixels", 28, licence_note=UNREAD, packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "Qwen/Qwen2-VL-2B-Instruct", "Qwen2-VL 2B", "qwen2_vl",
        2_208_985_600, "one per 28 x 28 pixels", 28, packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "google/paligemma2-3b-mix-224", "PaliGemma 2 3B", "paligemma",
        3_032_242_416, "256", 26,
        licence="Gemma", gated=True,
        licence_note=f"Google's Gemma terms of use; it has no chat template. {UNREAD}",
    ),
    _on_the_hub(
        "Qwen/Qwen2.5-VL-3B-Instruct", "Qwen2.5-VL 3B", "qwen2_5_vl",
        3_754_622_976, "one per 28 x 28 pixels", 36,
        licence="Qwen-Research",
        licence_note="For research and evaluation, not for commercial use.",
        packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "google/gemma-3-4b-it", "Gemma 3 4B", "gemma3",
        4_300_079_472, "256", 34,
        licence="Gemma", licence_note=f"Google's Gemma terms of use. {UNREAD}", gated=True,
    ),
    _on_the_hub(
        "Qwen/Qwen3-VL-4B-Instruct", "Qwen3-VL 4B", "qwen3_vl",
        4_437_815_808, "one per 32 x 32 pixels", 36, packages=(TORCHVISION,),
    ),
    _on_the_hub(
        "llava-hf/llava-1.5-7b-hf", "LLaVA-1.5 7B", "llava",
        7_063_427_072, "576", 32, saved_dtype="float16", licence="Llama-2",
        licence_note="Meta's Llama 2 community licence.",
    ),
    _on_the_hub(
        "llava-hf/llava-v1.6-vicuna-7b-hf", "LLaVA-NeXT 7B (Vicuna)", "llava_next",
        7_063_431_168, "576 of the whole picture, and up to 2304 of its tiles", 32,
        saved_dtype="float16", licence="Llama-2", 
        licence_note=f"Meta's Llama 2 community licence. {UNREAD}",
    ),
    _on_the_hub(
        "llava-hf/llava-v1.6-mistral-7b-hf", "LLaVA-NeXT 7B (Mistral)", "llava_next",
        7_566_747_648, "576 of the whole picture, and up to 2304 of its tiles", 32,
        saved_dtype="float16",
        licence_note="Read on the card of the original, liuhaotian/llava-v1.6-mistral-7b.",
    ),
    _on_the_hub(
        "HuggingFaceM4/Idefics3-8B-Llama3", "Idefics3 8B", "idefics3",
        8_462_086_384, "169 per tile of 364 x 364 pixels", 32,
        licence_note=f"Its decoder is Llama 3.1, under Meta's own licence. {UNREAD}",
    ),
    _on_the_hub(
        "CohereLabs/aya-vision-8b", "Aya Vision 8B", "aya_vision",
        8_468_239_600, "169 per tile of 364 x 364 pixels", 32, saved_dtype="float16",
        licence="CC-BY-NC-4.0", gated=True,
        licence_note=f"Not for commercial use. {UNREAD} Nor its size, which is counted with "
        "transformers' default projector.",
    ),
    _on_the_hub(
        "zai-org/GLM-4.1V-9B-Thinking", "GLM-4.1V 9B", "glm4v",
        10_292_777_472, "one per 28 x 28 pixels", 40,
        licence="MIT", packages=(TORCHVISION,),
        licence_note=f"It thinks aloud before it answers: allow long answers. {UNREAD}",
    ),
    _on_the_hub(
        "mistralai/Mistral-Small-3.1-24B-Instruct-2503", "Mistral Small 3.1 24B", "mistral3",
        24_011_361_280, "one per 28 x 28 pixels", 40,
        licence_note=f"{UNREAD} Nor whether it is gated.", packages=(TORCHVISION,),
    ),
)  # fmt: skip
