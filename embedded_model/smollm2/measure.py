"""Answers, KL and attention, many questions at once: `evaluate` and the end of a training run.

Withdrawal is computed by masking (no row after the picture sees visual keys from layer K on),
which the project's tests prove to be the same as dropping. An answer is right if each of its tokens
and its end is the most likely one after the correct ones before it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embedded_model.smollm2.bank import Bank
from embedded_model.smollm2.conversation import IGNORED, Conversation
from embedded_model.smollm2.decoder import visibility
from embedded_model.smollm2.dialogue import DialogueBatch, Seeing, as_batch, trimmed
from embedded_model.smollm2.questions import ALL_KINDS, TAUGHT, Question, Wordings, ask
from embedded_model.smollm2.render import VISUAL_TOKENS
from embedded_model.smollm2.scenes import Scene, random_scene


@dataclass
class Measured:
    """Per kind of question, one row for each question with an entry for each of ``ks``.

    The last of ``ks`` is L: the full model.
    """

    ks: tuple[int, ...]
    right: dict[str, list[NDArray[np.bool_]]] = field(default_factory=lambda: defaultdict(list))
    kl_first: dict[str, list[NDArray[np.float64]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """KL(P withdrawn at K ‖ P full) at the first token of the answer, nats."""

    def accuracy(self, kinds: Iterable[str]) -> NDArray[np.float64]:
        """[K] percent right, all questions of these kinds alike."""
        rows = [row for kind in kinds for row in self.right.get(kind, [])]
        return 100 * np.mean(rows, axis=0)

    def mean_kl(self, kinds: Iterable[str]) -> NDArray[np.float64]:
        """[K] in nats."""
        return np.mean([row for kind in kinds for row in self.kl_first.get(kind, [])], axis=0)


def _question_of(scene: Scene, kind: str, rng: random.Random, words: Wordings) -> Question | None:
    for _ in range(4):  # another thing of the scene may allow it
        question = ask(scene, kind, rng, words)
        if question is not None:
            return question
    return None


def _asked(
    bank: Bank,
    seeing: Seeing,
    rng: random.Random,
    size: int,
    wanted: dict[str, int],
    words: Wordings,
) -> tuple[list[Scene], list[Conversation]]:
    """A batch of scenes with one question of each kind that is still wanted and that it allows."""
    scenes: list[Scene] = []
    packed: list[Conversation] = []
    while len(scenes) < size and any(left > 0 for left in wanted.values()):
        scene = random_scene(rng, bank)
        kinds = [kind for kind, left in wanted.items() if left > 0]
        rng.shuffle(kinds)
        questions = [q for kind in kinds if (q := _question_of(scene, kind, rng, words))]
        conversation = seeing.packer.pack(questions)
        if not conversation.asked:
            continue
        for question in conversation.asked:
            wanted[question.kind] -= 1
        scenes.append(scene)
        packed.append(conversation)
    return scenes, packed


@torch.no_grad()
def measure(
    seeing: Seeing,
    bank: Bank,
    *,
    per_kind: int,
    size: int,
    seed: int,
    ks: Sequence[int] | None = None,
    words: Wordings = TAUGHT,
    kinds: Iterable[str] = tuple(ALL_KINDS),
) -> Measured:
    """``per_kind`` questions of each kind about new scenes of ``bank``, ``size`` scenes at once.

    Args:
        ks: layers to withdraw at, ascending; default every one. L is added.
    """
    layers = len(seeing.decoder.layers)
    chosen = tuple(sorted({*(range(layers) if ks is None else ks), layers}))
    rng = random.Random(seed)
    wanted = dict.fromkeys(kinds, per_kind)
    measured = Measured(chosen)
    while any(left > 0 for left in wanted.values()):
        scenes, packed = _asked(bank, seeing, rng, size, wanted, words)
        _measure_batch(seeing, trimmed(as_batch(scenes, packed)), packed, measured)
    return measured


def _measure_batch(
    seeing: Seeing, batch: DialogueBatch, packed: list[Conversation], measured: Measured
) -> None:
    decoder = seeing.decoder
    device = decoder.head.device
    labels, positions, block = (
        torch.from_numpy(values).to(device)
        for values in (batch.labels, batch.positions, batch.block)
    )
    start = len(seeing.packer.head)
    visible = visibility(block)
    blind = visible.clone()
    blind[:, :, start + VISUAL_TOKENS :, start : start + VISUAL_TOKENS] = False
    asked = labels != IGNORED
    first = asked & ~torch.nn.functional.pad(asked, (1, 0))[:, :-1]
    layers = len(decoder.layers)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        passed = decoder.run(seeing.states(batch, disturbed=False), visible, positions)
        reference = decoder.logits(passed[layers][first]).log_softmax(-1)
        right, kl = [], []
        for k in measured.ks:
            last = passed[layers]
            if k < layers:
                last = decoder.run(passed[k], blind, positions, first=k)[-1]
            right.append((decoder.logits(last[asked]).argmax(-1) == labels[asked]).cpu().numpy())
            logs = decoder.logits(last[first]).log_softmax(-1)
            kl.append((logs.exp() * (logs - reference)).sum(-1).double().cpu().numpy())
    right_at, kl_at = np.stack(right), np.stack(kl)  # [K, token], [K, question]
    where = asked.cpu().numpy()
    row, sequence = batch.block[where], np.nonzero(where)[0]
    question = 0
    for i, conversation in enumerate(packed):
        for number, said in enumerate(conversation.asked, start=1):
            tokens = (sequence == i) & (row == number)
            measured.right[said.kind].append(np.asarray(right_at[:, tokens].all(1)))
            measured.kl_first[said.kind].append(kl_at[:, question])
            question += 1


@dataclass(frozen=True)
class Gaze:
    """Where the rows after the picture look, per layer, nothing withdrawn."""

    shares: NDArray[np.float64]
    """[layer, 4] share of first token, rest of the system prompt, picture and later text in
    percent, mean over heads and rows."""
    sinks: NDArray[np.float64]
    """[layer] percent of heads whose mean over rows gives the first token more than 0.3: the mean
    over layers is Sink^0.3 of Gu et al. (arXiv 2410.10781), over these rows."""


@torch.no_grad()
def gaze(seeing: Seeing, bank: Bank, *, size: int, seed: int) -> Gaze:
    """Over ``size`` new scenes of ``bank`` with one question of each kind."""
    rng = random.Random(seed)
    scenes, packed = _asked(bank, seeing, rng, size, dict.fromkeys(ALL_KINDS, size), TAUGHT)
    batch = as_batch(scenes, packed)
    device = seeing.decoder.head.device
    block, positions = (
        torch.from_numpy(values).to(device) for values in (batch.block, batch.positions)
    )
    visible = visibility(block)
    states = seeing.states(batch, disturbed=False).float()
    rows = block > 0
    start, end = len(seeing.packer.head), len(seeing.packer.prefix)
    shares, sinks = [], []
    layers: Any = seeing.decoder.model.layers
    for layer, passed in zip(layers, seeing.decoder.run(states, visible, positions), strict=False):
        weights = _attention(
            seeing, layer.self_attn, layer.input_layernorm(passed), visible, positions
        )
        per_head = weights.transpose(1, 2)[rows]  # [row, head, key]
        mean = per_head.mean((0, 1))
        parts = (mean[0], mean[1:start].sum(), mean[start:end].sum(), mean[end:].sum())
        shares.append([100 * float(part) for part in parts])
        sinks.append(100 * float((per_head[:, :, 0].mean(0) > 0.3).float().mean()))
    return Gaze(np.array(shares), np.array(sinks))


def _attention(
    seeing: Seeing,
    attention: Any,
    states: torch.Tensor,
    visible: torch.Tensor,
    positions: torch.Tensor,
) -> torch.Tensor:
    """Weights [sequence, head, query, key], computed plainly from the layer's own projections."""
    count, length, _ = states.shape
    cos, sin = seeing.decoder.model.rotary_emb(states, positions)

    def turned(projected: torch.Tensor) -> torch.Tensor:
        heads = projected.view(count, length, -1, attention.head_dim).transpose(1, 2)
        one, two = heads.chunk(2, -1)
        return heads * cos[:, None] + torch.cat([-two, one], -1) * sin[:, None]

    query, key = turned(attention.q_proj(states)), turned(attention.k_proj(states))
    key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    scores = query @ key.transpose(2, 3) * attention.scaling
    return scores.masked_fill(~visible, float("-inf")).softmax(-1)
