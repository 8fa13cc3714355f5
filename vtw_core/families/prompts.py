"""Make a user's text harmless and put it into a model's own chat template."""

from typing import Any

from vtw_core.errors import InputError, ModelError, Sentence, first_line
from vtw_core.machine.memory import is_out_of_memory

MAX_PROMPT_CHARACTERS = 2000


def check_prompt(prompt: str) -> str:
    """The prompt without surrounding white space.

    Raises:
        InputError: not text, longer than MAX_PROMPT_CHARACTERS, not valid Unicode, or nothing in
            it can be seen.
    """
    if not isinstance(prompt, str):
        raise InputError("The prompt must be text.")
    text = prompt.strip()
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise InputError(
            "The prompt has {count} characters; use at most {most}.",
            count=len(text),
            most=MAX_PROMPT_CHARACTERS,
        )
    if not is_unicode(text):
        raise InputError("The prompt is not valid Unicode text; type it again.")
    if not any(map(_is_visible, text)):
        raise InputError("The prompt is empty; ask a question about the image.")
    return text


def is_unicode(text: str) -> bool:
    """Whether it can be written down: no half of a surrogate pair stands alone."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_visible(character: str) -> bool:
    """Not a space, and neither a control nor a zero-width character."""
    return character.isprintable() and not character.isspace()


def control_tokens(processor: Any) -> tuple[str, ...]:
    """Every string that the tokenizer would turn into a control or image token, longest first."""
    tokenizer = processor.tokenizer
    found = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    found |= {getattr(processor, name, None) for name in ("image_token", "video_token")}
    return tuple(
        sorted((t for t in found if isinstance(t, str) and t.strip()), key=len, reverse=True)
    )


def sanitise(text: str, processor: Any) -> str:
    """Break every control token in a user's text so that it is read as ordinary text.

    A space goes in after the first character ("<image>" becomes "< image>"): visible, so that
    what the model reads is what the user sees. Without this "</s>" would end the turn and
    "<image>" would claim a picture that is not there.

    Raises:
        InputError: a control token is left over (one that the tokenizer makes by normalising).
    """
    tokens = control_tokens(processor)
    for token in tokens:
        broken = f"{token[0]} {token[1:]}" if len(token) > 1 else " "
        text = text.replace(token, broken)
    tokenizer = processor.tokenizer
    forbidden = set(tokenizer.convert_tokens_to_ids(list(tokens)))
    # The unknown token is what ordinary, rare characters become; it controls nothing.
    forbidden -= {tokenizer.unk_token_id}
    if forbidden & set(tokenizer(text, add_special_tokens=False)["input_ids"]):
        raise InputError("The prompt holds a control token of the model; remove it.")
    return text


def check_template(processor: Any) -> None:
    """Raise ModelError where no prompt can be made, since the model has no chat template."""
    if not getattr(processor, "chat_template", None):
        raise ModelError(
            "This model has no chat template, so no prompt can be made for it; use its "
            "instruction-tuned version."
        )


def render(text: str, processor: Any, images: int = 1, needs_template: bool = True) -> str:
    """The full prompt, the images and the sanitised text, by the model's own chat template.

    Args:
        text: the user's text.
        processor: the model's processor.
        images: how many images stand before the text.
        needs_template: False for a family whose checkpoints have no chat template: without one
            its prompt is the image tokens and the text.

    Raises:
        InputError: there are several images, and the template writes only one.
        ModelError: the model has no usable chat template.
    """
    clean = sanitise(text, processor)
    if needs_template:
        check_template(processor)
    elif not getattr(processor, "chat_template", None):
        return f"{processor.image_token * images}{clean}"
    text = _filled(clean, processor, images)
    # No such token is left in the user's text. Gemma 3's template writes where an image begins,
    # and its processor the image tokens.
    marks = {getattr(processor, name, None) for name in ("image_token", "boi_token")}
    written = sum(text.count(mark) for mark in marks if mark is not None)
    if written == images:
        return text
    if written == 1:
        raise one_image_only(Sentence("its chat template writes no second one"))
    raise ModelError(
        "The model's chat template writes {written} images into a prompt about {images}; put the "
        "chat_template.jinja of a vision-language checkpoint of its family in its place.",
        written=written,
        images=images,
    )


def one_image_only(reason: Sentence) -> InputError:
    """The error for several images where a model takes one."""
    return InputError(
        "This model takes one image at a time ({reason}); give one image.", reason=reason
    )


def _filled(clean: str, processor: Any, images: int) -> str:
    content = [{"type": "image"}] * images + [{"type": "text", "text": clean}]
    try:
        return str(
            processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
            )
        )
    # Templates are programs of the model's author and can raise anything.
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            "The model's chat template fails: {problem}; put the chat_template.jinja of a "
            "vision-language checkpoint of its family in its place.",
            problem=first_line(error),
        ) from error


def display_pieces(ids: list[int], tokenizer: Any) -> tuple[str, ...]:
    """One readable piece per token id, with the white space that it carries."""
    pieces = []
    for index, name in zip(ids, tokenizer.convert_ids_to_tokens(ids), strict=True):
        if "\u2581" in name:  # SentencePiece's mark for a space, which decode() would strip
            pieces.append(name.replace("\u2581", " "))
        else:
            pieces.append(tokenizer.decode([index], skip_special_tokens=False))
    return tuple(pieces)
