"""Can visual tokens be withdrawn from this model, and if not, why."""

from dataclasses import dataclass
from typing import Any

from vtw_core.errors import Sentence
from vtw_core.families.adapters import ADAPTERS

# Families whose architecture rules withdrawal out, whatever their size.
REFUSED = {
    "mllama": Sentence(
        "it reads the image through cross-attention, no visual token is in the sequence"
    ),
    "idefics": Sentence(
        "it reads the image through cross-attention, no visual token is in the sequence"
    ),
    "blip": Sentence(
        "it reads the image through cross-attention, no visual token is in the sequence"
    ),
    "git": Sentence("its visual tokens are not placed by input_ids"),
    "kosmos-2": Sentence("its visual tokens are not placed by input_ids"),
    "florence2": Sentence(
        "it is an encoder-decoder, its decoder sees the image by cross-attention"
    ),
    "gemma3n": Sentence("its layers share their KV cache, so a token cannot leave at one layer"),
    "gemma4": Sentence("its layers share their KV cache, so a token cannot leave at one layer"),
    "qwen3_5": Sentence(
        "its linear-attention layers keep one running state that no token can leave"
    ),
}
ATTENTION_KINDS = {"full_attention", "sliding_attention"}


@dataclass(frozen=True)
class Support:
    """The verdict on a model.

    Attributes:
        supported: whether visual tokens can be withdrawn from it.
        reason: one sentence; why not, or which family it is.
        k_min: smallest K that is exact.
    """

    supported: bool
    reason: Sentence
    k_min: int = 0


def check_support(model_or_config: Any) -> Support:
    """Decide from the config alone, before any weight is fetched.

    Args:
        model_or_config: a transformers model, or its config.
    """
    config = getattr(model_or_config, "config", model_or_config)
    kind = str(getattr(config, "model_type", "unknown"))
    if kind in REFUSED:
        return Support(
            False,
            Sentence(
                "Models of type {kind!r} are not supported: {problem}; use one of these: {names}.",
                kind=kind,
                problem=REFUSED[kind],
                names=", ".join(sorted(ADAPTERS)),
            ),
        )
    if kind not in ADAPTERS and _reads_only_text(kind, config):
        return Support(
            False,
            Sentence(
                "Models of type {kind!r} read only text; use a vision-language model of a type "
                "that is supported: {names}.",
                kind=kind,
                names=", ".join(sorted(ADAPTERS)),
            ),
        )
    if kind not in ADAPTERS:
        return Support(
            False,
            Sentence(
                "Models of type {kind!r} are not supported; supported: {names}.",
                kind=kind,
                names=", ".join(sorted(ADAPTERS)),
            ),
        )
    problem = _decoder_problem(config.get_text_config(decoder=True))
    if problem:
        return Support(
            False,
            Sentence("This {kind} model is not supported: {problem}.", kind=kind, problem=problem),
        )
    return Support(True, Sentence("Supported as {kind}.", kind=kind), ADAPTERS[kind].k_min(config))


def _reads_only_text(kind: str, config: Any) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or hasattr(config, "vision_config"):
        return False
    # Fuyu has no vision tower, and its text model a config of its own.
    return not hasattr(config, "text_config")


def _decoder_problem(text: Any) -> Sentence | None:
    if getattr(text, "num_hidden_layers", 1) < 1:
        return Sentence("its decoder has no layers; fetch its config.json again")
    odd = set(getattr(text, "layer_types", None) or ()) - ATTENTION_KINDS
    if odd:
        return Sentence(
            "its decoder has layers of kind {kinds}, which keep no cache entry per token that "
            "could be left out; use a model with full or sliding attention in every layer",
            kinds=", ".join(sorted(odd)),
        )
    if getattr(text, "num_kv_shared_layers", 0):
        return Sentence(
            "its decoder layers share their KV cache, so a token cannot leave at one layer; use "
            "a model whose layers have caches of their own"
        )
    if getattr(text, "cross_attention_layers", None):
        return Sentence(
            "its decoder reads the image through cross-attention; use a model that has its "
            "visual tokens in the sequence"
        )
    return None
