"""Ask a strategy what stays of one prompt, and hold its answer against what the model can do."""

import numpy as np

from vtw_core.errors import InputError
from vtw_core.families.layout import TokenLayout, check_text_at_the_end
from vtw_core.results.trace import VisualAttention
from vtw_core.strategies.base import DecidesFromAttention, DropsAnyToken, IntArray, Strategy


def kept_of_prompt(
    strategy: Strategy,
    layer: int,
    layout: TokenLayout,
    alive: IntArray,
    heard: VisualAttention | None,
    k_min: int,
) -> IntArray:
    """[b] positions of the prompt that a layer sees; `alive` itself where all of them stay.

    Args:
        alive: [a] those that the layer before saw, ascending.
        heard: the attention of the layer before, where the strategy asked for it.
        k_min: first layer at which the model can do without a visual token.

    Raises:
        InputError: tokens leave that this model, or this prompt, cannot do without.
    """
    if isinstance(strategy, DropsAnyToken):
        wanted = np.union1d(strategy.tokens_kept(layer, layout, alive), layout.total - 1)
    else:
        visual = alive[np.isin(alive, layout.visual)]
        if heard is not None and isinstance(strategy, DecidesFromAttention):
            stay = strategy.kept_after(heard, layout)
        else:
            stay = strategy.visual_kept(layer, layout, visual)
        if len(stay) == len(visual):
            return alive
        wanted = np.union1d(layout.text, stay)
    kept = alive[np.isin(alive, wanted)]
    if layout.total - 1 not in kept[-1:]:
        check_text_at_the_end(layout)
    if layer < k_min and len(kept) < len(alive):
        raise InputError(
            "This model takes K of {k_min} or more, and no visual token may leave before: it "
            "adds visual features to the visual tokens behind each of its first {layers} layers.",
            k_min=k_min,
            layers=k_min,
        )
    return kept if len(kept) < len(alive) else alive
