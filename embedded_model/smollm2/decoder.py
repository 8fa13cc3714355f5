"""The decoder during training: its layers one by one, so that a step may stop at any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from transformers import LlamaModel

Layer = Callable[..., torch.Tensor]


class Projector(nn.Module):
    """LLaVA's two-layer projector, with the names of transformers' own."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(inputs, outputs)
        self.linear_2 = nn.Linear(outputs, outputs)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.linear_2(nn.functional.gelu(self.linear_1(states)))


def visibility(block: torch.Tensor) -> torch.Tensor:
    """bool [sequence, 1, query, key] from the blocks of `Conversation`: a question sees the prefix
    and itself, backwards only."""
    length = block.shape[1]
    same = (block[:, None, :] == 0) | (block[:, None, :] == block[:, :, None])
    causal = torch.ones(length, length, dtype=torch.bool, device=block.device).tril()
    alone = torch.eye(length, dtype=torch.bool, device=block.device)
    return ((same & causal) | alone)[:, None]


class LayeredDecoder:
    """``compiled``: the layers go through `torch.compile`, which a GPU gains from."""

    def __init__(self, model: LlamaModel, *, compiled: bool = False) -> None:
        self.model = model
        self.head = model.embed_tokens.weight
        self.width = self.head.shape[1]
        self.layers: Sequence[Layer] = list(model.layers)
        if compiled:
            torch._dynamo.config.cache_size_limit = 64
            self.layers = [torch.compile(layer) for layer in model.layers]

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model.embed_tokens(ids)

    def run(
        self,
        states: torch.Tensor,
        visible: torch.Tensor,
        positions: torch.Tensor,
        *,
        first: int = 0,
        stop: int | None = None,
    ) -> list[torch.Tensor]:
        """The input of layer ``first`` and the output of each layer from there up to ``stop``,
        all [sequence, position, width]; ``visible`` as by `visibility`."""
        turned = self.model.rotary_emb(states, positions)
        passed = [states]
        for layer in self.layers[first:stop]:
            arguments: dict[str, Any] = {
                "attention_mask": visible, "position_ids": positions,
                "position_embeddings": turned, "use_cache": False,
            }  # fmt: skip
            passed.append(layer(passed[-1], **arguments))
        return passed

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """float32 [..., vocabulary], through the final norm and the tied head."""
        return nn.functional.linear(self.model.norm(states), self.head).float()
