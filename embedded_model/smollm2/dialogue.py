"""Stages 3 and 4, the dialogue: questions about pictures, at first to the lower layers alone.

*Shallow*: only the first `EARLY` layers run, and the answer is asked of them through the final norm
and the head. So they learn to see and to find by themselves, at two fifths of the cost of a step.
*Deep*: all layers run; the answer's loss is taken at the end, after `EARLY` layers and after a
random layer of each batch (deep supervision, as in LayerSkip, arXiv 2404.16710, without its
dropout). Of a two-step question the lower layers are asked for the name of the thing alone: what is
known about it belongs to the layers above.

No term of the loss looks at attention, and nothing is withdrawn in training.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionModel

from embedded_model.smollm2.bank import Bank
from embedded_model.smollm2.conversation import IGNORED, Packer
from embedded_model.smollm2.decoder import LayeredDecoder, visibility
from embedded_model.smollm2.questions import ask_many
from embedded_model.smollm2.render import VISUAL_TOKENS, Painter
from embedded_model.smollm2.replay import Replay
from embedded_model.smollm2.scenes import MOST_THINGS, PLACEMENT, Scene, placements, random_scene
from embedded_model.smollm2.tower import tower_states

EARLY = 12
_FACTS_FROM = 22
"""From this layer on an exit is asked for the answer of a two-step question, before it for none."""
_EARLY_WEIGHT, _EXIT_WEIGHT = 0.5, 0.25
_REPLAY_EVERY, _REPLAY_WEIGHT = 4, 1.0
_QUESTIONS = 11


@dataclass(frozen=True)
class DialogueBatch:
    placed: NDArray[np.float32]
    backgrounds: NDArray[np.float32]
    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    first_read: NDArray[np.int64]
    positions: NDArray[np.int64]
    block: NDArray[np.int64]


def as_batch(scenes: list[Scene], conversations: list) -> DialogueBatch:
    def stacked(name: str) -> NDArray[np.int64]:
        return np.stack([getattr(conversation, name) for conversation in conversations])

    placed = np.stack([placements(scene) for scene in scenes])
    assert placed.shape[1:] == (MOST_THINGS, PLACEMENT)
    return DialogueBatch(
        placed,
        np.array([scene.background for scene in scenes], np.float32),
        *(stacked(name) for name in ("ids", "labels", "first_read", "positions", "block")),
    )


def trimmed(batch: DialogueBatch) -> DialogueBatch:
    """Without the padding that all its sequences end with; training keeps one length instead, for
    compiled layers."""
    used = int((batch.block >= 0).any(0).sum())
    texts = ("ids", "labels", "first_read", "positions", "block")
    return replace(batch, **{name: getattr(batch, name)[:, :used] for name in texts})


class DialogueBatches:
    """Makes a `DialogueBatch`; called in worker processes."""

    def __init__(self, bank: Bank, packer: Packer, size: int) -> None:
        self.bank, self.packer, self.size = bank, packer, size

    def __call__(self, rng: random.Random) -> DialogueBatch:
        scenes = [random_scene(rng, self.bank) for _ in range(self.size)]
        asked = [self.packer.pack(ask_many(scene, rng, _QUESTIONS)) for scene in scenes]
        return as_batch(scenes, asked)


class Seeing:
    """Tower and projector in front of the decoder."""

    def __init__(
        self,
        painter: Painter,
        tower: CLIPVisionModel,
        projector: nn.Module,
        decoder: LayeredDecoder,
        packer: Packer,
    ) -> None:
        self.painter, self.tower, self.projector = painter, tower, projector
        self.decoder, self.packer = decoder, packer

    def states(self, batch: DialogueBatch, *, disturbed: bool) -> torch.Tensor:
        """[sequence, position, width]: what enters layer 0."""
        pictures, _ = self.painter.paint(batch.placed, batch.backgrounds, disturbed=disturbed)
        with torch.no_grad():
            seen = tower_states(self.tower, pictures)[:, 1:]
        visual = self.projector(seen)
        words = self.decoder.embed(torch.from_numpy(batch.ids).to(visual.device))
        start = len(self.packer.head)
        return torch.cat([words[:, :start].to(visual.dtype), visual,
                          words[:, start + VISUAL_TOKENS :].to(visual.dtype)], 1)  # fmt: skip


class DialogueStage:
    """One step is one batch of pictures, and every fourth time texts of the replay."""

    def __init__(self, seeing: Seeing, replay: Replay, *, is_shallow: bool, seed: int) -> None:
        self.seeing, self.replay, self.is_shallow = seeing, replay, is_shallow
        self.rng = random.Random(seed)
        self.steps = 0

    def _answer_loss(
        self, states: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean cross-entropy in nats, and the share of right tokens."""
        asked = labels != IGNORED
        logits = self.seeing.decoder.logits(states[asked])
        right = (logits.argmax(-1) == labels[asked]).float().mean()
        return F.cross_entropy(logits, labels[asked]), right

    def loss(self, batch: DialogueBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        decoder = self.seeing.decoder
        device = decoder.head.device
        labels, first_read, positions, block = (
            torch.from_numpy(values).to(device)
            for values in (batch.labels, batch.first_read, batch.positions, batch.block)
        )
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            states = self.seeing.states(batch, disturbed=True)
            passed = decoder.run(
                states, visibility(block), positions, stop=EARLY if self.is_shallow else None
            )
            early, early_right = self._answer_loss(passed[EARLY], first_read)
            numbers = {"early_right": early_right}
            if self.is_shallow:
                loss = early
            else:
                loss, numbers["right"] = self._answer_loss(passed[-1], labels)
                depth = self.rng.randrange(EARLY + 1, len(decoder.layers))
                one_step = torch.where(first_read == labels, labels, IGNORED)
                exit_labels = labels if depth >= _FACTS_FROM else one_step
                exit_loss, numbers["exit_right"] = self._answer_loss(passed[depth], exit_labels)
                loss = loss + _EARLY_WEIGHT * early + _EXIT_WEIGHT * exit_loss
        if self.steps % _REPLAY_EVERY == 0:
            rows = torch.tensor(self.rng.sample(range(len(self.replay.ids)), len(block)))
            kept = self.replay.loss(decoder, rows.to(device))
            numbers["replay_kl"] = kept.detach() * _REPLAY_EVERY  # logged as a mean over all steps
            loss = loss + _REPLAY_WEIGHT * kept
        else:
            numbers["replay_kl"] = torch.zeros((), device=device)
        self.steps += 1
        return loss, numbers
