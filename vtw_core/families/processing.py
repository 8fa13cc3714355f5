"""Pictures and a prompt through a model's own processor."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtw_core.errors import InputError, ModelError, Sentence, first_line
from vtw_core.families.prompts import check_prompt, one_image_only, render
from vtw_core.machine.memory import is_out_of_memory

if TYPE_CHECKING:
    from PIL import Image

    from vtw_core.families.adapters import Adapter


def process(
    processor: Any, adapter: "Adapter", config: Any, pictures: Sequence["Image.Image"], prompt: str
) -> Any:
    """What the processor makes of one prompt about some pictures, which stand before its text.

    Args:
        processor: the model's processor.
        adapter: the facts of its family.
        config: its config.
        pictures: RGB, at least one.
        prompt: the user's text; control tokens in it are broken up.

    Returns:
        BatchFeature of input_ids [1, tokens], pixel_values, ..., on the CPU.

    Raises:
        InputError: the prompt cannot be used, the processor cannot take a picture, or it takes one
            where several were given.
        ModelError: no usable chat template, or the tokenizer is of another model.
    """
    pictures = [enlarged(picture, adapter.unseen_side(config)) for picture in pictures]
    text = render(
        check_prompt(prompt),
        processor,
        images=len(pictures),
        needs_template=adapter.has_chat_template,
    )
    # Some templates write BOS themselves; the tokenizer must not add a second one.
    bos = processor.tokenizer.bos_token
    try:
        batch = processor(
            images=pictures if len(pictures) == 1 else [pictures],
            text=[text],
            return_tensors="pt",
            add_special_tokens=not (bos and text.startswith(bos)),
        )
    # Each processor raises what it likes: ValueError for a picture too narrow to be resized, ...
    except Exception as error:
        if is_out_of_memory(error):
            raise
        if len(pictures) > 1:
            for picture in pictures:  # one that cannot be used alone says so itself
                process(processor, adapter, config, [picture], prompt)
            raise one_image_only(
                Sentence("its processor says: {error}", error=first_line(error))
            ) from error
        size = f"{pictures[0].width} x {pictures[0].height}"
        raise InputError(
            "The model's processor cannot take a picture of {sizes} pixels ({problem}); use one "
            "of another size or shape.",
            sizes=size,
            problem=first_line(error),
        ) from error
    most, found = config.get_text_config(decoder=True).vocab_size, int(batch["input_ids"].max())
    if found >= most:
        raise ModelError(
            "The tokenizer makes token {token} of this prompt, and the model has {count} tokens; "
            "take both from one checkpoint.",
            token=found,
            count=most,
        )
    return batch


def enlarged(picture: "Image.Image", unseen_side: int) -> "Image.Image":
    """The picture, every pixel of it a square of as many as make it longer than ``unseen_side``."""
    from PIL import Image

    width, height = picture.size
    times = unseen_side // max(width, height) + 1
    if times == 1:
        return picture
    return picture.resize((width * times, height * times), Image.Resampling.NEAREST)
