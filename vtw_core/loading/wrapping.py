"""A model that is in memory already, as a `VisionLanguageModel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import adapter_for
from vtw_core.families.support import check_support
from vtw_core.loading.explanations import explained
from vtw_core.loading.rehearsal import check_processor
from vtw_core.loading.weights import NO_OUTLIERS, skeleton
from vtw_core.machine.progress import Report

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel


def wrap(model: Any, processor: Any, name: str | None = None) -> VisionLanguageModel:
    """Make a `VisionLanguageModel` of a transformers model that is in memory, with `explore`,
    `generate`, and all that takes one: `compare_methods`, `calibrate`, `evaluate`, ...

    What `load_model` checks before it fetches weights is checked here. Nothing about the model is
    changed: weights, precision, device, gradients and the attention implementation stay as they
    are, also after a run.

    Args:
        model: of a supported family and in eval mode, as `AutoModelForImageTextToText` reads it;
            quantized or spread over devices, too.
        processor: its processor, as `AutoProcessor` reads it.
        name: what results call it; default the hub id or folder that it was read from, or the name
            of its class.

    Raises:
        InputError: this object cannot be wrapped as it is; says what to do.
        ModelError: visual tokens cannot be withdrawn from the model, or the processor does not fit
            it; says why.
    """
    from vtw_core.loading.exactness import check_exactness
    from vtw_core.model import VisionLanguageModel

    _check_model(model)
    _check_state(model)
    called = _name(model, name)
    with explained(called):
        check_exactness(model.config)
        adapter = adapter_for(model.config)
        check_processor(called, processor, adapter, skeleton(model.config, Report()))
    return VisionLanguageModel(called, model, processor, adapter)


def _check_model(model: Any) -> None:
    """Is it a model of a supported family, and the whole of it?"""
    from transformers import PreTrainedModel

    kind = type(model).__name__
    if not isinstance(model, PreTrainedModel):
        raise InputError(
            "A {kind} is no transformers model; give the model inside it (of one with a LoRA "
            "adapter of peft: model.merge_and_unload()).",
            kind=kind,
        )
    support = check_support(model)
    if not support.supported:
        raise ModelError.of(support.reason)
    if not model.can_generate():
        raise InputError(
            "A {kind} has no head that answers; read the model by AutoModelForImageTextToText.",
            kind=kind,
        )


def _check_state(model: Any) -> None:
    """Can it answer as it is in memory, and with visual tokens dropped as with them masked?"""
    if any(module.training for module in model.modules()):
        raise InputError(
            "The model is in training mode, in which dropout changes its answers; call "
            "model.eval() first."
        )
    is_spread = getattr(model, "hf_device_map", None) is not None  # accelerate brings its weights
    if not is_spread and any(weight.is_meta for weight in model.parameters()):
        raise InputError("The model has no weights: it is on torch's meta device; load them first.")
    packing: Any = getattr(model.config, "quantization_config", None)
    if getattr(packing, "load_in_8bit", False) and packing.llm_int8_threshold != NO_OUTLIERS:
        raise InputError(
            "The model is packed in 8 bits with outlier columns apart, where a token's result "
            "depends on the tokens beside it; read it with BitsAndBytesConfig(load_in_8bit=True, "
            "llm_int8_threshold=0.0)."
        )


def _name(model: Any, name: str | None) -> str:
    if name is None:
        return str(model.name_or_path) or type(model).__name__
    if not isinstance(name, str) or not name.strip():
        raise InputError("{name!r} is no name for a model; give it a word or a path.", name=name)
    return name
