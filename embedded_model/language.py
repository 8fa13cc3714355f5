"""Stage 2, the language: the decoder learns to read before it sees.

One batch mixes English, English spans repeated in random order (which asks for in-context copying,
the skill attention sinks come with), and questions about scenes that are told in words.
"""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from embedded_model.corpus import english, spoken_scene
from embedded_model.packing import IGNORED, Batch, Packer

LENGTH = 192
_TOLD, _ENGLISH, _REPEATED = 10, 3, 3  # sequences of each kind in a batch


def answer_loss(
    hidden: torch.Tensor, head: nn.Module, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy in nats and the share of labels that are the most likely token.

    hidden: [sequence, position, width]; labels: [sequence, position]. The vocabulary is computed
    only where there is a label.
    """
    asked = labels != IGNORED
    logits = head(hidden[asked]).float()
    right = (logits.argmax(-1) == labels[asked]).float().mean()
    return F.cross_entropy(logits, labels[asked]), right


class LanguageStage:
    def __init__(
        self, decoder: nn.Module, head: nn.Module, tokenizer: PreTrainedTokenizerFast, *, seed: int
    ) -> None:
        self.decoder, self.head = decoder, head
        self.packer = Packer(tokenizer, LENGTH)
        self.rng = random.Random(seed)
        texts = english()
        random.Random(0).shuffle(texts)
        self.text = [
            token
            for ids in tokenizer(texts, add_special_tokens=False).input_ids
            for token in [tokenizer.bos_token_id, *ids]
        ]
        self.bos = tokenizer.bos_token_id

    def _span(self, length: int) -> list[int]:
        start = self.rng.randrange(len(self.text) - length)
        return self.text[start : start + length]

    def _repeated(self) -> list[int]:
        spans = [self._span(self.rng.randint(6, 24)) for _ in range(4)]
        ids = [self.bos]
        while len(ids) <= LENGTH:
            ids += self.rng.choice(spans)
        return ids

    def batch(self, progress: float) -> Batch:
        most = 2 if progress < 0.1 else 3 if progress < 0.25 else 5
        sequences = []
        for _ in range(_TOLD):
            telling, pairs = spoken_scene(self.rng, most)
            sequences.append(self.packer.dialogue(self.packer.told_prefix(telling), pairs))
        sequences += [self.packer.plain([self.bos, *self._span(LENGTH)]) for _ in range(_ENGLISH)]
        sequences += [self.packer.plain(self._repeated()) for _ in range(_REPEATED)]
        return self.packer.batch(sequences)

    def step(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        batch = self.batch(progress)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.decoder(
                input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions,
                use_cache=False,
            ).last_hidden_state  # fmt: skip
            told, told_right = answer_loss(hidden[:_TOLD], self.head, batch.labels[:_TOLD])
            text = slice(_TOLD, _TOLD + _ENGLISH)
            plain, _ = answer_loss(hidden[text], self.head, batch.labels[text])
            rest = slice(_TOLD + _ENGLISH, None)
            repeated, _ = answer_loss(hidden[rest], self.head, batch.labels[rest])
        loss = told + 0.5 * plain + 0.5 * repeated
        return loss, {
            "told": float(told.detach()), "told_right": float(told_right),
            "english": float(plain.detach()), "repeated": float(repeated.detach()),
        }  # fmt: skip
