"""Stage 2, the language: the decoder learns to read before it sees.

One batch mixes English, English spans repeated in random order (which asks for in-context copying,
the skill attention sinks come with), and questions about scenes that are described in words.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

from embedded_model.corpus import english, spoken_scene
from embedded_model.packing import IGNORED, Batch, Packer

LENGTH = 192


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


@dataclass(frozen=True)
class Mixture:
    """Sequences of each kind in a batch."""

    told: int
    english: int
    repeated: int


FIRST_MIXTURE = Mixture(told=10, english=3, repeated=3)


class LanguageStage:
    def __init__(
        self,
        decoder: nn.Module,
        head: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        *,
        seed: int,
        mixture: Mixture = FIRST_MIXTURE,
    ) -> None:
        self.decoder, self.head, self.mixture = decoder, head, mixture
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
        mixture, sequences = self.mixture, []
        for _ in range(mixture.told):
            telling, pairs = spoken_scene(self.rng, most)
            sequences.append(self.packer.dialogue(self.packer.told_prefix(telling), pairs))
        for _ in range(mixture.english):
            sequences.append(self.packer.plain([self.bos, *self._span(LENGTH)]))
        sequences += [self.packer.plain(self._repeated()) for _ in range(mixture.repeated)]
        return self.packer.batch(sequences)

    def step(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        batch = self.batch(progress)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.decoder(
                input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions,
                use_cache=False,
            ).last_hidden_state  # fmt: skip
            first, last = self.mixture.told, self.mixture.told + self.mixture.english
            told, told_right = answer_loss(hidden[:first], self.head, batch.labels[:first])
            plain, _ = answer_loss(hidden[first:last], self.head, batch.labels[first:last])
            repeated, _ = answer_loss(hidden[last:], self.head, batch.labels[last:])
        loss = told + 0.5 * plain + 0.5 * repeated
        return loss, {
            "told": float(told.detach()), "told_right": float(told_right),
            "english": float(plain.detach()), "repeated": float(repeated.detach()),
        }  # fmt: skip
