"""Capture one layer's attention from text rows to visual tokens, for a strategy to decide from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vtw_core.engine.present_rows import Present
from vtw_core.errors import ModelError
from vtw_core.families.layout import IntArray, TokenLayout, check_text_at_the_end
from vtw_core.hooks.attention_calls import AttentionCall, AttentionCapture, capture_eager
from vtw_core.hooks.scoped import ContextHooks
from vtw_core.hooks.tensor_parallel import Heads
from vtw_core.results.trace import VisualAttention
from vtw_core.strategies.view import Need

# Weights computed at a time: 8 MB of float32.
_BLOCK = 2 * 2**20


class VisualAttentionCapture:
    """Captures chosen layers, each only while it runs, and only in the thread that runs it.

    The capture ends in a hook that is called after errors too, so that no thread is left with
    it.
    """

    def __init__(
        self,
        hooks: ContextHooks,
        layers: Mapping[int, Any],
        layouts: Sequence[TokenLayout],
        heads: Heads,
    ) -> None:
        self._layouts = layouts
        self._heads = heads
        self._capture = AttentionCapture(self._on_call)
        self._present: Present | None = None
        self._visual: list[IntArray] = []
        self._needs: frozenset[Need] = frozenset()
        self._captured: list[VisualAttention] = []
        capture_eager(hooks, layers, self._capture)
        for layer in layers.values():
            hooks.after(layer, lambda *_: self._capture.close(), after_errors=True)

    def open(
        self,
        layer: int,
        rows: int,
        present: Present,
        visual: Sequence[IntArray],
        needs: frozenset[Need],
    ) -> None:
        """A layer is about to run a prefill of `rows` rows, the prompts' own as in `present`.

        Args:
            visual: [prompts][a] positions of the visual tokens in it.
            needs: the last row alone or all text rows, and whether of each head.
        """  # fmt: skip
        self._captured, self._present, self._visual = [], present, list(visual)
        self._needs = needs
        self._capture.open(layer, rows)

    def close(self) -> None:
        """The layer is done, or failed; safe to call again."""
        self._capture.close()

    def result(self) -> list[VisualAttention]:
        """[prompts] of the layer that ran last."""
        if not self._captured:
            raise ModelError(
                "The layer's attention, which this strategy decides from, could not be captured; "
                "load the model with sdpa or eager attention."
            )
        return self._captured

    def _on_call(self, layer: int, call: AttentionCall) -> None:
        assert self._present is not None
        prompts = (self._layouts, self._present, self._visual)
        self._captured = visual_attention(layer, call, *prompts, self._needs, self._heads)


def visual_attention(
    layer: int,
    call: AttentionCall,
    layouts: Sequence[TokenLayout],
    present: Present,
    visual: Sequence[IntArray],
    needs: frozenset[Need],
    heads: Heads,
) -> list[VisualAttention]:
    """[prompts] what a call of attention over the rows `present` gives the visual tokens.

    Args:
        visual: [prompts][a] positions of the visual tokens among the rows.
        needs: the last row alone or all text rows, and whether of each head.
        heads: of the model, of which this process may have only some.

    Raises:
        ModelError: the call is not over the whole prompt, or single heads are asked for and only
            some are here.
    """
    if call.queries != call.keys or call.keys < present.count:
        raise ModelError(
            "Layer {layer} attends to {keys} keys in a pass of {rows} rows; a strategy that "
            "decides from attention needs the whole prompt in one pass.",
            layer=layer,
            keys=call.keys,
            rows=call.queries,
        )
    if Need.HEADS in needs and heads.group is not None:
        raise ModelError(
            "This strategy decides from single heads, of which each process has only some; "
            "leave --tensor-parallel out."
        )
    rows = [_rows(layout, present, prompt, needs) for prompt, layout in enumerate(layouts)]
    places = [np.searchsorted(p, r) for p, r in zip(present.positions, rows, strict=True)]
    columns = [np.searchsorted(p, c) for p, c in zip(present.positions, visual, strict=True)]
    out = [np.zeros((len(r), len(c)), np.float32) for r, c in zip(rows, visual, strict=True)]
    of_heads = Need.HEADS in needs
    each = [np.zeros((call.heads if of_heads else 0, *one.shape), np.float32) for one in out]
    most = max(1, _BLOCK // (heads.count(call.heads) * call.keys))
    for start, stop in _blocks(np.unique(np.concatenate(places)), most):
        weights = call.weights(start, stop)  # [batch, heads, rows, seen keys]
        of_all = heads.mean(weights)  # [batch, rows, seen keys]
        copies = len(of_all) // len(rows)
        for prompt, (of_rows, of_columns) in enumerate(zip(places, columns, strict=True)):
            here = np.flatnonzero((of_rows >= start) & (of_rows < stop))
            seen = np.flatnonzero(of_columns < of_all.shape[2])
            block = np.asarray(of_all[prompt * copies].cpu())
            out[prompt][np.ix_(here, seen)] = block[np.ix_(of_rows[here] - start, of_columns[seen])]
            if of_heads:
                blocks = np.asarray(weights[prompt * copies].cpu())
                part = blocks[:, (of_rows[here] - start)[:, None], of_columns[seen]]
                each[prompt][:, here[:, None], seen] = part
    return [
        VisualAttention(layer, r, c, mean, by_head if of_heads else None)
        for r, c, mean, by_head in zip(rows, visual, out, each, strict=True)
    ]


def _rows(layout: TokenLayout, present: Present, prompt: int, needs: frozenset[Need]) -> IntArray:
    """[t] positions of the rows that the strategy needs, of those present."""
    rows = text_rows(layout)
    if not needs & {Need.ATTENTION, Need.HEADS}:
        return rows[-1:]
    here = present.positions[prompt][~present.dead[prompt]]
    there: IntArray = rows[np.isin(rows, here)]
    return there


def text_rows(layout: TokenLayout) -> IntArray:
    """[t] positions of the text rows after the first visual token; all of them where there is
    none.

    Raises:
        InputError: the prompt ends with the image.
    """
    check_text_at_the_end(layout)
    return layout.text[layout.text > layout.prefix] if len(layout.visual) else layout.text


def _blocks(places: IntArray, most: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of blocks of at most `most` rows that hold all `places`, gaps left out."""
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        for start in range(int(run[0]), int(run[-1]) + 1, most):
            yield start, min(start + most, int(run[-1]) + 1)
