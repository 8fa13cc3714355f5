"""Stage 2, the projector: visual tokens learn to speak in the decoder's own words.

A patch on a thing comes out as the sum of the embeddings of the words that describe the thing
(" large", " red", " circle", " top left"), a patch of background as that of " background", as in
`embedded_model.projector`. The decoder plays no part yet.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionModel

from embedded_model.smollm2.conversation import Packer
from embedded_model.smollm2.render import Painter
from embedded_model.smollm2.things import COLOR_NAMES, NAMES, POSITIONS
from embedded_model.smollm2.tower import TowerBatch, tower_states

_WORDS = (NAMES, COLOR_NAMES, ("small", "large"), POSITIONS)
"""In the order of the labels of `TowerBatch`."""


class WordStage:
    def __init__(
        self,
        painter: Painter,
        tower: CLIPVisionModel,
        projector: nn.Module,
        embedding: torch.Tensor,
        packer: Packer,
    ) -> None:
        self.painter, self.tower, self.projector = painter, tower, projector

        def meaning(words: str) -> torch.Tensor:
            return embedding[packer.encode(f" {words}")].detach().float().sum(0)

        nothing = torch.zeros_like(embedding[0])
        self.tables = [torch.stack([nothing, *map(meaning, words)]) for words in _WORDS]
        self.background = meaning("background")
        self.scale = torch.cat([table[1:] for table in self.tables]).var()

    def loss(self, batch: TowerBatch) -> torch.Tensor:
        """Squared error over the variance of the words' embeddings."""
        pictures, owner = self.painter.paint(batch.placed, batch.backgrounds, disturbed=True)
        things = torch.from_numpy(batch.labels).to(pictures.device)
        target = torch.stack(
            [
                table[F.pad(things[:, row], (1, 0)).gather(1, owner)]
                for row, table in enumerate(self.tables)
            ]
        ).sum(0)
        on_thing = owner > 0
        target = torch.where(on_thing[..., None], target, self.background)
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=pictures.is_cuda):
            with torch.no_grad():
                states = tower_states(self.tower, pictures)
            projected = self.projector(states[:, 1:])
        error = (projected.float() - target).square().mean(-1) / self.scale
        return error[on_thing].mean() + 0.5 * error[~on_thing].mean()
