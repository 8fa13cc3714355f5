"""Train the 135 M model: ``python -m embedded_model.smollm2.train --gguf FILE --out FOLDER``.

Four stages, in this order: ``tower``, ``words`` (the projector alone), ``shallow`` and ``deep``
(the dialogue); then the model is packed into ``FOLDER/packed``, which `load_model` takes.
``--minutes`` is the time of all stages together. A run that was stopped goes on with the same
command, a finished one with ``--start`` (the deep stage alone).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn
from transformers.models.clip.modeling_clip import CLIPEncoderLayer

from embedded_model.optimizer import Trainer
from embedded_model.smollm2.bank import Bank, training_bank
from embedded_model.smollm2.base import build_tokenizer, gguf_file, load_decoder
from embedded_model.smollm2.conversation import LENGTH, Packer
from embedded_model.smollm2.decoder import LayeredDecoder, Projector
from embedded_model.smollm2.dialogue import EARLY, DialogueBatches, DialogueStage, Seeing
from embedded_model.smollm2.export import export
from embedded_model.smollm2.feeding import Feed
from embedded_model.smollm2.low_rank import add_low_rank, addition_state, additions, load_additions
from embedded_model.smollm2.render import Painter
from embedded_model.smollm2.replay import Replay
from embedded_model.smollm2.tower import (
    WIDTH,
    SceneHeads,
    TowerBatches,
    TowerStage,
    build_tower,
)
from embedded_model.smollm2.words import WordStage
from vtw_core.files.replacing import replace_file

SHARES = {"tower": 0.22, "words": 0.03, "shallow": 0.25, "deep": 0.5}
"""Of ``--minutes``."""
LOWER_RANK, UPPER_RANK = 64, 16


@dataclass(frozen=True)
class Plan:
    out: Path
    minutes: float
    device: str
    workers: int
    pictures: int
    """In a batch of the tower stage; the dialogue takes an eighth."""
    texts: int
    text_tokens: int
    compiled: bool
    seed: int

    def stage_minutes(self, stage: str) -> float:
        return self.minutes * SHARES[stage]

    def trainer(self, modules: list[nn.Module], stage: str, rate: float) -> Trainer:
        return Trainer(
            modules, self.out, stage, minutes=self.stage_minutes(stage), matrix_rate=None,
            other_rate=rate,
        )  # fmt: skip


def _run(trainer: Trainer, batches: Iterator[Any], loss: Callable[[Any], Any]) -> None:
    def step(_: float) -> tuple[torch.Tensor, dict[str, float]]:
        result = loss(next(batches))
        value, numbers = result if isinstance(result, tuple) else (result, {})
        return value, {key: float(number) for key, number in numbers.items()}

    trainer.run(step)
    print(f"{trainer.path.stem}: {trainer.steps} steps in {trainer.elapsed:.0f} s", flush=True)


def train_tower(plan: Plan, bank: Bank, painter: Painter) -> nn.Module:
    torch.manual_seed(plan.seed)
    tower: Any = build_tower()
    tower, heads = tower.to(plan.device), SceneHeads().to(plan.device)
    trainer = plan.trainer([tower, heads], "tower", 1e-3)
    stage = TowerStage(painter, tower, heads)
    if plan.compiled:
        for module in tower.modules():
            if isinstance(module, CLIPEncoderLayer):
                module.compile()
    seed = plan.seed + trainer.steps
    with Feed(TowerBatches(bank, plan.pictures), seed=seed, workers=plan.workers) as batches:
        _run(trainer, batches, stage.loss)
    return tower.eval().requires_grad_(False)


def train_words(
    plan: Plan, bank: Bank, painter: Painter, tower: Any, decoder: LayeredDecoder, packer: Packer
) -> Projector:
    torch.manual_seed(plan.seed)
    projector = Projector(WIDTH, decoder.width).to(plan.device)
    trainer = plan.trainer([projector], "words", 2e-3)
    stage = WordStage(painter, tower, projector, decoder.head, packer)
    size = max(1, plan.pictures // 4)
    with Feed(TowerBatches(bank, size), seed=plan.seed + 1, workers=plan.workers) as batches:
        _run(trainer, batches, stage.loss)
    return projector


def train_dialogue(
    plan: Plan, bank: Bank, seeing: Seeing, model: Any, replay: Replay, stage: str
) -> None:
    added = nn.ModuleList([module for _, module in additions(model)])
    trainer = plan.trainer([seeing.projector, added], stage, 5e-4)
    dialogue = DialogueStage(
        seeing, replay, is_shallow=stage == "shallow", seed=plan.seed + trainer.steps
    )
    batches_of = DialogueBatches(bank, seeing.packer, max(1, plan.pictures // 8))
    seed = plan.seed + 2 + len(stage) + trainer.steps
    with Feed(batches_of, seed=seed, workers=plan.workers) as batches:
        if plan.compiled:  # outside the time of the stage
            with _timed("compile"):
                dialogue.loss(next(batches))[0].backward()
            seeing.projector.zero_grad(set_to_none=True)
            added.zero_grad(set_to_none=True)
        _run(trainer, batches, dialogue.loss)


def save_parts(out: Path, tower: nn.Module, projector: nn.Module, model: Any) -> None:
    """``tower``, ``projector`` and ``additions`` as safetensors: what is added to the base."""
    prefix = "vision_model."  # older transformers put the tower one level deeper
    states = {
        "tower": {k.removeprefix(prefix): v for k, v in tower.state_dict().items()
                  if v.is_floating_point()},
        "projector": projector.state_dict(),
        "additions": addition_state(model),
    }  # fmt: skip
    for name, state in states.items():
        tensors = {
            key.replace("._orig_mod", ""): value.detach().float().cpu().contiguous()
            for key, value in state.items()
        }
        replace_file(out / f"{name}.safetensors", save(tensors))


@contextlib.contextmanager
def _timed(name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


def train(plan: Plan, gguf: Path, stickers: Path, *, start: Path | None, only: str | None) -> None:
    torch.set_float32_matmul_precision("high")
    with _timed("bank"):
        bank = training_bank(stickers)
        painter = Painter(bank, plan.device)
    if start is None:
        tower: Any = train_tower(plan, bank, painter)
    else:
        tower = build_tower()
        tower.load_state_dict(_keys_of(tower, load_file(start / "tower.safetensors")))
        tower = tower.to(plan.device).eval().requires_grad_(False)
    if only == "tower":
        return
    with _timed("base"):
        model: Any = load_decoder(gguf)
        model = model.to(plan.device).eval().requires_grad_(False)
        packer = Packer(build_tokenizer(gguf))
        decoder = LayeredDecoder(model.model, compiled=plan.compiled)
    with _timed("replay"):
        replay = Replay.sample(
            decoder,
            packer,
            model,
            texts=plan.texts,
            longest=plan.text_tokens,
            seed=plan.seed,
        )
    projector = train_words(plan, bank, painter, tower, decoder, packer)
    ranks = [LOWER_RANK if layer < EARLY else UPPER_RANK for layer in range(len(decoder.layers))]
    add_low_rank(model, ranks)
    model.to(plan.device)
    if start is not None:
        projector.load_state_dict(load_file(start / "projector.safetensors"))
        load_additions(model, load_file(start / "additions.safetensors"))
    seeing = Seeing(painter, tower, projector, decoder, packer)
    for stage in ("shallow", "deep") if start is None else ("deep",):
        train_dialogue(plan, bank, seeing, model, replay, stage)
        save_parts(plan.out, tower, projector, model)
    export(plan.out, gguf, plan.out / "packed")


def _keys_of(tower: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """``state`` with the names that this release of transformers gives the tower."""
    prefix = "vision_model." if hasattr(tower, "vision_model") else ""
    return {prefix + key: value for key, value in state.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True, help="or the wheel: see `base`")
    parser.add_argument(
        "--stickers",
        type=Path,
        default=Path("runs/stickers.npz"),
        help="all styles, see `stickers`",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/smollm2"))
    parser.add_argument("--minutes", type=float, default=6.0, help="of training, all stages")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=max(0, (os.cpu_count() or 1) - 1))
    parser.add_argument("--pictures", type=int, default=512, help="in a batch of the tower stage")
    parser.add_argument("--texts", type=int, default=768, help="sampled from the base for replay")
    parser.add_argument("--text-tokens", type=int, default=LENGTH, help="at most, in each text")
    parser.add_argument("--compile", action="store_true", help="the layers, by torch.compile")
    parser.add_argument("--start", type=Path, help="a finished run to go on from")
    parser.add_argument("--only", choices=["tower"], help="stop after this stage")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    plan = Plan(
        a.out, a.minutes, a.device, a.workers, a.pictures, a.texts, a.text_tokens, a.compile, a.seed
    )
    plan.out.mkdir(parents=True, exist_ok=True)
    train(plan, gguf_file(a.gguf, a.out), a.stickers, start=a.start, only=a.only)


if __name__ == "__main__":
    main()
