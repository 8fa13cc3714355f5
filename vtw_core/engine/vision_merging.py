"""Encode an image into fewer tokens: patches that look alike are merged inside the encoder.

A strategy decides which patches (`vtw_core.strategies.base.ImageMerger`); here the vision tower's
forward pass is changed, while it runs, and the prompt and its layout are cut to what is left.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtw_core.errors import ModelError
from vtw_core.families.adapters import adapter_for
from vtw_core.families.layout import IntArray, TokenLayout
from vtw_core.hooks.attention_calls import AttentionCall, AttentionCapture, capture_eager
from vtw_core.hooks.scoped import context_hooks
from vtw_core.strategies.base import ImageMerger


@dataclass(frozen=True, eq=False)
class Merged:
    """A prompt whose images were encoded into fewer tokens.

    Attributes:
        vision: what `mm_encoder_outputs={"image": ...}` takes.
        layout: of the shorter prompt; a merged token is where its first patch was.
        stayed: [total] positions in the whole prompt of what is left of it.
    """

    vision: Any
    layout: TokenLayout
    stayed: IntArray


@torch.inference_mode()
def encode_merged(
    model: Any, inputs: Mapping[str, Any], layout: TokenLayout, merger: ImageMerger
) -> Merged:
    """Encode the images of one prompt, one after the other.

    Args:
        model: a transformers model of a family whose patches can be merged (LLaVA).
        inputs: what its processor returned.
        layout: their layout.
        merger: decides which patches become one token, and which tokens are the key set.

    Raises:
        ModelError: this model's patches cannot be merged; the reason is named.
    """
    layers = _encoder_layers(model)
    vision, features = None, list[Tensor]()
    stay, keys, absorbed = [], [], []
    tokens = 0  # of the images so far
    for image, grid in enumerate(layout.grids):
        encoding = _Encoding(model, layers, grid, merger)
        pixels = inputs["pixel_values"][image : image + 1]
        with encoding.block():
            vision = model.get_image_features(pixel_values=pixels, return_dict=True)
        features.append(vision.pooler_output[0])

        mine = layout.patches[:, 0] == image
        patches = np.flatnonzero(mine & (layout.patches[:, 1] >= 0))
        extra = np.flatnonzero(mine & (layout.patches[:, 1] < 0))  # a class token, kept in front
        first = np.unique(encoding.token_of, return_index=True)[1]
        after = np.setdiff1d(np.arange(len(patches)), first)
        owner = tokens + len(extra) + encoding.token_of[after]
        stay += [extra, patches[first]]
        keys.append(tokens + len(extra) + merger.key_tokens(encoding.attention))
        absorbed.append(np.column_stack([owner, layout.patches[patches[after]]]))
        tokens += len(extra) + len(first)
        if len(features[-1]) != len(extra) + len(first):
            raise ModelError(
                "The model made {count} features of {tokens} merged patches; leave the vision "
                "stage out (vision=None, or --stages bc).",
                count=len(features[-1]),
                tokens=len(first),
            )
    assert vision is not None
    vision.pooler_output = features
    text = np.setdiff1d(np.arange(layout.total), layout.visual)
    stayed = np.union1d(text, layout.visual[np.concatenate(stay)])
    visual = np.flatnonzero(np.isin(stayed, layout.visual))
    return Merged(
        vision=vision,
        layout=TokenLayout(
            total=len(stayed),
            segments=tuple(layout.segments[position] for position in stayed),
            visual=visual,
            grids=layout.grids,
            patches=layout.patches[np.concatenate(stay)],
            absorbed=np.concatenate(absorbed),
            key=visual[np.concatenate(keys)],
            images=layout.images,
            ids=None if layout.ids is None else layout.ids[stayed],
        ),
        stayed=stayed,
    )


def _encoder_layers(model: Any) -> Any:
    """The vision encoder's layers, of a model whose patches can be merged after the first."""
    adapter = adapter_for(model.config)
    layers = adapter.encoder_layers(model)
    kind = model.config.model_type
    if layers is None:
        raise ModelError(
            "Patches can be merged inside LLaVA's vision encoders, where every patch is one "
            "token of one grid; this is a {kind} model (a picture becomes: {problem}). Leave the "
            "vision stage out (vision=None, or --stages bc).",
            kind=kind,
            problem=adapter.picture,
        )
    chosen = model.config.vision_feature_layer
    states = [n % (len(layers) + 1) for n in ([chosen] if isinstance(chosen, int) else chosen)]
    if min(states) < 2:
        raise ModelError(
            "This {kind} model takes its image features from in front of the vision encoder's "
            "second layer, where nothing is merged yet; leave the vision stage out (vision=None, "
            "or --stages bc).",
            kind=kind,
        )
    return layers


def merges_patches(model: Any) -> bool:
    """Whether a vision stage can run in a model."""
    try:
        _encoder_layers(model)
    except ModelError:
        return False
    return True


class _Encoding:
    """One image on its way through the encoder.

    Attributes:
        token_of: [patches] each patch's token.
        attention: [tokens] head mean of what the class token gives each in the last layer; of an
            encoder without one, the mean of what all tokens give it.
    """

    def __init__(self, model: Any, layers: Any, grid: tuple[int, int], merger: ImageMerger) -> None:
        self.token_of = np.zeros(0, dtype=np.int64)
        self.attention = np.zeros(0, dtype=np.float32)
        self._model, self._layers = model, layers
        self._grid, self._merger = grid, merger
        self._class_tokens = 0
        self._capture = AttentionCapture(self._on_call)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Where the encoder runs."""
        last = len(self._layers) - 1
        with context_hooks(self) as hooks, self._capture:
            hooks.uncompiled(self._model, self._layers)
            hooks.before(self._layers[1], self._merge)
            hooks.before(self._layers[last], self._start)
            hooks.after(self._layers[last], lambda *_: self._capture.pause())
            capture_eager(hooks, {last: self._layers[last]}, self._capture)
            yield
        if not len(self.attention):
            raise ModelError(
                "The vision encoder's attention, which decides the key set, could not be captured; "
                "load the model with sdpa or eager attention."
            )

    def _merge(self, args: Any, kwargs: dict[str, Any]) -> Any:
        hidden: Tensor = args[0] if args else kwargs["hidden_states"]  # [1, class + patches, d]
        count = self._grid[0] * self._grid[1]
        self._class_tokens = hidden.shape[1] - count
        if self._class_tokens not in (0, 1):
            raise ModelError(
                "The vision encoder has {tokens} tokens for {patches} patches, so its patches "
                "cannot be told apart; leave the vision stage out (vision=None).",
                tokens=hidden.shape[1],
                patches=count,
            )
        leading, patches = hidden[0].split([self._class_tokens, count])
        patches = patches.float()
        self.token_of = self._merger.tokens_of(patches.cpu().numpy(), self._grid)
        token = torch.as_tensor(self.token_of, device=hidden.device)
        sizes = torch.bincount(token)
        # Every patch has size 1, so the mean weighted by size is the mean.
        sums = patches.new_zeros(len(sizes), patches.shape[1]).index_add_(0, token, patches)
        merged = (sums / sizes[:, None]).to(hidden.dtype)
        shorter = torch.cat([leading, merged])[None]
        if args:
            return (shorter, *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": shorter}

    def _start(self, args: Any, kwargs: dict[str, Any]) -> None:
        self._capture.start(len(self._layers) - 1, rows=len(self.token_of) + 1)

    def _on_call(self, layer: int, call: AttentionCall) -> None:
        rows = self._class_tokens or call.queries
        weights = call.weights(0, rows)[0].mean(dim=(0, 1))  # of heads and rows
        self.attention = weights[self._class_tokens :].cpu().numpy()
