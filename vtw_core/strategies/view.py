"""What the engine shows a strategy before each layer, and what the strategy answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtw_core.errors import InputError
from vtw_core.families.layout import IntArray, TokenLayout, TowerLayer
from vtw_core.results.fates import GONE, LEFT, REASONS, STAYED, LayerFates
from vtw_core.results.trace import VisualAttention

FloatArray = NDArray[np.float32]


class Need(Enum):
    """What a strategy may ask to be recorded while a layer runs."""

    ATTENTION = "what the text rows give the visual tokens, mean over heads"
    LAST_ROW = "the same of the prompt's last row alone"
    HEADS = "attention, of each head"
    AHEAD = "what the layer will give the visual tokens, computed before it runs"
    STATES = "hidden states as they enter the layer"
    KEYS = "keys in the KV cache, rotary positions applied"
    VALUES = "values in the KV cache"


ATTENTION_NEEDS = frozenset({Need.ATTENTION, Need.LAST_ROW, Need.HEADS})


class Recorded(Protocol):
    """What was recorded of one prompt while one layer ran; computed on request.

    `tokens` are always positions [n] in the prompt that the layer saw, text or visual.
    """

    @property
    def attention(self) -> VisualAttention:
        """Of text rows to visual tokens (Need.ATTENTION, LAST_ROW or HEADS), which with HEADS has
        that of each head too."""
        ...

    def entering(self, tokens: IntArray) -> FloatArray:
        """[n, d] hidden states as they enter the layer (Need.STATES)."""
        ...

    def keys(self, tokens: IntArray) -> FloatArray:
        """[key-value heads, n, d] (Need.KEYS)."""
        ...

    def values(self, tokens: IntArray) -> FloatArray:
        """[key-value heads, n, d] (Need.VALUES)."""
        ...


class States(Protocol):
    """Hidden states of one prompt."""

    def __call__(self, tokens: IntArray) -> FloatArray:
        """[n, d] of the tokens at positions [n]."""
        ...


class Ahead(Protocol):
    """The attention of the layer that is about to run, computed on the rows present now."""

    def __call__(self, needs: frozenset[Need], rotary: bool) -> VisualAttention: ...


@dataclass(frozen=True, eq=False)
class LayerView:
    """One prompt as it is just before a decoder layer runs.

    Attributes:
        layer: 0-based, about to run.
        layers: L, of the decoder.
        layout: the prompt's.
        tokens: [p] positions, text and visual, that the layer before saw, ascending.
        states: positions [n] -> hidden states [n, d] as they enter the layer, float32; before
            layer 0 these are the input embeddings.
        recorded: layer -> what was recorded of it, of the layers that the strategy asks for and
            that have run.
        look_ahead: what `ahead` calls.
    """

    layer: int
    layers: int
    layout: TokenLayout
    tokens: IntArray
    states: States
    recorded: Mapping[int, Recorded]
    look_ahead: Ahead | None = None

    @property
    def alive(self) -> IntArray:
        """[a] positions of the visual tokens that the layer before saw, ascending."""
        alive: IntArray = self.tokens[np.isin(self.tokens, self.layout.visual)]
        return alive

    @property
    def text(self) -> IntArray:
        """[t] positions of the text tokens that the layer before saw, ascending."""
        return np.setdiff1d(self.tokens, self.layout.visual)

    @property
    def before(self) -> Recorded:
        """What was recorded of the layer that has just run."""
        return self.at(self.layer - 1)

    def tower(self, layer: int) -> TowerLayer:
        """What was recorded of a layer of the vision encoder, of all visual tokens of the prompt in
        their order (needs its `Strategy.tower_layers`).

        Raises:
            InputError: nothing was requested of it.
        """
        if self.layout.tower is None or layer not in self.layout.tower:
            raise InputError(
                "The strategy reads layer {layer} of the vision encoder and did not ask for it; "
                "name it in tower_layers().",
                layer=layer,
            )
        return self.layout.tower[layer]

    def at(self, layer: int) -> Recorded:
        """What was recorded of a layer that has run.

        Raises:
            InputError: nothing was requested of it.
        """
        if layer not in self.recorded:
            raise not_requested("anything", layer)
        return self.recorded[layer]

    @property
    def attention(self) -> VisualAttention:
        """What the layer that has just run gave the visual tokens that are still there."""
        return self._of_those_here(self.before.attention)

    def ahead(
        self, *needs: Literal[Need.ATTENTION, Need.LAST_ROW, Need.HEADS], rotary: bool = True
    ) -> VisualAttention:
        """What the layer that is about to run would give the visual tokens that are there, with its
        own projections on its own input (needs its Need.AHEAD).

        Args:
            needs: the rows, and whether of each head; the last row by default.
            rotary: whether queries and keys get their rotary positions.
        """
        if self.look_ahead is None:
            raise not_requested("the attention ahead", self.layer)
        return self._of_those_here(self.look_ahead(frozenset(needs), rotary))

    def _of_those_here(self, attention: VisualAttention) -> VisualAttention:
        here = np.isin(attention.columns, self.alive)
        if here.all():
            return attention
        heads = None if attention.heads is None else attention.heads[..., here]
        return VisualAttention(
            attention.layer,
            attention.rows,
            attention.columns[here],
            attention.weights[:, here],
            heads,
        )

    def change(self, tokens: IntArray) -> FloatArray:
        """[n] how far the layer that has just run moved the tokens: the L2 norm of what it added
        (needs its Need.STATES)."""
        moved = self.states(tokens) - self.before.entering(tokens)
        norms: FloatArray = np.linalg.norm(moved, axis=-1)
        return norms


def not_requested(what: str, layer: int) -> InputError:
    """The error where a strategy reads what it did not ask for."""
    return InputError(
        "The strategy reads {thing} of layer {layer} and did not ask for it; name it in needs().",
        thing=what,
        layer=layer,
    )


@dataclass(frozen=True, eq=False)
class Decision:
    """Which tokens go on, and why.

    Attributes:
        kept: [b] positions, a subset of `LayerView.alive` (of `LayerView.tokens` from a strategy
            that drops text).
        scores: name -> [a] what each visual token was judged by.
        thresholds: name -> what its score was compared with.
        judged: [a] positions that the scores are of; None: `LayerView.alive`.
        fate: [a] index into `reasons`; None: LEFT or STAYED, as `kept` says.
        reasons: what the numbers stand for.
    """

    kept: IntArray
    scores: Mapping[str, ArrayLike] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    judged: IntArray | None = None
    fate: ArrayLike | None = None
    reasons: tuple[str, ...] = REASONS

    def fates(self, after: int, alive: IntArray, layout: TokenLayout) -> LayerFates | None:
        """What became of each visual token of the prompt; None where nothing was judged.

        Args:
            after: the layer after which it was decided.
            alive: [a] positions of the visual tokens that were there.
        """
        if not self.scores:
            return None
        alive = alive if self.judged is None else self.judged
        here = np.searchsorted(layout.visual, alive)
        fate = np.full(len(layout.visual), GONE)
        stays = np.where(np.isin(alive, self.kept), STAYED, LEFT)
        fate[here] = stays if self.fate is None else self.fate
        scores = np.full((len(self.scores), len(layout.visual)), np.nan)
        for row, values in zip(scores, self.scores.values(), strict=True):
            row[here] = values
        return LayerFates(
            layer=after,
            fate=fate.astype(np.int8),
            reasons=self.reasons,
            names=tuple(self.scores),
            scores=scores,
            thresholds=np.array([self.thresholds.get(name, np.nan) for name in self.scores]),
        )
