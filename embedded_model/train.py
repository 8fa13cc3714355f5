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

from embedded_model.architecture import TRAINING_ATTENTION, add_layers, build_model
from embedded_model.optimizer import Trainer
from embedded_model.tokenizer import build_tokenizer
from vtw_core.files.replacing import replacing_files


def load_tokenizer(out: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of this run, made at the first call."""
    folder = out / "tokenizer"
    if not folder.exists():
        with replacing_files(folder) as made:
            build_tokenizer().save_pretrained(made)
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


def train_projector(out: Path, minutes: float, seed: int, rate: float) -> None:
    from embedded_model.projector import ProjectorStage

    model = start_model(out, seed)
    inner = model.model
    projector = inner.multi_modal_projector
    trainer = Trainer(
        [projector],
        out,
        "projector",
        minutes=minutes,
        matrix_rate=0.0,
        other_rate=2e-3,
        rate=rate,
    )
    stage = ProjectorStage(
        inner.vision_tower, projector, inner.language_model.embed_tokens, load_tokenizer(out),
        batch=32, seed=seed + trainer.steps,
    )  # fmt: skip
    trainer.run(stage.step)


def train_vision(out: Path, minutes: float, seed: int, rate: float) -> None:
    from embedded_model.vision import SceneHeads, VisionStage

    tower = build_model(load_tokenizer(out), seed).model.vision_tower
    heads = SceneHeads(tower.config.hidden_size)
    trainer = Trainer(
        [tower, heads],
        out,
        "vision",
        minutes=minutes,
        matrix_rate=3e-3,
        other_rate=2e-3,
        rate=rate,
    )
    stage = VisionStage(tower, heads, batch=32, seed=seed + trainer.steps)
    trainer.run(stage.step)


def train_language(out: Path, minutes: float, seed: int, rate: float) -> None:
    from embedded_model.language import LanguageStage

    tokenizer = load_tokenizer(out)
    model = build_model(tokenizer, seed)
    decoder, head = model.model.language_model, model.lm_head
    trainer = Trainer(
        [decoder, head],
        out,
        "language",
        minutes=minutes,
        matrix_rate=3e-3,
        other_rate=2e-3,
        rate=rate,
    )
    stage = LanguageStage(decoder, head, tokenizer, seed=seed + trainer.steps)
    trainer.run(stage.step)


def aligned_model(out: Path, seed: int) -> LlavaForConditionalGeneration:
    """``start_model`` with the projector of the finished ``projector`` stage."""
    model = start_model(out, seed)
    aligned = torch.load(out / "projector.pt", weights_only=True)
    model.model.multi_modal_projector.load_state_dict(aligned["modules"][0])
    return model


def exported_model(folder: Path, layers: int) -> LlavaForConditionalGeneration:
    """An exported model, to be trained further with so many ``layers`` (0: those that it has);
    its optimiser starts afresh."""
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    if layers:
        add_layers(model, layers - len(model.model.language_model.layers))
    model.set_attn_implementation(TRAINING_ATTENTION)
    return model.train()


def train_dialogue(
    out: Path,
    minutes: float,
    seed: int,
    rate: float,
    *,
    start: Path | None,
    layers: int,
    exit_from: int | None,
    text_every: int,
) -> None:
    from embedded_model.dialogue import DialogueStage

    if start is None:
        tokenizer = load_tokenizer(out)
        model = aligned_model(out, seed)
    else:
        tokenizer = load_exported_tokenizer(start)
        with replacing_files(out / "tokenizer") as made:
            tokenizer.save_pretrained(made)
        model = exported_model(start, layers)
    model.model.vision_tower.requires_grad_(False)
    trainer = Trainer(
        [model], out, "dialogue", minutes=minutes, matrix_rate=1e-3, other_rate=6e-4, rate=rate
    )
    stage = DialogueStage(
        model,
        tokenizer,
        seed=seed + trainer.steps,
        is_beginner=start is None,
        exit_from=exit_from,
        text_every=text_every,
    )
    trainer.run(stage.step)


STAGES = {"vision": train_vision, "language": train_language, "projector": train_projector}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=[*STAGES, "dialogue"])
    parser.add_argument("--out", type=Path, default=Path("runs/embedded"))
    parser.add_argument("--minutes", type=float, required=True, help="time budget of the stage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rate", type=float, default=1.0, help="times the stage's learning rates (to refine)"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--start",
        type=Path,
        help="dialogue only: an exported model to go on from, such as assets/embedded_model",
    )
    parser.add_argument(
        "--exit-from",
        type=int,
        help="dialogue only: also take the loss after a random layer from this one on",
    )
    parser.add_argument(
        "--layers",
        type=int,
        default=0,
        help="with --start: add decoder layers, which change nothing at first, up to this number",
    )
    parser.add_argument(
        "--text-every", type=int, default=12, help="dialogue only: text alone in one batch of N"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    stage = (arguments.out, arguments.minutes, arguments.seed, arguments.rate)
    if arguments.stage != "dialogue":
        STAGES[arguments.stage](*stage)
        return
    train_dialogue(
        *stage,
        start=arguments.start,
        layers=arguments.layers,
        exit_from=arguments.exit_from,
        text_every=arguments.text_every,
    )


if __name__ == "__main__":
    main()
