"""Encode images as usual, and record what a strategy needs of the vision encoder's layers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtw_core.errors import ModelError
from vtw_core.families.adapters import Adapter
from vtw_core.families.layout import TokenLayout, TowerLayer
from vtw_core.hooks.attention_calls import AttentionCall, AttentionCapture, capture_eager
from vtw_core.hooks.scoped import context_hooks
from vtw_core.strategies.base import Strategy

# Rows whose weights are computed at a time.
_ROWS = 64


def requested_tower_layers(adapter: Adapter, model: Any, strategy: Strategy) -> tuple[int, ...]:
    """The layers of this model's vision encoder that a strategy needs.

    Raises:
        ModelError: it asks for some and this model's tokens are not its patches.
    """
    layers = adapter.encoder_layers(model)
    needed = strategy.tower_layers(1 if layers is None else len(layers))
    if needed and layers is None:
        raise ModelError(
            "This strategy decides from the vision encoder, whose layers are recorded of LLaVA's "
            "encoders alone, where every patch is one token of one grid; this is a {kind} model.",
            kind=model.config.model_type,
        )
    return needed


def encode_recorded(
    adapter: Adapter,
    model: Any,
    inputs: Mapping[str, Any],
    layout: TokenLayout,
    needed: Sequence[int],
) -> tuple[Any, TokenLayout]:
    """What `mm_encoder_outputs={"image": ...}` takes, and the layout with `tower`.

    Raises:
        ModelError: the encoder's attention cannot be captured, or its tokens are not the patches.
    """
    layers = adapter.encoder_layers(model)
    recording = _Recording(layers, needed)
    with torch.inference_mode(), recording.block(model):
        vision = adapter.encode_image(model, inputs)
    return vision, replace(layout, tower=recording.by_token(layout))


class _Recording:
    """All images of one prompt on their way through the encoder."""

    def __init__(self, layers: Any, needed: Sequence[int]) -> None:
        self._layers, self._needed = layers, tuple(needed)
        self._received: dict[int, Tensor] = {}  # [images, tokens]
        self._from_first: dict[int, Tensor] = {}  # [images, tokens] by the first token
        self._features: dict[int, Tensor] = {}  # [images, tokens, d]
        self._capture = AttentionCapture(self._on_call)

    @contextmanager
    def block(self, model: Any) -> Iterator[None]:
        """Where the encoder runs."""
        needed = {index: self._layers[index] for index in self._needed}
        with context_hooks(self) as hooks, self._capture:
            hooks.uncompiled(model, self._layers)
            for index, layer in needed.items():
                hooks.before(layer, partial(self._start, index))
                hooks.after(layer, partial(self._after, index))
            capture_eager(hooks, needed, self._capture)
            yield

    def _start(self, index: int, args: Any, kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        self._capture.start(index, rows=hidden.shape[1])

    def _after(self, index: int, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        self._capture.pause()
        self._features[index] = output[0] if isinstance(output, tuple) else output

    def _on_call(self, layer: int, call: AttentionCall) -> None:
        received: Any = 0
        for start in range(0, call.queries, _ROWS):
            weights = call.weights(start, min(start + _ROWS, call.queries))
            mean = weights.mean(dim=1)  # [images, rows, tokens]
            received = received + mean.sum(dim=1)
            if start == 0:
                self._from_first[layer] = mean[:, 0].clone()
        self._received[layer] = received / call.queries

    def by_token(self, layout: TokenLayout) -> dict[int, TowerLayer]:
        """Layer -> what was recorded of it, by visual token."""
        return {index: self._of_layer(index, layout) for index in self._needed}

    def _of_layer(self, index: int, layout: TokenLayout) -> TowerLayer:
        if index not in self._received:
            raise ModelError(
                "The vision encoder's attention, which this strategy decides from, could not be "
                "captured; load the model with sdpa or eager attention."
            )
        features = self._features[index].float()
        classes = features.shape[1] - int(np.prod(layout.grids[0]))
        if classes not in (0, 1) or len(features) != len(layout.grids):
            raise ModelError(
                "The vision encoder's tokens are not the patches of the picture, so this strategy "
                "cannot tell them apart; use another strategy."
            )
        grid, row, col = layout.patches.T
        # A visual token that stands for no patch is the class token, in front.
        place = np.where(row < 0, 0, row * np.array(layout.grids)[grid, 1] + col + classes)
        grid_here, here = torch.tensor(grid), torch.tensor(place)

        def of_tokens(values: Tensor) -> Any:
            return values.cpu()[grid_here, here].float().numpy()

        return TowerLayer(
            received=of_tokens(self._received[index]),
            from_class=of_tokens(self._from_first[index]) if classes else None,
            features=of_tokens(features),
        )
