"""Stage 4, the dialogue: first the projector alone, then projector and decoder together.

The tower stays frozen. Some batches are text only, so that the language, and with it the
attention sinks, is kept.
"""

from __future__ import annotations

import random

import torch
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from embedded_model.architecture import VISUAL_TOKENS
from embedded_model.language import LanguageStage, Mixture, answer_loss
from embedded_model.packing import Packer
from embedded_model.questions import WEIGHTS, ask_any
from embedded_model.scenes import Scene, random_scene
from embedded_model.vision import pixels

LENGTH = 320
_SCENES = 16
_PROJECTOR_ALONE = 0.01
_TEXT_MIXTURE = Mixture(told=4, english=6, repeated=6)
_EXIT_WEIGHT = 0.5
# Finding a thing by its looks is the step that everything else waits for: it is practised first,
# on scenes of two or three things, with the kinds of question that need little more than it.
_FINDING_FIRST = 0.5
_FINDING = {"mention": 8, "color": 4, "shape": 3, "position": 4, "count": 1}


class DialogueStage:
    """A beginner learns to find things first; a model that has learnt goes on with everything.

    With ``exit_from`` the answer is also predicted from the state after a random layer of each
    batch, `exit_from` or later, through the same norm and head (deep supervision, as in LayerSkip,
    arXiv 2404.16710, without its dropout): a reason to have the answer ready early."""

    def __init__(
        self,
        model: LlavaForConditionalGeneration,
        tokenizer: PreTrainedTokenizerFast,
        *,
        seed: int,
        is_beginner: bool = True,
        exit_from: int | None = None,
        text_every: int = 12,
    ) -> None:
        self.model = model
        self.is_beginner = is_beginner
        self.text_every = text_every
        self.exit_from = exit_from
        self.decoder = model.model.language_model
        self.packer = Packer(tokenizer, LENGTH)
        self.language = LanguageStage(
            self.decoder, model.lm_head, tokenizer, seed=seed, mixture=_TEXT_MIXTURE
        )
        self.rng = random.Random(seed)
        self.calls = 0

    def _practises(self, progress: float) -> bool:
        return self.is_beginner and progress < _FINDING_FIRST

    def _scene(self, progress: float) -> Scene:
        """Few things at first; rarely a single one, which needs no finding."""
        fewest = 1 if self.rng.random() < 0.15 else 2
        most = self.rng.choice((2, 2, 3) if self._practises(progress) else (2, 3, 5))
        return random_scene(self.rng, most, fewest)

    def _image_step(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        prefix = self.packer.image_prefix(VISUAL_TOKENS)
        scenes = [self._scene(progress) for _ in range(_SCENES)]
        sequences = []
        for scene in scenes:
            weights = _FINDING if self._practises(progress) else WEIGHTS
            questions = [ask_any(scene, self.rng, weights) for _ in range(16)]
            sequences.append(self.packer.dialogue(prefix, [(q.text, q.answer) for q in questions]))
        batch = self.packer.batch(sequences)
        inner = self.model.model
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                tower = inner.vision_tower(
                    pixels(scenes, self.rng), output_hidden_states=True
                ).hidden_states[-1]
            visual = inner.multi_modal_projector(tower[:, 1:])
            embeds = self.decoder.embed_tokens(batch.ids)
            start = len(self.packer.prefix_head)
            embeds = torch.cat(
                [embeds[:, :start], visual.to(embeds), embeds[:, start + VISUAL_TOKENS :]], dim=1
            )
            passed = self.decoder(
                inputs_embeds=embeds, attention_mask=batch.mask, position_ids=batch.positions,
                use_cache=False, output_hidden_states=self.exit_from is not None,
            )  # fmt: skip
            loss, right = answer_loss(passed.last_hidden_state, self.model.lm_head, batch.labels)
            numbers = {"right": float(right)}
            if self.exit_from is not None:
                depth = self.rng.randint(self.exit_from, len(self.decoder.layers) - 1)
                early = self.decoder.norm(passed.hidden_states[depth])
                exit_loss, exit_right = answer_loss(early, self.model.lm_head, batch.labels)
                loss = loss + _EXIT_WEIGHT * exit_loss
                numbers["exit_right"] = float(exit_right)
        return loss, numbers

    def step(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        alone = self.is_beginner and progress < _PROJECTOR_ALONE
        for parameter in (*self.decoder.parameters(), *self.model.lm_head.parameters()):
            parameter.requires_grad_(not alone)
        self.calls += 1
        if not alone and self.calls % self.text_every == 0:
            return self.language.step(1.0)
        return self._image_step(progress)
