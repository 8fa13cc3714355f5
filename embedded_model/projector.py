"""Stage 3, the projector: visual tokens learn to speak in the decoder's own words.

Real models align the projector on captions first, with the language model frozen. In miniature: a
patch on a thing shall come out as the sum of the embeddings of the words that describe the thing
("large", "red", "circle", "top", "left"), a patch of background as those of "background". The
decoder then needs one mechanism to find a thing by any of its words, in place of one for each.
Without this stage the decoder reads what stands at a place, but does not find a thing by its looks.
"""

from __future__ import annotations

import random

import torch
from torch import nn
from transformers import PreTrainedTokenizerFast

from embedded_model.scenes import random_scene
from embedded_model.vision import PATCH_LABELS, patch_labels, pixels


class ProjectorStage:
    """One step: project the patches of new scenes, compare with the sums of word embeddings."""

    def __init__(
        self,
        tower: nn.Module,
        projector: nn.Module,
        embedding: nn.Embedding,
        tokenizer: PreTrainedTokenizerFast,
        *,
        batch: int,
        seed: int,
    ) -> None:
        self.tower, self.projector, self.batch = tower, projector, batch
        self.rng = random.Random(seed)

        def meaning(words: str) -> torch.Tensor:
            ids = tokenizer(f" {words}", add_special_tokens=False).input_ids
            return embedding.weight[ids].detach().float().sum(0)

        nothing = torch.zeros_like(meaning("red"))
        # Row 0 of every table is background, as in the labels.
        self.tables = {
            name: torch.stack([nothing, *map(meaning, values)])
            for name, values in PATCH_LABELS.items()
        }
        self.background = meaning("background")
        self.scale = torch.cat([table[1:] for table in self.tables.values()]).var()

    def step(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [random_scene(self.rng) for _ in range(self.batch)]
        labels = patch_labels(scenes)
        target = torch.stack([table[labels[name]] for name, table in self.tables.items()]).sum(0)
        on_shape = labels["shape"] > 0
        target = torch.where(on_shape[..., None], target, self.background)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                states = self.tower(
                    pixels(scenes, self.rng), output_hidden_states=True
                ).hidden_states[-1]
            projected = self.projector(states[:, 1:]).float()
        error = (projected - target).square().mean(-1) / self.scale
        loss = error[on_shape].mean() + 0.5 * error[~on_shape].mean()
        return loss, {"on_shape": float(error[on_shape].detach().mean())}
