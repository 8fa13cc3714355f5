"""Train the embedded model: ``python -m embedded_model.train STAGE --out FOLDER --minutes M``.

Stages, in order: ``vision`` and ``language`` (independent of each other), ``projector``,
``dialogue``.
Each can be stopped at any time and started again with the same command.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from embedded_model.architecture import TRAINING_ATTENTION, build_model
from embedded_model.optimizer import Trainer
from embedded_model.tokenizer import build_tokenizer


def load_tokenizer(out: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of this run, made at the first call."""
    folder = out / "tokenizer"
    if not folder.exists():
        build_tokenizer().save_pretrained(folder)
    return load_exported_tokenizer(folder)


def load_exported_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder)


def start_model(out: Path, seed: int) -> LlavaForConditionalGeneration:
    """A fresh model that starts from the finished ``vision`` and ``language`` stages."""
    model = build_model(load_tokenizer(out), seed)
    vision = torch.load(out / "vision.pt", weights_only=True)
    model.model.vision_tower.load_state_dict(vision["modules"][0])
    language = torch.load(out / "language.pt", weights_only=True)
    model.model.language_model.load_state_dict(language["modules"][0])
    model.lm_head.load_state_dict(language["modules"][1])
    return model


def train_projector(out: Path, minutes: float, seed: int) -> None:
    from embedded_model.projector import ProjectorStage

    model = start_model(out, seed)
    inner = model.model
    projector = inner.multi_modal_projector
    trainer = Trainer(
        [projector], out, "projector", minutes=minutes, matrix_rate=0.0, other_rate=2e-3
    )
    stage = ProjectorStage(
        inner.vision_tower, projector, inner.language_model.embed_tokens, load_tokenizer(out),
        batch=32, seed=seed + trainer.steps,
    )  # fmt: skip
    trainer.run(stage.step)


def train_vision(out: Path, minutes: float, seed: int) -> None:
    from embedded_model.vision import SceneHeads, VisionStage

    tower = build_model(load_tokenizer(out), seed).model.vision_tower
    heads = SceneHeads(tower.config.hidden_size)
    trainer = Trainer(
        [tower, heads], out, "vision", minutes=minutes, matrix_rate=3e-3, other_rate=2e-3
    )
    stage = VisionStage(tower, heads, batch=32, seed=seed + trainer.steps)
    trainer.run(stage.step)


def train_language(out: Path, minutes: float, seed: int) -> None:
    from embedded_model.language import LanguageStage

    tokenizer = load_tokenizer(out)
    model = build_model(tokenizer, seed)
    decoder, head = model.model.language_model, model.lm_head
    trainer = Trainer(
        [decoder, head], out, "language", minutes=minutes, matrix_rate=3e-3, other_rate=2e-3
    )
    stage = LanguageStage(decoder, head, tokenizer, seed=seed + trainer.steps)
    trainer.run(stage.step)


def aligned_model(out: Path, seed: int) -> LlavaForConditionalGeneration:
    """``start_model`` with the projector of the finished ``projector`` stage."""
    model = start_model(out, seed)
    aligned = torch.load(out / "projector.pt", weights_only=True)
    model.model.multi_modal_projector.load_state_dict(aligned["modules"][0])
    return model


def exported_model(folder: Path) -> LlavaForConditionalGeneration:
    """An exported model, to be trained further; its optimiser starts afresh."""
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    model.set_attn_implementation(TRAINING_ATTENTION)
    return model.train()


def train_dialogue(
    out: Path, minutes: float, seed: int, start: Path | None, exit_from: int | None
) -> None:
    from embedded_model.dialogue import DialogueStage

    tokenizer = load_tokenizer(out) if start is None else load_exported_tokenizer(start)
    model = aligned_model(out, seed) if start is None else exported_model(start)
    model.model.vision_tower.requires_grad_(False)
    trainer = Trainer([model], out, "dialogue", minutes=minutes, matrix_rate=1e-3, other_rate=6e-4)
    stage = DialogueStage(model, tokenizer, seed=seed + trainer.steps, exit_from=exit_from)
    trainer.run(stage.step)


STAGES = {"vision": train_vision, "language": train_language, "projector": train_projector}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=[*STAGES, "dialogue"])
    parser.add_argument("--out", type=Path, default=Path("runs/embedded"))
    parser.add_argument("--minutes", type=float, required=True, help="time budget of the stage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--start",
        type=Path,
        help="dialogue only: an exported model to go on from, such as assets/embedded_model",
    )
    parser.add_argument(
        "--exit-from",
        type=int,
        help="dialogue only: also ask for the answer behind a random layer from this one on",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.stage == "dialogue":
        train_dialogue(
            arguments.out, arguments.minutes, arguments.seed, arguments.start, arguments.exit_from
        )
    else:
        STAGES[arguments.stage](arguments.out, arguments.minutes, arguments.seed)


if __name__ == "__main__":
    main()
