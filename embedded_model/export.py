"""Write a trained checkpoint as a normal model folder: ``python -m embedded_model.export``.

The weights are stored as float16, which halves the file; they are loaded as float32.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import GenerationConfig

from embedded_model.architecture import build_model, build_processor
from embedded_model.train import load_tokenizer
from vtw_core.files.replacing import replacing_files

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "embedded_model"


def export(out: Path, folder: Path) -> None:
    """Read the ``dialogue`` checkpoint of the run in ``out`` and write ``folder``."""
    tokenizer = load_tokenizer(out)
    state = torch.load(out / "dialogue.pt", weights_only=True)["modules"][0]
    layers = sum(key.endswith("self_attn.o_proj.weight") for key in state)
    model = build_model(tokenizer, seed=0, layers=layers)
    model.load_state_dict(state)
    # The loader chooses its own attention; the one used in training must not stick to the file.
    model.set_attn_implementation("sdpa")
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=64,
    )
    with replacing_files(folder) as made:
        model.half().save_pretrained(made)
        (made / "model.safetensors").chmod(0o644)
        build_processor(tokenizer).save_pretrained(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/embedded"))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    export(arguments.out, arguments.folder)


if __name__ == "__main__":
    main()
