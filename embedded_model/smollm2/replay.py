"""What keeps the language: the decoder's own texts, and what it thought at each of their tokens.

The texts are sampled from the decoder as it was pretrained. In training its predictions are held to
the ones it had then (KL in nats), so that it stays the language model that it was, sinks and all.
"""

from __future__ import annotations

import random
from typing import Any

import torch
from torch.nn import functional as F

from embedded_model.smollm2.conversation import LENGTH, SYSTEM_PROMPT, Packer
from embedded_model.smollm2.decoder import LayeredDecoder

OWN_SYSTEM_PROMPT = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
_REQUESTS = (
    "Write a short story about {}", "Explain {} to a child", "What is {}?",
    "Give me three facts about {}",
    "Write a poem about {}", "Why do people like {}?", "Describe {}", "What do you know about {}?",
    "Tell me a joke about {}", "How would you draw {}?", "List five things that go with {}",
    "Is {} important, and why?", "What sound belongs to {}?", "Write a letter that mentions {}",
)  # fmt: skip
_TOPICS = (
    "a dog", "the sea", "France", "a rocket", "apples", "music", "winter", "a farm", "the moon",
    "a bicycle", "the forest", "bread", "birds", "history", "a rainy day", "colors", "numbers",
    "a lion", "books", "trees", "Rome", "the heart", "a train", "cheese", "mathematics", "a friend",
    "the weather", "insects", "a hammer", "gravity", "the human eye", "an umbrella",
)  # fmt: skip
_OPENINGS = ("The", "In the year", "Once upon a time", "How to", "A", "When", "It is", "Scientists",
             "My", "For many people,")  # fmt: skip


def _beginnings(packer: Packer, rng: random.Random, count: int) -> list[list[int]]:
    """Half of them requests to the assistant, a quarter with our system prompt but no picture, a
    quarter plain text."""
    openings = []
    for i in range(count):
        if i % 4 == 3:
            openings.append(packer.encode(f"<|im_start|>{rng.choice(_OPENINGS)}"))
            continue
        system = SYSTEM_PROMPT if i % 4 == 2 else OWN_SYSTEM_PROMPT
        request = rng.choice(_REQUESTS).format(rng.choice(_TOPICS))
        openings.append(
            packer.encode(
                f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{request}<|im_end|>\n"
                "<|im_start|>assistant\n"
            )
        )
    return openings


class Replay:
    """``ids``: [text, LENGTH], ``thought``: the final states after each of them."""

    def __init__(self, ids: torch.Tensor, thought: torch.Tensor, end: int) -> None:
        self.ids, self.thought, self.end = ids, thought, end

    @staticmethod
    @torch.no_grad()
    def sample(
        decoder: LayeredDecoder, packer: Packer, model: Any, *, texts: int, longest: int, seed: int
    ) -> Replay:
        """Before anything was added to the decoder; no text has more than ``longest`` tokens."""
        rng = random.Random(seed)
        device = decoder.head.device
        openings = _beginnings(packer, rng, texts)
        start = max(map(len, openings))
        padded = [[packer.end] * (start - len(ids)) + ids for ids in openings]
        mask = [[0] * (start - len(ids)) + [1] * len(ids) for ids in openings]
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            written = model.generate(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=min(longest, LENGTH) - start, do_sample=True,
                temperature=1.0, top_k=0, top_p=0.98, pad_token_id=packer.end,
            )  # fmt: skip
        rows = []
        for row, ids in zip(written.tolist(), openings, strict=True):
            text = row[start - len(ids) :]
            rows.append(text + [packer.end] * (LENGTH - len(text)))
        kept = torch.tensor(rows, device=device)
        thought = torch.empty(*kept.shape, decoder.width, dtype=torch.bfloat16, device=device)
        for start in range(0, len(kept), 64):
            part = slice(start, start + 64)
            thought[part] = _final_states(decoder, kept[part])
        return Replay(kept, thought, packer.end)

    def loss(self, decoder: LayeredDecoder, rows: torch.Tensor) -> torch.Tensor:
        """Mean KL in nats of the predictions now from those before any training, over one in four
        tokens of the texts ``rows``."""
        ids = self.ids[rows]
        states = _final_states(decoder, ids)
        asked = (ids != self.end) & (torch.rand(ids.shape, device=ids.device) < 0.25)
        now = F.linear(states[asked], decoder.head).float().log_softmax(-1)
        before = F.linear(self.thought[rows][asked].to(states.dtype), decoder.head)
        return F.kl_div(now, before.float().log_softmax(-1), log_target=True, reduction="batchmean")


def _final_states(decoder: LayeredDecoder, ids: torch.Tensor) -> torch.Tensor:
    """[text, position, width] after the final norm."""
    count, length = ids.shape
    positions = torch.arange(length, device=ids.device).expand(count, -1)
    causal = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
    visible = causal.expand(count, 1, -1, -1).contiguous()
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.is_cuda):
        passed = decoder.run(decoder.embed(ids), visible, positions)[-1]
        return decoder.model.norm(passed)
