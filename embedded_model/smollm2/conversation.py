"""How a picture and its questions become token ids: ChatML, as the decoder was pretrained on.

Several questions about one picture lie in one sequence and share the prefix (system prompt and
picture). Each question sees the prefix and itself only, and its positions go on from the end of
the prefix, so it is computed exactly as if it had been asked alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from embedded_model.smollm2.base import IMAGE_TOKEN, token_id
from embedded_model.smollm2.questions import Question
from embedded_model.smollm2.render import VISUAL_TOKENS

SYSTEM_PROMPT = "You look at pictures and answer questions about them."
LENGTH = 384
IGNORED = -100
TURN_END = "<|im_end|>"


@dataclass(frozen=True)
class Conversation:
    """One sequence of `LENGTH` positions."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    """The token to be predicted at each position, or ``IGNORED``."""
    first_read: NDArray[np.int64]
    """The same for what is asked half-way: of two-step questions the name alone."""
    positions: NDArray[np.int64]
    block: NDArray[np.int64]
    """0: prefix, n: the n-th question with its answer, -1: padding."""
    asked: tuple[Question, ...]


class Packer:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.end = token_id(tokenizer, TURN_END)
        self.image = token_id(tokenizer, IMAGE_TOKEN)
        self.head = self.encode(
            f"<|im_start|>system\n{SYSTEM_PROMPT}{TURN_END}\n<|im_start|>user\n"
        )
        self.prefix = [*self.head, *[self.image] * VISUAL_TOKENS]

    def encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def question(self, text: str) -> list[int]:
        """What follows the picture, up to the start of the answer."""
        return self.encode(f"\n{text}{TURN_END}\n<|im_start|>assistant\n")

    def pack(self, questions: list[Question]) -> Conversation:
        """Questions that no longer fit are left out."""
        start = len(self.prefix)
        ids, labels, first = [*self.prefix], [IGNORED] * start, [IGNORED] * start
        positions, block = list(range(start)), [0] * start
        asked = []
        for question in questions:
            prompt_ids = self.question(question.text)
            answer = [*self.encode(question.answer), self.end]
            size = len(prompt_ids) + len(answer) - 1
            if len(ids) + size > LENGTH:
                continue
            asked.append(question)
            ids += prompt_ids + answer[:-1]
            labels += [IGNORED] * (len(prompt_ids) - 1) + answer
            if question.first_read is not None:
                answer = [self.encode(question.first_read)[0]] + [IGNORED] * (len(answer) - 1)
            first += [IGNORED] * (len(prompt_ids) - 1) + answer
            positions += range(start, start + size)
            block += [len(asked)] * size
        padding = LENGTH - len(ids)
        return Conversation(
            np.array(ids + [self.end] * padding),
            np.array(labels + [IGNORED] * padding),
            np.array(first + [IGNORED] * padding),
            np.array(positions + [0] * padding),
            np.array(block + [-1] * padding),
            tuple(asked),
        )
