"""Pictures of scenes, composed on the device: a whole batch in a few operations."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from embedded_model.smollm2.bank import Bank
from embedded_model.smollm2.scenes import IMAGE_SIDE, MOST_THINGS

PATCH = 14
GRID = IMAGE_SIDE // PATCH
VISUAL_TOKENS = GRID * GRID
PIXEL_MEAN = PIXEL_STD = 0.5
_COVERED = 0.15  # a patch belongs to the thing that covers at least this much of it


class Painter:
    """Draws scenes of one bank on one device."""

    def __init__(self, bank: Bank, device: str) -> None:
        sprites = torch.from_numpy(np.ascontiguousarray(bank.sprites)).to(device)
        self._sprites = sprites.permute(0, 3, 1, 2)
        self.device = device
        centers = torch.arange(IMAGE_SIDE, device=device) + 0.5
        self._y, self._x = torch.meshgrid(centers, centers, indexing="ij")

    def paint(
        self, placed: NDArray[np.float32], backgrounds: NDArray[np.float32], *, disturbed: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures, float32 [picture, RGB, y, x] from 0 to 1, and to which thing each patch
        belongs, int64 [picture, patch], 0 for none. ``disturbed`` adds what cameras and files
        do."""
        placed_, backgrounds_ = (
            torch.from_numpy(values).to(self.device) for values in (placed, backgrounds)
        )
        pictures = self._backgrounds(backgrounds_)
        covers = [torch.full((len(placed), GRID, GRID), _COVERED, device=self.device)]
        for thing in range(MOST_THINGS):
            pictures, cover = self._with_thing(pictures, placed_[:, thing], disturbed)
            covers.append(F.avg_pool2d(cover, PATCH)[:, 0])
        if disturbed:
            pictures = self._disturb(pictures)
        return pictures.clamp(0, 1), torch.stack(covers, 1).flatten(2).argmax(1)

    def _backgrounds(self, rows: torch.Tensor) -> torch.Tensor:
        one = (rows[:, :3] / 255)[:, :, None, None]
        two = (rows[:, 3:6] / 255)[:, :, None, None]
        kind, form = rows[:, 6, None, None, None], rows[:, 7, None, None]
        x, y = self._x, self._y
        slope = (x / IMAGE_SIDE * form + y / IMAGE_SIDE * (1 - form))[:, None]
        step = 8 + 24 * form
        checks = (((x // step + y // step) % 2) * 0.12)[:, None]
        stripes = (((x * form + y * (1 - form)) // 10 % 2) * 0.1)[:, None]
        dots = ((torch.hypot(x % step - step / 2, y % step - step / 2) < step / 5) * 0.12)[:, None]
        plain = one.expand(-1, -1, IMAGE_SIDE, IMAGE_SIDE)
        pictures = torch.where(kind == 1, one * (1 - slope) + two * slope, plain)
        pictures = torch.where(kind == 2, pictures - checks, pictures)
        pictures = torch.where(kind == 3, pictures + 0.05 * torch.randn_like(pictures), pictures)
        pictures = torch.where(kind == 4, pictures - stripes, pictures)
        return torch.where(kind == 5, pictures - dots, pictures).clamp(0, 1)

    def _with_thing(
        self, pictures: torch.Tensor, rows: torch.Tensor, disturbed: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        sticker, x, y, side, turn, mirror = rows.T
        half = (side / 2).clamp(min=0.5)[:, None, None]
        right, down = self._x - x[:, None, None], self._y - y[:, None, None]
        cos, sin = turn.cos()[:, None, None], turn.sin()[:, None, None]
        across = (right * cos + down * sin) * mirror[:, None, None] / half
        grid = torch.stack([across, (down * cos - right * sin) / half], -1)
        sprites = self._sprites[sticker.long()].float() / 255
        color, cover = sprites[:, :3], sprites[:, 3:]
        if disturbed:  # each thing in its own light
            contrast = 1 + 0.24 * (torch.rand(len(rows), 1, 1, 1, device=self.device) - 0.5)
            tint = 0.08 * (torch.rand(len(rows), 3, 1, 1, device=self.device) - 0.5)
            color = ((color - 0.5) * contrast + 0.5 + tint).clamp(0, 1)
        drawn = F.grid_sample(
            torch.cat([color * cover, cover], 1), grid, mode="bilinear", padding_mode="zeros",
            align_corners=False,
        )  # fmt: skip
        there = (side > 0)[:, None, None, None]
        cover = drawn[:, 3:] * there
        return pictures * (1 - cover) + drawn[:, :3] * there, cover

    def _disturb(self, pictures: torch.Tensor) -> torch.Tensor:
        def some(share: float) -> torch.Tensor:
            return torch.rand(len(pictures), 1, 1, 1, device=self.device) < share

        blurred = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
        pictures = torch.where(some(0.15), blurred, pictures)
        coarse = F.interpolate(F.avg_pool2d(pictures, 2), scale_factor=2.0, mode="nearest")
        pictures = torch.where(some(0.07), coarse, pictures)
        grey = pictures.mean(1, keepdim=True)
        vivid = 1 + 0.5 * (torch.rand(len(pictures), 1, 1, 1, device=self.device) - 0.5)
        pictures = torch.where(some(0.3), grey + (pictures - grey) * vivid, pictures)
        light = 1 + 0.16 * (torch.rand(len(pictures), 1, 1, 1, device=self.device) - 0.5)
        noise = 0.03 * torch.rand(len(pictures), 1, 1, 1, device=self.device)
        return pictures * light + noise * torch.randn_like(pictures)


def normalized(pictures: torch.Tensor) -> torch.Tensor:
    """As the processor hands pictures to the tower."""
    return (pictures - PIXEL_MEAN) / PIXEL_STD
