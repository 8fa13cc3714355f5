"""Controls that choose at random: what a method must beat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from vtw_core.errors import InputError, Sentence
from vtw_core.families.layout import IntArray
from vtw_core.files.python_numbers import whole
from vtw_core.measures.budget import drop_at_budget, drop_schedule
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.parameters import LAYERS, TOKENS, parameter
from vtw_core.strategies.registry import register
from vtw_core.strategies.view import LayerView


def _seed() -> Any:
    return parameter(
        "whole", "seed", "which tokens leave", flag="drop-seed",
        subject=Sentence("The seed"), default=0, least=0,
    )  # fmt: skip


def _schedule(schedule: Any) -> tuple[int, ...]:
    is_list = isinstance(schedule, (Sequence, np.ndarray))
    counts = [whole(one) for one in schedule] if is_list else [None]
    known = tuple(count for count in counts if count is not None and count >= 0)
    if len(known) < len(counts):
        raise InputError(
            "The schedule must be a list of whole numbers, the visual tokens of each layer, not "
            "{value!r}.",
            value=schedule,
        )
    if any(np.diff(known) > 0):
        raise InputError(
            "The schedule rises, but a token that has left cannot come back; give counts that "
            "fall or stay."
        )
    return known


def _first_of_an_order(seed: int, count: int, view: LayerView) -> IntArray:
    order = np.random.default_rng(seed).permutation(view.layout.visual)
    return np.intersect1d(view.alive, order[:count])


@register
@dataclass(frozen=True)
class RandomShare(Strategy):
    """Before layer K the share R of the visual tokens leaves, chosen at random.

    Attributes:
        k: K; K = L drops nothing.
        ratio: R, 0 to 1. Of v tokens, round(R * v) leave.
        seed: the same seed, the same tokens.

    Raises:
        InputError: a parameter is out of range.
    """

    name = "random"
    summary = "before layer $K$ `round(R v)` of $v$ visual tokens, at random"

    k: int = parameter(
        "whole", "K", "the first layer without those that leave", subject="K", least=0, most=LAYERS
    )
    ratio: float = parameter(
        "real", "R", "share of the visual tokens that leaves", least=0, most=1, given_by=TOKENS
    )
    seed: int = _seed()

    def fitted_to(self, tokens: float, layers: int, visual: int) -> Self:
        """As FastV is."""
        k, ratio = drop_at_budget(tokens, self.k, layers, visual)
        return replace(self, k=k, ratio=ratio)

    def kept(self, view: LayerView) -> IntArray:
        """All before layer K; from it on the first of a random order."""
        if view.layer < self.k:
            return view.alive
        (stay,) = drop_schedule(self.ratio, 0, 1, len(view.layout.visual))
        return _first_of_an_order(self.seed, stay, view)


@register
@dataclass(frozen=True)
class RandomDrop(Strategy):
    """As many visual tokens in each layer as some other run had, chosen at random.

    One random order of all visual tokens is drawn; a layer sees the first of it, so that a token
    that left does not come back.

    Attributes:
        schedule: [L] visual tokens in each layer, not rising, such as the
            `visual_tokens_per_layer` of a run. Where a prompt has fewer, all stay.
        seed: the same seed, the same order.

    Raises:
        InputError: the schedule rises or is no list of counts, or the seed is no count.
    """

    name = "random"
    summary = "as many visual tokens per layer as another run dropped, at random"

    schedule: tuple[int, ...] = parameter(
        "counts", "schedule", "visual tokens of each layer", check=_schedule
    )
    seed: int = _seed()

    def check(self, layers: int) -> None:
        """Raise InputError unless there is one count for each layer."""
        if len(self.schedule) != layers:
            raise InputError(
                "The schedule has {count} counts, the model {layers} layers; give one count for "
                "each layer.",
                count=len(self.schedule),
                layers=layers,
            )

    def kept(self, view: LayerView) -> IntArray:
        """The first of the random order."""
        return _first_of_an_order(self.seed, self.schedule[view.layer], view)


@register
@dataclass(frozen=True)
class RandomWithdrawal(Strategy):
    """VTW's own control: before layer K as many random prompt tokens leave as VTW would withdraw.

    Visual tokens chosen at random would be no control of VTW, which withdraws all of them: it
    would be the same run. So any token may leave, text or visual, but the prompt's last one, whose
    row predicts the first word of the answer. The cost is that of VTW at this K.

    Attributes:
        k: K, as for VTW.
        seed: the same seed, the same tokens.

    Raises:
        InputError: k or the seed is no whole number >= 0.
    """

    name = "random"
    summary = "before layer $K$ as many random prompt tokens, text too, as there are visual ones"
    drops_text = True

    k: int = parameter(
        "whole", "K", "as many random tokens, text too, as vtw would withdraw", subject="K",
        least=0, most=LAYERS,
    )  # fmt: skip
    seed: int = _seed()

    def describe(self) -> dict[str, Any]:
        """Name and parameters, and that it is not visual tokens alone."""
        return {**super().describe(), "tokens": "visual and text"}

    def kept(self, view: LayerView) -> IntArray:
        """All before layer K; from it on, so many fewer as there are visual tokens."""
        if view.layer < self.k:
            return view.tokens
        layout = view.layout
        order = np.random.default_rng(self.seed).permutation(layout.total - layout.padding - 1)
        return np.setdiff1d(view.tokens, layout.padding + order[: len(layout.visual)])
