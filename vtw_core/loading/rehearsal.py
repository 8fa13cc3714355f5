"""Check with a white picture that a processor fits its model, before any weight is fetched."""

import json
from collections.abc import Mapping
from typing import Any

from vtw_core.errors import InputError, ModelError, Sentence, causes, first_line
from vtw_core.families.adapters import Adapter
from vtw_core.families.layout import TokenLayout
from vtw_core.families.packages import processor_class
from vtw_core.families.processing import process
from vtw_core.machine.memory import is_out_of_memory

SIDE = 64


def check_processor(name: str, processor: Any, adapter: Adapter, skeleton: Any) -> None:
    """Refuse a processor that makes other inputs than its model takes.

    Args:
        name: how the user calls the model.
        processor: what AutoProcessor made of the model's folder.
        adapter: the facts of its family.
        skeleton: the model without weights, on torch's meta device.

    Raises:
        ModelError: names the cause, and the settings that would be right where they can be found.
    """
    for part in ("tokenizer", "image_processor"):
        if getattr(processor, part, None) is None:
            raise ModelError(
                "{name} has no processor, only a {kind}; fetch all files of the model.",
                name=name,
                kind=type(processor).__name__,
            )
    problem = _problem(processor, adapter, skeleton)
    if problem is None:
        return
    usual = processor_class(skeleton.config)
    if usual is not None and not isinstance(processor, usual):
        raise ModelError(
            "The processor of {name} is a {kind}, and models of its kind take a {usual}; take "
            "both from one checkpoint, such as {example}.",
            name=name,
            kind=type(processor).__name__,
            usual=usual.__name__,
            example=adapter.example,
        )
    right = {
        setting: value
        for setting, value in _settings(skeleton).items()
        if hasattr(processor, setting) and getattr(processor, setting) != value
    }
    if right:
        found = ", ".join(f"{setting} {getattr(processor, setting)}" for setting in right)
        raise ModelError(
            "The processor of {name} does not fit its model: it has {found}; write {right} into "
            "its processor_config.json.",
            name=name,
            found=found,
            right=json.dumps(right)[1:-1],
        )
    raise ModelError(
        "The processor of {name} does not fit its model: {problem}; take both from one "
        "checkpoint, such as {example}.",
        name=name,
        problem=problem,
        example=adapter.example,
    )


def _problem(processor: Any, adapter: Adapter, skeleton: Any) -> Sentence | None:
    """What goes wrong with a white picture."""
    from PIL import Image

    white = Image.new("RGB", (SIDE, SIDE), "white")
    try:
        inputs = process(processor, adapter, skeleton.config, [white], "?")
    except InputError as error:
        return Sentence.whole(first_line(causes(error)[-1]).rstrip("."))
    token = adapter.image_token_id(skeleton.config)
    written = int((inputs["input_ids"] == token).sum())
    if not written:
        return Sentence(
            "it writes no token {token}, which is the model's image_token_id", token=token
        )
    try:
        TokenLayout.from_inputs(skeleton, inputs)
        made = _features(skeleton, adapter, inputs)
    # A vision tower says in its own way that a picture has another size than it takes.
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return Sentence.whole(first_line(error).rstrip("."))
    if made not in (None, written):
        return Sentence(
            "it writes {written} image tokens for a picture of which the model makes {made}",
            written=written,
            made=made,
        )
    return None


def _features(skeleton: Any, adapter: Adapter, inputs: Mapping[str, Any]) -> int | None:
    """How many visual tokens the model makes of the pictures; None where weights decide."""
    import torch

    if not adapter.counts_by_shape(skeleton.config):
        return None
    shapes = {**inputs, "pixel_values": inputs["pixel_values"].to("meta")}
    with torch.inference_mode():
        found = adapter.encode_image(skeleton, shapes).pooler_output
    pictures = [found] if isinstance(found, torch.Tensor) else found
    return sum(picture.shape[:-1].numel() for picture in pictures)


def _settings(skeleton: Any) -> dict[str, Any]:
    """What a processor's settings must be, as far as the model's config determines it."""
    config, vision = skeleton.config, skeleton.config.vision_config
    has_class_token = any(n.endswith("class_embedding") for n, _ in skeleton.named_parameters())
    known = {
        "patch_size": getattr(vision, "patch_size", None),
        "img_size": getattr(vision, "image_size", None),
        "num_additional_image_tokens": int(has_class_token),
        "vision_feature_select_strategy": getattr(config, "vision_feature_select_strategy", None),
        "spatial_merge_size": getattr(config, "spatial_merge_size", None),
    }
    known["image_seq_length"] = getattr(
        config, "mm_tokens_per_image", getattr(config, "image_seq_length", None)
    )
    if hasattr(config, "scale_factor"):
        side = vision.image_size // vision.patch_size // config.scale_factor
        known["image_seq_len"] = side**2
    elif isinstance(known["patch_size"], int) and isinstance(known["img_size"], int):
        known["num_image_tokens"] = (known["img_size"] // known["patch_size"]) ** 2
    if hasattr(config, "downsample_factor"):  # Aya Vision's processor multiplies the two
        del known["patch_size"]
    return {setting: value for setting, value in known.items() if value is not None}
