"""Stage 1, the vision tower: what is on each patch, and what is in the picture.

Each patch tells name, colour, size and cell of the thing that it belongs to; the class token tells
how many things there are and which.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel

from embedded_model.smollm2.bank import Bank
from embedded_model.smollm2.render import PATCH, Painter, normalized
from embedded_model.smollm2.scenes import (
    IMAGE_SIDE,
    MOST_THINGS,
    PLACEMENT,
    placements,
    random_scene,
)
from embedded_model.smollm2.things import COLOR_NAMES, NAMES, POSITIONS

WIDTH = 256
# Labels of one patch; 0 is background (name, size, cell) or a thing without a colour of its own.
_LABELS = {"name": len(NAMES) + 1, "color": len(COLOR_NAMES) + 1, "size": 3,
           "cell": len(POSITIONS) + 1}  # fmt: skip


def tower_config() -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=768,
        num_hidden_layers=8,
        num_attention_heads=4,
        image_size=IMAGE_SIDE,
        patch_size=PATCH,
        projection_dim=WIDTH,
    )


def build_tower() -> CLIPVisionModel:
    return CLIPVisionModel(tower_config())


def tower_states(tower: CLIPVisionModel, pictures: torch.Tensor) -> torch.Tensor:
    """[picture, 1 + patch, WIDTH]: the last layer's states, class token first."""
    return tower(pixel_values=normalized(pictures)).last_hidden_state


@dataclass(frozen=True)
class TowerBatch:
    placed: NDArray[np.float32]
    backgrounds: NDArray[np.float32]
    labels: NDArray[np.int64]
    """[picture, label, thing]"""


class TowerBatches:
    """Makes a `TowerBatch`; called in worker processes."""

    def __init__(self, bank: Bank, size: int) -> None:
        self.bank, self.size = bank, size

    def __call__(self, rng: random.Random) -> TowerBatch:
        placed = np.zeros((self.size, MOST_THINGS, PLACEMENT), np.float32)
        backgrounds = np.zeros((self.size, 8), np.float32)
        labels = np.zeros((self.size, len(_LABELS), MOST_THINGS), np.int64)
        for i in range(self.size):
            scene = random_scene(rng, self.bank)
            placed[i], backgrounds[i] = placements(scene), scene.background
            for j, thing in enumerate(scene.things):
                color = 0 if thing.color is None else COLOR_NAMES.index(thing.color) + 1
                labels[i, :, j] = (
                    NAMES.index(thing.name) + 1, color, 1 + thing.is_large, thing.cell + 1,
                )  # fmt: skip
        return TowerBatch(placed, backgrounds, labels)


class SceneHeads(nn.Module):
    """Read-outs of the tower, needed for its training only."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.patch = nn.ModuleDict({key: nn.Linear(WIDTH, size) for key, size in _LABELS.items()})
        self.count = nn.Linear(WIDTH, MOST_THINGS + 1)
        self.present = nn.Linear(WIDTH, len(NAMES))


class TowerStage:
    def __init__(self, painter: Painter, tower: CLIPVisionModel, heads: SceneHeads) -> None:
        self.painter, self.tower, self.heads = painter, tower, heads

    def loss(self, batch: TowerBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The loss, and per label the share of right patches on things."""
        pictures, owner = self.painter.paint(batch.placed, batch.backgrounds, disturbed=True)
        things = torch.from_numpy(batch.labels).to(pictures.device)
        on_thing = owner > 0
        with torch.autocast(pictures.device.type, torch.bfloat16):
            states = tower_states(self.tower, pictures)
        states = self.heads.norm(states.float())
        loss = torch.zeros((), device=pictures.device)
        right = {}
        for row, (key, head) in enumerate(self.heads.patch.items()):
            labels = F.pad(things[:, row], (1, 0)).gather(1, owner)
            logits = head(states[:, 1:])
            each = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
            loss = loss + (each * on_thing).sum() / on_thing.sum()
            loss = loss + 0.5 * (each * ~on_thing).sum() / (~on_thing).sum()
            right[key] = ((logits.argmax(-1) == labels) & on_thing).sum() / on_thing.sum()
        names = things[:, 0]
        loss = loss + F.cross_entropy(self.heads.count(states[:, 0]), (names > 0).sum(1))
        present = torch.zeros(len(names), len(NAMES) + 1, device=names.device)
        present.scatter_(1, names, 1.0)
        said = self.heads.present(states[:, 0])
        loss = loss + 20 * F.binary_cross_entropy_with_logits(said, present[:, 1:])
        return loss, right
