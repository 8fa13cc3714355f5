"""Several questions about one picture (or telling) in one sequence, without seeing each other.

All questions share the prefix: system prompt and picture. Each question block sees the prefix and
itself only, and its positions go on from the end of the prefix. So each block is computed exactly
as if it had been asked alone, which is how visitors ask, and the prefix is paid for once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerFast

from embedded_model.tokenizer import IMAGE, SYSTEM_PROMPT

IGNORED = -100


@dataclass(frozen=True)
class Batch:
    """One training batch; axes are [sequence, position], the mask is [sequence, 1, query, key]."""

    ids: torch.Tensor
    labels: torch.Tensor
    """The token to be predicted *at* each position, or ``IGNORED``."""
    positions: torch.Tensor
    mask: torch.Tensor


class Packer:
    """Builds batches of a fixed length, because each new shape costs the CPU a kernel build."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, length: int) -> None:
        self.length = length
        self._ids = lambda text: tokenizer(text, add_special_tokens=False).input_ids
        self.eos, self.pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        self.prefix_head = [tokenizer.bos_token_id, *self._ids(f"{SYSTEM_PROMPT} USER: ")]
        self.image_token = tokenizer.convert_tokens_to_ids(IMAGE)

    def told_prefix(self, telling: str) -> list[int]:
        return [*self.prefix_head, *self._ids(telling)]

    def image_prefix(self, visual_tokens: int) -> list[int]:
        return [*self.prefix_head, *[self.image_token] * visual_tokens]

    def dialogue(self, prefix: list[int], pairs: list[tuple[str, str]]) -> list[list[int]]:
        """Rows ``ids, labels, positions, block`` of one sequence; pairs that do not fit are left
        out. Block 0 is the prefix, -1 is padding."""
        ids, labels = list(prefix), [IGNORED] * len(prefix)
        positions, block = list(range(len(prefix))), [0] * len(prefix)
        for number, (question, answer) in enumerate(pairs, start=1):
            asked = self._ids(f"\n{question} ASSISTANT:")
            answered = [*self._ids(f" {answer}"), self.eos]
            size = len(asked) + len(answered) - 1
            if len(ids) + size > self.length:
                continue
            ids += asked + answered[:-1]
            labels += [IGNORED] * (len(asked) - 1) + answered
            positions += range(len(prefix), len(prefix) + size)
            block += [number] * size
        return [ids, labels, positions, block]

    def plain(self, ids: list[int]) -> list[list[int]]:
        """Running text: every next token is a label."""
        ids = ids[: self.length + 1]
        n = len(ids) - 1
        return [ids[:-1], ids[1:], list(range(n)), [0] * n]

    def batch(self, sequences: list[list[list[int]]]) -> Batch:
        fill = (self.pad, IGNORED, 0, -1)
        ids, labels, positions, block = (
            torch.tensor([s[i] + [fill[i]] * (self.length - len(s[i])) for s in sequences])
            for i in range(4)
        )
        causal = torch.ones(self.length, self.length, dtype=torch.bool).tril()
        visible = (block[:, None, :] == 0) | (block[:, None, :] == block[:, :, None])
        visible = visible & causal | torch.eye(self.length, dtype=torch.bool)
        mask = torch.zeros(visible.shape, dtype=torch.bfloat16)
        mask = mask.masked_fill(~visible, torch.finfo(torch.bfloat16).min)
        return Batch(ids, labels, positions, mask[:, None])
