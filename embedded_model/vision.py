"""Stage 1, the vision tower: what is on each patch, and what is in the scene.

Every patch must encode shape, colour, size and place of the thing it is on; the class token must
encode how many things there are, and which colours and shapes.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from embedded_model.architecture import GRID, IMAGE_SIDE, PATCH, PIXEL_MEAN, PIXEL_STD
from embedded_model.scenes import (
    COLORS,
    MAX_OBJECTS,
    POSITIONS,
    SHAPES,
    SIZES,
    Scene,
    draw,
    patch_owners,
    random_scene,
)  # fmt: skip

_COLORS = tuple(COLORS)
# Labels of one patch; index 0 is background.
PATCH_LABELS = {"color": _COLORS, "shape": SHAPES, "size": SIZES, "position": POSITIONS}


def pixels(scenes: list[Scene], rng: random.Random) -> torch.Tensor:
    """float32 [image, 3, IMAGE_SIDE, IMAGE_SIDE], normalised as the processor does."""
    pictures = np.stack([np.asarray(draw(scene, rng, IMAGE_SIDE)) for scene in scenes])
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return (values - PIXEL_MEAN) / PIXEL_STD


class SceneHeads(nn.Module):
    """Read-outs of the tower, needed for its training only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.patch = nn.ModuleDict(
            {name: nn.Linear(width, len(labels) + 1) for name, labels in PATCH_LABELS.items()}
        )
        self.count = nn.Linear(width, MAX_OBJECTS + 1)
        self.present = nn.Linear(width, len(_COLORS) + len(SHAPES))


def patch_labels(scenes: list[Scene]) -> dict[str, torch.Tensor]:
    """int64 [image, patch] for each attribute; 0 where the patch is background."""
    labels = {name: np.zeros((len(scenes), GRID * GRID), np.int64) for name in PATCH_LABELS}
    for row, scene in enumerate(scenes):
        owners = patch_owners(scene, IMAGE_SIDE, PATCH)
        for name, values in PATCH_LABELS.items():
            kinds = [values.index(getattr(thing, name)) + 1 for thing in scene.things]
            # Index -1 (background) takes the 0 at the end.
            labels[name][row] = np.array([*kinds, 0])[owners]
    return {name: torch.from_numpy(value) for name, value in labels.items()}


def scene_labels(scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Number of things, int64 [image], and presence, float32 [image, colour + shape]."""
    counts = torch.tensor([len(scene.things) for scene in scenes])
    present = torch.zeros(len(scenes), len(_COLORS) + len(SHAPES))
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            present[row, _COLORS.index(thing.color)] = 1
            present[row, len(_COLORS) + SHAPES.index(thing.shape)] = 1
    return counts, present


class VisionStage:
    """One step: draw scenes, read the tower's last layer, compare with the truth."""

    def __init__(self, tower: nn.Module, heads: SceneHeads, *, batch: int, seed: int) -> None:
        self.tower, self.heads, self.batch = tower, heads, batch
        self.rng = random.Random(seed)

    def step(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [random_scene(self.rng) for _ in range(self.batch)]
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.tower(pixels(scenes, self.rng), output_hidden_states=True)
            states = self.heads.norm(hidden.hidden_states[-1].float())
            patches, scene_state = states[:, 1:], states[:, 0]
            truth = patch_labels(scenes)
            on_shape = truth["shape"] > 0
            loss = torch.zeros(())
            numbers = {}
            for name, label in truth.items():
                logits = self.heads.patch[name](patches).float()
                each = F.cross_entropy(logits.transpose(1, 2), label, reduction="none")
                # A picture is mostly background: count shapes and background half and half.
                loss = loss + each[on_shape].mean() + 0.5 * each[~on_shape].mean()
                right = logits.argmax(-1) == label
                numbers[name] = float(right[on_shape].float().mean())
            counts, present = scene_labels(scenes)
            count_logits = self.heads.count(scene_state).float()
            loss = loss + F.cross_entropy(count_logits, counts)
            loss = loss + 2 * F.binary_cross_entropy_with_logits(
                self.heads.present(scene_state).float(), present
            )
            numbers["count"] = float((count_logits.argmax(-1) == counts).float().mean())
        return loss, numbers
