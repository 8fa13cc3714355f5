"""Record what a strategy needs of the layers while they run, and show it to the strategy.

Hidden states, keys and values are kept where they are; the rows that a strategy reads are copied
when it reads them. Attention is computed while its layer runs (`vtw_core.engine.text_attention`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtw_core.engine.present_rows import Present
from vtw_core.engine.text_attention import VisualAttentionCapture, visual_attention
from vtw_core.errors import ModelError
from vtw_core.families.layout import IntArray, TokenLayout
from vtw_core.hooks.attention_calls import AttentionCall
from vtw_core.hooks.scoped import ContextHooks
from vtw_core.hooks.tensor_parallel import Heads
from vtw_core.results.trace import VisualAttention
from vtw_core.strategies.view import ATTENTION_NEEDS, FloatArray, LayerView, Need, not_requested


@dataclass(frozen=True, eq=False)
class HiddenRows:
    """One prompt's hidden states in a batch; what `LayerView.states` is.

    Attributes:
        hidden: [batch, rows, d].
        row: of the batch.
        positions: [n] positions in the prompt of the first rows.
    """

    hidden: Tensor
    row: int
    positions: IntArray

    def __call__(self, tokens: IntArray) -> FloatArray:
        """[n, d] float32 of the tokens at these positions."""
        return _rows(self.hidden[self.row], self.positions, tokens)


def _rows(tensor: Tensor, positions: IntArray, tokens: IntArray) -> FloatArray:
    """[..., n, d] float32 of a tensor [..., rows, d] whose rows are at `positions`."""
    places = torch.as_tensor(np.searchsorted(positions, tokens), device=tensor.device)
    rows: FloatArray = tensor.index_select(-2, places).detach().float().cpu().numpy()
    return rows


@dataclass(eq=False)
class Record:
    """What was recorded of one prompt while a layer ran; see `vtw_core.strategies.view.Recorded`.

    Attributes:
        layer: 0-based.
        needs: what the strategy needs of it.
        states: as they enter the layer.
        cache: the KV cache of all layers; None without one.
        captured: the attention, once the layer has run.
    """

    layer: int
    needs: frozenset[Need]
    states: HiddenRows | None
    cache: Any
    captured: VisualAttention | None = None

    @property
    def attention(self) -> VisualAttention:
        if self.captured is None:
            raise not_requested("the attention", self.layer)
        return self.captured

    def entering(self, tokens: IntArray) -> FloatArray:
        return self._requested(Need.STATES, "the states")(tokens)

    def keys(self, tokens: IntArray) -> FloatArray:
        return self._cached(self._requested(Need.KEYS, "the keys"), "keys", tokens)

    def values(self, tokens: IntArray) -> FloatArray:
        return self._cached(self._requested(Need.VALUES, "the values"), "values", tokens)

    def _requested(self, need: Need, what: str) -> HiddenRows:
        if need not in self.needs or self.states is None:
            raise not_requested(what, self.layer)
        return self.states

    def _cached(self, rows: HiddenRows, name: str, tokens: IntArray) -> FloatArray:
        caches = getattr(self.cache, "layers", None) or ()
        held = getattr(caches[self.layer], name, None) if self.layer < len(caches) else None
        if not isinstance(held, Tensor) or held.shape[-2] != rows.hidden.shape[-2]:
            raise ModelError(
                "This strategy decides from keys or values, which the KV cache of layer {layer} "
                "does not hold; run the prompt with use_cache on and the dynamic cache.",
                layer=self.layer,
            )
        return _rows(held[rows.row], rows.positions, tokens)


class LayerRecorder:
    """Of the running prefill: what was recorded so far.

    Attributes:
        needs: layer -> what the strategy needs of it.
        captured_layers: the layers whose attention it needs.
    """

    def __init__(
        self,
        needs: Mapping[int, frozenset[Need]],
        layouts: Sequence[TokenLayout],
        heads: Heads,
        layers: int,
    ) -> None:
        self.needs = needs
        self.captured_layers = tuple(one for one, needs in needs.items() if needs & ATTENTION_NEEDS)
        self._layouts, self._heads, self._layers = layouts, heads, layers
        self._capture: VisualAttentionCapture | None = None
        self._records: dict[int, list[Record]] = {}

    @property
    def needs_attention(self) -> bool:
        """Whether the strategy needs the attention of any layer."""
        return any(needs & {*ATTENTION_NEEDS, Need.AHEAD} for needs in self.needs.values())

    def attach(self, hooks: ContextHooks, layers: Any) -> None:
        """Put the hooks that capture attention on the model."""
        if self.captured_layers:
            captured = {index: layers[index] for index in self.captured_layers}
            self._capture = VisualAttentionCapture(hooks, captured, self._layouts, self._heads)

    def close(self) -> None:
        """End a capture that an interrupted layer left open."""
        if self._capture is not None:
            self._capture.close()

    def start(self) -> None:
        """Another prefill starts."""
        self._records = {}

    def before(
        self, index: int, hidden: Tensor, present: Present, kept: Sequence[IntArray], cache: Any
    ) -> None:
        """A layer is about to run on `hidden`, the prompts' own rows as in `present`.

        kept: [prompts] positions that it sees.
        """
        needs = self.needs.get(index)
        if needs is None:
            return
        copies = len(hidden) // len(self._layouts)
        self._records[index] = [
            Record(index, needs, HiddenRows(hidden, prompt * copies, positions), cache)
            for prompt, positions in enumerate(present.positions)
        ]
        if index in self.captured_layers:
            assert self._capture is not None
            self._capture.open(index, hidden.shape[1], present, self._visual(kept), needs)

    def _visual(self, tokens: Sequence[IntArray]) -> list[IntArray]:
        pairs = zip(tokens, self._layouts, strict=True)
        return [one[np.isin(one, layout.visual)] for one, layout in pairs]

    def views(
        self,
        index: int,
        hidden: Tensor,
        present: Present,
        tokens: Sequence[IntArray],
        attend: Callable[[bool], AttentionCall],
    ) -> list[LayerView]:
        """[prompts] before a layer that is about to run.

        Args:
            hidden: [batch, rows, d] as the layer before left it.
            present: its rows.
            tokens: [prompts][p] positions that the layer before saw.
            attend: whether with rotary positions -> the attention that the layer would have now.
        """
        if index - 1 in self.captured_layers:
            assert self._capture is not None
            records, attention = self._records[index - 1], self._capture.result()
            for record, captured in zip(records, attention, strict=True):
                record.captured = captured
        copies = len(hidden) // len(self._layouts)
        visual = self._visual(tokens)

        def ahead(prompt: int, needs: frozenset[Need], rotary: bool) -> VisualAttention:
            # As in `AttentionCapture`: sums over many weights need float32.
            prompts, call = (self._layouts, present, visual), attend(rotary)
            with torch.no_grad(), torch.autocast(hidden.device.type, enabled=False):
                return visual_attention(index, call, *prompts, needs, self._heads)[prompt]

        looks_ahead = Need.AHEAD in self.needs.get(index, ())
        return [
            LayerView(
                layer=index,
                layers=self._layers,
                layout=layout,
                tokens=tokens[prompt],
                states=HiddenRows(hidden, prompt * copies, present.positions[prompt]),
                recorded={layer: records[prompt] for layer, records in self._records.items()},
                look_ahead=partial(ahead, prompt) if looks_ahead else None,
            )
            for prompt, layout in enumerate(self._layouts)
        ]

    def end(self) -> None:
        """The last layer was decided: release what the model would free."""
        for records in self._records.values():
            for one in records:
                one.states = one.cache = None

    def attention(self, prompt: int) -> dict[int, VisualAttention]:
        """Layer -> what a strategy was shown of the attention in it, mean over heads."""
        captured = {layer: records[prompt].captured for layer, records in self._records.items()}
        return {
            layer: replace(one, heads=None) for layer, one in captured.items() if one is not None
        }
