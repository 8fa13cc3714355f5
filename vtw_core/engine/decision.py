"""Ask a strategy what stays of one prompt, and check that the model supports it."""

from vtw_core.errors import InputError
from vtw_core.families.layout import IntArray, check_text_at_the_end
from vtw_core.results.fates import LayerFates
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.view import LayerView


def decided(strategy: Strategy, view: LayerView, k_min: int) -> tuple[IntArray, list[LayerFates]]:
    """[b] positions of the prompt that a layer sees, `view.tokens` itself where all of them stay;
    and why, where the strategy says.

    Args:
        k_min: first layer at which the model can do without a visual token.

    Raises:
        InputError: tokens leave that this model, or this prompt, cannot do without.
    """
    layout = view.layout
    decision = strategy.decide(view)
    judged = decision.fates(view.layer - 1, view.alive, layout)
    why = [] if judged is None else [judged]
    kept = strategy.left_by(decision, view)
    if len(kept) == len(view.tokens):
        return kept, why
    if layout.total - 1 not in kept[-1:]:
        check_text_at_the_end(layout)
    if view.layer < k_min:
        raise InputError(
            "This model takes K of {k_min} or more, and no visual token may leave "
            "before: it adds visual features to the visual tokens after each of its first "
            "{layers} layers.",
            k_min=k_min,
            layers=k_min,
        )
    return kept, why
