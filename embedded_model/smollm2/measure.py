"""Quick measurements during and after training: answers, KL and attention at every K.

Withdrawal is computed by masking (no row but a visual one sees visual keys from layer K on), which
the project's tests prove to be the same. The shipped model is measured by `evaluate`, through the
library.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from embedded_model.smollm2.bank import Bank
from embedded_model.smollm2.conversation import IGNORED, Conversation
from embedded_model.smollm2.decoder import visibility
from embedded_model.smollm2.dialogue import Seeing, as_batch
from embedded_model.smollm2.questions import ALL_KINDS, SHORT_KINDS, TAUGHT, Wordings, ask
from embedded_model.smollm2.render import VISUAL_TOKENS
from embedded_model.smollm2.scenes import random_scene


@dataclass
class Measured:
    """Per kind a list over questions of what happened at each K, [L + 1]; the last is the full
    model."""

    right: dict[str, list[NDArray[np.bool_]]] = field(default_factory=lambda: defaultdict(list))
    kl_first: dict[str, list[NDArray[np.float64]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def accuracy(self, kinds) -> NDArray[np.float64]:
        return 100 * np.mean([np.mean(self.right[kind], 0) for kind in kinds if self.right[kind]], 0)

    def table(self) -> str:
        layers = len(next(iter(self.right.values()))[0]) - 1
        shown = [*range(8, layers, 1), layers]
        lines = [f"{'K':24s}" + "".join(f"{k:6d}" for k in shown)]
        for kind, rows in self.right.items():
            accuracy = 100 * np.mean(rows, 0)
            lines.append(f"{kind:18s}{len(rows):6d}" + "".join(f"{accuracy[k]:6.1f}" for k in shown))
        for kind, curves in self.kl_first.items():
            mean = np.mean(curves, 0)
            lines.append(f"KL {kind:21s}" + "".join(f"{mean[k]:6.2g}"[:6].rjust(6) for k in shown))
        short = [curve for kind in SHORT_KINDS for curve in self.kl_first[kind]]
        lines.append("KL short kinds " + " ".join(f"{k}:{np.mean(short, 0)[k]:.2g}" for k in shown))
        return "\n".join(lines)


def _conversations(bank: Bank, seeing: Seeing, rng: random.Random, count: int, words: Wordings):
    scenes, packed = [], []
    while len(scenes) < count:
        scene = random_scene(rng, bank)
        kinds = rng.sample(list(ALL_KINDS), len(ALL_KINDS))
        asked = [question for kind in kinds if (question := ask(scene, kind, rng, words))]
        scenes.append(scene)
        packed.append(seeing.packer.pack(asked))
    return scenes, packed


@torch.no_grad()
def measure(
    seeing: Seeing, bank: Bank, *, batches: int, size: int, seed: int, words: Wordings = TAUGHT
) -> Measured:
    rng = random.Random(seed)
    measured = Measured()
    for _ in range(batches):
        scenes, packed = _conversations(bank, seeing, rng, size, words)
        _measure_batch(seeing, as_batch(scenes, packed), packed, measured)
    return measured


def _measure_batch(seeing, batch, packed: list[Conversation], measured: Measured) -> None:
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
        right, kl, reference = [], [], None
        for k in range(layers, -1, -1):
            last = passed[layers]
            if k < layers:
                last = decoder.run(passed[k], blind, positions, first=k)[-1]
            right.append((decoder.logits(last[asked]).argmax(-1) == labels[asked]).cpu().numpy())
            logs = decoder.logits(last[first]).log_softmax(-1)
            reference = logs if reference is None else reference
            kl.append((logs.exp() * (logs - reference)).sum(-1).double().cpu().numpy())
    right_at, kl_at = np.stack(right[::-1]), np.stack(kl[::-1])  # [K, token], [K, question]
    where = asked.cpu().numpy()
    row, sequence = batch.block[where], np.nonzero(where)[0]
    question = 0
    for i, conversation in enumerate(packed):
        for number, said in enumerate(conversation.asked, start=1):
            tokens = (sequence == i) & (row == number)
            measured.right[said.kind].append(right_at[:, tokens].all(1))
            measured.kl_first[said.kind].append(kl_at[:, question])
            question += 1


@torch.no_grad()
def attention_shares(seeing: Seeing, bank: Bank, *, size: int, seed: int) -> str:
    """Where the rows behind the picture look, per layer: share of first token, system prompt,
    picture and text in percent, mean over heads and rows; and the share of heads that give the
    first token more than 0.3."""
    rng = random.Random(seed)
    scenes, packed = _conversations(bank, seeing, rng, size, TAUGHT)
    batch = as_batch(scenes, packed)
    device = seeing.decoder.head.device
    block, positions = (
        torch.from_numpy(values).to(device) for values in (batch.block, batch.positions)
    )
    visible = visibility(block)
    states = seeing.states(batch, disturbed=False).float()
    bias = torch.zeros(visible.shape, device=device).masked_fill(~visible, float("-inf"))
    model = seeing.decoder.model
    kept = model.config._attn_implementation
    model.config._attn_implementation = "eager"
    try:
        maps = model(
            inputs_embeds=states, attention_mask=bias, position_ids=positions, use_cache=False,
            output_attentions=True,
        ).attentions  # fmt: skip
    finally:
        model.config._attn_implementation = kept
    rows = block > 0
    start, end = len(seeing.packer.head), len(seeing.packer.prefix)
    lines = ["layer   bos system visual   text  heads with bos > 0.3, %"]
    for layer, weights in enumerate(maps):
        per_head = weights.float().transpose(1, 2)[rows]  # [row, head, key]
        mean = per_head.mean((0, 1))
        parts = (mean[0], mean[1:start].sum(), mean[start:end].sum(), mean[end:].sum())
        sinks = (per_head[:, :, 0].mean(0) > 0.3).float().mean()
        lines.append(f"{layer:5d}" + "".join(f"{100 * float(p):7.1f}" for p in (*parts, sinks)))
    return "\n".join(lines)
