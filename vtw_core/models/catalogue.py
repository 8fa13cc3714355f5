"""Models that are known by name: what they are, how large, under which licence. No torch.

Every fact has a source (`KnownModel.source`); how parameters and layers were counted is told in
docs/models.md. Any other checkpoint of a supported family can be loaded as well.
"""

from dataclasses import dataclass

EMBEDDED = "embedded"
TORCHVISION = "torchvision"
NUM2WORDS = "num2words"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
QUANTIZED = ("8bit", "4bit")
GIB = 2**30

# Of a quantized model, this share of the parameters stays in its dtype: the embeddings, the head
# and the norms. Counted over CATALOGUE it is 0.04 to 0.36; the larger the model the smaller.
UNQUANTIZED_SHARE = 0.15
ROOM_SHARE = 0.2
LEAST_ROOM = GIB // 4


@dataclass(frozen=True)
class KnownModel:
    """What is known of a checkpoint before any of it is fetched.

    Attributes:
        name: hub id, or "embedded".
        title: how people call it.
        family: its model_type, a key of `vtw_core.models.adapters.ADAPTERS`.
        parameters: number of parameters.
        download_bytes: size of its safetensors as stored.
        saved_dtype: dtype of most of its weights as stored.
        licence: SPDX identifier, or the licence's own name.
        licence_note: what to know of it before use, and which facts are not confirmed; may be "".
        gated: whether the hub asks for an account that has accepted its terms.
        packages: names on PyPI that its processor needs beyond requirements.txt.
        visual_tokens: how many a picture becomes, in a few words.
        layers: L, decoder layers.
        source: where the facts were read.
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


def known(name: str) -> KnownModel | None:
    """The entry of a model, None for one that is not listed."""
    return next((model for model in CATALOGUE if model.name == name), None)


def memory_bytes(parameters: int, dtype: str, quantize: str | None = None) -> int:
    """Memory that a model takes to be loaded and asked: weights plus working room.

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


def _hub(name: str) -> str:
    return f"https://huggingface.co/{name}"


def _entry(
    name: str,
    title: str,
    family: str,
    parameters: int,
    download_bytes: int,
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
        name, title, family, parameters, download_bytes, saved_dtype, licence, licence_note,
        gated, packages, visual_tokens, layers, _hub(name),
    )  # fmt: skip


CATALOGUE: tuple[KnownModel, ...] = (
    KnownModel(
        EMBEDDED, "Embedded model", "llava", 13_391_808, 26_809_312, "float16", "Apache-2.0",
        "Trained for this project; it knows drawings of coloured shapes and nothing else.",
        False, (), "144", 24, "assets/embedded_model/README.md",
    ),
    _entry(
        "HuggingFaceTB/SmolVLM-256M-Instruct", "SmolVLM 256M", "idefics3",
        256_484_928, 513_000_000, "64 per tile", 30,
    ),
    _entry(
        "HuggingFaceTB/SmolVLM-500M-Instruct", "SmolVLM 500M", "idefics3",
        507_482_304, 1_015_000_000, "64 per tile", 32,
    ),
    _entry(
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct", "SmolVLM2 2.2B", "smolvlm",
        2_246_784_880, 8_990_000_000, "81 per tile", 24,
        saved_dtype="float32", packages=(TORCHVISION, NUM2WORDS),
    ),
    _entry(
        "Qwen/Qwen2-VL-2B-Instruct", "Qwen2-VL 2B", "qwen2_vl",
        2_208_985_600, 4_420_000_000, "one per 28 x 28 pixels", 28, packages=(TORCHVISION,),
    ),
    _entry(
        "llava-hf/llava-1.5-7b-hf", "LLaVA-1.5 7B", "llava",
        7_063_427_072, 14_130_000_000, "576", 32, saved_dtype="float16",
        licence="Llama-2",
    ),
)  # fmt: skip
