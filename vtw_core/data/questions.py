"""The question and the right answers in a row of a data set, in whatever form the field has.

The same for JSONL, sidecars, parquet and data sets of the hub. No torch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtw_core.errors import InputError, Sentence
from vtw_core.families.prompts import check_prompt, is_unicode

# How data sets of questions about images call their columns.
IMAGES = ("image", "images")
PROMPTS = ("prompt", "question")
ANSWERS = ("answer", "answers")
CAPTION = "text"
"""A question in LLaVA's files, a caption in many others: so the last that is taken for one."""
TURNS = ("conversations", "messages")
TAG = "<image>"


@dataclass(frozen=True)
class Item:
    """One question about an image, or about several.

    Attributes:
        image: an existing local file, not yet opened, or the contents of one; a tuple of several.
        prompt: the question.
        accepted: right answers; empty where none is known.
        where: where it was read, for error messages.
        called: the name of an image that is no file.
    """

    image: Path | bytes | tuple[Path | bytes, ...]
    prompt: str
    accepted: tuple[str, ...] = ()
    where: str = ""
    called: str = ""

    @property
    def images(self) -> tuple[Path | bytes, ...]:
        """Every image."""
        return self.image if isinstance(self.image, tuple) else (self.image,)

    @property
    def name(self) -> str:
        """The image's file name, or what it is called in its data set; several with commas."""
        return self.called or ", ".join(one.name for one in self.images if isinstance(one, Path))


@dataclass(frozen=True)
class Skipped:
    """A row that cannot be used; it keeps its place, so that the others keep theirs.

    Attributes:
        reason: where it is and why, one sentence.
    """

    reason: Sentence


def usable(make: Callable[..., Item], *arguments: Any) -> Item | Skipped:
    """The item that is made, or why there is none."""
    try:
        return make(*arguments)
    except InputError as error:
        return Skipped(error.sentence)


def first_of(row: dict[str, Any], names: Sequence[str]) -> Any:
    """The first value under one of some names that is there; None where none is."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def one_or_several(
    images: Sequence[Path | bytes],
) -> Path | bytes | tuple[Path | bytes, ...]:
    """As `Item.image` takes them."""
    return images[0] if len(images) == 1 else tuple(images)


def question(asked: Any, images: int, where: str) -> str:
    """A prompt as `check_prompt` gives it back, without LLaVA's marks for the images.

    Raises:
        InputError: no usable prompt, or marks that do not stand for all images in front of the
            question or after it; says where it was read.
    """
    try:
        text = check_prompt(asked)
        marks = text.count(TAG)
        while text.startswith(TAG) or text.endswith(TAG):
            text = text.removeprefix(TAG).removesuffix(TAG).strip()
        text = check_prompt(text)
    except InputError as error:
        raise InputError("{where}: {problem}", where=where, problem=error) from error
    if TAG in text:
        raise InputError(
            "{where}: {mark} is in the middle of the prompt, but the images come before "
            "the question; write it at the start, or leave it out.",
            where=where,
            mark=TAG,
        )
    if marks not in (0, images):
        raise InputError(
            "{where}: the prompt has {mark} {marks} times, but there are {images} images; write "
            "it once for each, or leave it out.",
            where=where,
            mark=TAG,
            marks=marks,
            images=images,
        )
    return text


def accepted(answer: Any, name: str, where: str) -> tuple[str, ...]:
    """The right answers that a row gives under a name: a text, a number or a list of these.

    Objects with an "answer" each, as VQA data sets keep them, count as these; empty texts and
    nulls as no answer.

    Raises:
        InputError: anything else.
    """
    answer = _unwrapped(answer)
    each = answer if isinstance(answer, list) else [answer]
    texts = [_text_of(_unwrapped(one), name, where) for one in each]
    return tuple(text for text in texts if text.strip())


def _unwrapped(answer: Any) -> Any:
    """What an object calls its answer."""
    return answer["answer"] if isinstance(answer, dict) and "answer" in answer else answer


def _text_of(answer: Any, name: str, where: str) -> str:
    """An answer as a model would write it; empty where there is none."""
    if answer is None or (isinstance(answer, float) and math.isnan(answer)):
        return ""
    if isinstance(answer, str):
        if not is_unicode(answer):
            raise InputError(
                '{where}: "{name}" is not valid Unicode text; write it again.',
                where=where,
                name=name,
            )
        return answer
    if isinstance(answer, bool):
        raise InputError(
            '{where}: "{name}" is {value}; write the word that the model should say.',
            where=where,
            name=name,
            value=str(answer).lower(),
        )
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)  # 3 in a column where a value is missing
    if isinstance(answer, (int, float)):
        return str(answer)
    raise InputError(
        '{where}: "{name}" must be a text, a number, or a list of these.', where=where, name=name
    )


def conversation(row: dict[str, Any]) -> tuple[str | None, str | None]:
    """The first question and the first answer of a row in LLaVA's or a chat's form; None for what
    is not there. Later turns are left out."""
    turns = first_of(row, TURNS)
    asked = answered = None
    for turn in turns if isinstance(turns, list) else []:
        speaker = turn.get("from", turn.get("role")) if isinstance(turn, dict) else None
        if speaker in ("human", "user") and asked is None:
            asked = _content(turn)
        elif speaker in ("gpt", "assistant") and asked is not None:
            answered = _content(turn)
            break
    return asked, answered


def _content(turn: dict[str, Any]) -> Any:
    """A turn's text; parts that are images become marks."""
    content = turn.get("value", turn.get("content"))
    if not isinstance(content, list):
        return content
    parts = [one for one in content if isinstance(one, dict)]
    texts = [TAG if one.get("type") == "image" else str(one.get("text", "")) for one in parts]
    return "\n".join(texts)
