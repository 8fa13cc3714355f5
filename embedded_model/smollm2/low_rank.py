"""Low-rank additions to the decoder's matrices: the base stays exactly as it was pretrained.

W becomes W + B A (LoRA, arXiv 2106.09685). The sum is formed once per step, so a step costs no more
operations on activations than training without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformers import LlamaForCausalLM

MATRICES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")  # fmt: skip


class LowRank(nn.Module):
    """``down``: [rank, inputs], ``up``: [outputs, rank], which starts at zero."""

    def __init__(self, weight: torch.Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.down = nn.Parameter(
            torch.randn(rank, inputs, device=weight.device) / math.sqrt(inputs)
        )
        self.up = nn.Parameter(torch.zeros(outputs, rank, device=weight.device))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + 2 * (self.up @ self.down)


def add_low_rank(model: LlamaForCausalLM, ranks: list[int]) -> None:
    """``ranks[l]`` for the matrices of layer l; 0: the layer stays as it is. In place."""
    for layer, rank in zip(model.model.layers, ranks, strict=True):
        if rank == 0:
            continue
        for name in MATRICES:
            linear = layer.get_submodule(name)
            parametrize.register_parametrization(linear, "weight", LowRank(linear.weight, rank))


def additions(model: LlamaForCausalLM) -> Iterator[tuple[str, LowRank]]:
    """``layers.3.mlp.up_proj`` and what was added to it."""
    for name, module in model.model.named_modules():
        if isinstance(module, LowRank):
            yield name.removesuffix(".parametrizations.weight.0"), module


def addition_state(model: LlamaForCausalLM) -> dict[str, torch.Tensor]:
    state = {}
    for name, added in additions(model):
        state[f"{name}.down"] = added.down.detach().cpu()
        state[f"{name}.up"] = added.up.detach().cpu()
    return state


def load_additions(model: LlamaForCausalLM, state: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, added in additions(model):
            added.down.copy_(state[f"{name}.down"])
            added.up.copy_(state[f"{name}.up"])
