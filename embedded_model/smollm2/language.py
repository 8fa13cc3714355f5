"""What training left of the language: perplexity on plain text, and answers without a picture."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from vtw_core.loading.packed import unpacked

TEXTS = ("quantities.md", "strategies.md", "scale.md", "deploy.md")
"""Plain English that no training saw: pages of docs/."""
QUESTIONS = (
    "What is the capital of France?", "Why is the sky blue?", "Write one sentence about a dog.",
    "What is two plus two?", "Name three colors.", "Who wrote Romeo and Juliet?",
    "What do cows eat?", "How many legs does a spider have?",
)  # fmt: skip
ANSWER_TOKENS = 24
_WINDOW, _MOST_TOKENS = 512, 6144
_DECODER = "model.language_model."


@dataclass(frozen=True)
class Language:
    """Of the base and of the trained model: perplexity, and the answers to `QUESTIONS`."""

    base_perplexity: float
    perplexity: float
    base_answers: tuple[str, ...]
    answers: tuple[str, ...]

    @property
    def same_answers(self) -> int:
        return sum(a == b for a, b in zip(self.base_answers, self.answers, strict=True))


def base_of(vlm: Any, folder: Path) -> Any:
    """A copy of the model whose decoder is the base, without what was trained."""
    model = copy.deepcopy(vlm.model)
    state = {
        name: value
        for name, value in unpacked(folder, with_additions=False)
        if name.startswith(_DECODER)
    }
    model.load_state_dict(state, strict=False)
    return model


def _perplexity(model: Any, tokenizer: Any, docs: Path) -> float:
    text = "\n\n".join((docs / name).read_text(encoding="utf-8") for name in TEXTS)
    ids = torch.tensor(
        tokenizer(text, add_special_tokens=False, verbose=False).input_ids[:_MOST_TOKENS]
    )
    total, count = 0.0, 0
    for start in range(0, len(ids) - 1, _WINDOW):
        window = ids[start : start + _WINDOW + 1][None]
        logits = model(input_ids=window[:, :-1]).logits[0].float()
        total += float(F.cross_entropy(logits, window[0, 1:], reduction="sum"))
        count += window.shape[1] - 1
    return math.exp(total / count)


def _answers(model: Any, processor: Any) -> tuple[str, ...]:
    given = []
    for question in QUESTIONS:
        asked = [{"role": "user", "content": [{"type": "text", "text": question}]}]
        text = processor.apply_chat_template(asked, add_generation_prompt=True)
        inputs = processor.tokenizer(text, return_tensors="pt", add_special_tokens=False)
        ids = model.generate(**inputs, max_new_tokens=ANSWER_TOKENS, do_sample=False)
        new = ids[0, inputs.input_ids.shape[1] :]
        given.append(processor.tokenizer.decode(new, skip_special_tokens=True))
    return tuple(given)


@torch.no_grad()
def measure_language(vlm: Any, folder: Path, docs: Path) -> Language:
    base = base_of(vlm, folder)
    tokenizer = vlm.processor.tokenizer
    return Language(
        _perplexity(base, tokenizer, docs),
        _perplexity(vlm.model, tokenizer, docs),
        _answers(base, vlm.processor),
        _answers(vlm.model, vlm.processor),
    )
