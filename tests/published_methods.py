"""Published methods, written on what a strategy is shown and no further: the interface holds them.

Rules only, with layers small enough for a tiny model; to add one to the library, take its
published layers and numbers.
"""

from dataclasses import dataclass

import numpy as np

from vtw_core.strategies.base import Strategy
from vtw_core.strategies.parameters import LAYERS, parameter
from vtw_core.strategies.view import Decision, Need


def best(view, score, stay):
    """The `stay` visual tokens with the greatest score, in the order of the prompt."""
    return np.sort(view.alive[np.argsort(-score, kind="stable")[:stay]])


def cosines(one, other):
    norms = np.linalg.norm(one, axis=-1)[:, None] * np.linalg.norm(other, axis=-1)
    return one @ other.T / np.maximum(norms, 1e-12)


@dataclass(frozen=True)
class _FromLayer(Strategy):
    k: int = parameter("whole", "K", "first layer without those that leave", least=0, most=LAYERS)

    def decide(self, view):
        if view.layer != self.k:
            return Decision(view.alive)
        return self.at_k(view, len(view.alive) // 2)


class LeastChanged(_FromLayer):
    """V2Drop (arXiv 2509.01552): those that the layer before changed least leave."""

    name = "least_changed"

    def needs(self, layers):
        return {self.k - 1: frozenset({Need.STATES})}

    def at_k(self, view, stay):
        change = view.change(view.alive)
        return Decision(best(view, change, stay), {"change": change})


class Diverse(_FromLayer):
    """DivPrune (CVPR 2025): the set whose members are farthest from each other, by the states as
    they enter the layer (the paper: layer 0)."""

    name = "diverse"

    def at_k(self, view, stay):
        distance = 1 - cosines(*[view.states(view.alive)] * 2)
        chosen = [int(np.argmax(np.sort(distance, axis=0)[1]))]
        while len(chosen) < stay:
            nearest = distance[:, chosen].min(axis=1)
            nearest[chosen] = -np.inf
            chosen.append(int(np.argmax(nearest)))
        return Decision(np.sort(view.alive[chosen]))


class Duplicates(_FromLayer):
    """DART (arXiv 2502.11494): pivots by the norm of their keys, and with each those least like it
    in their states."""

    name = "duplicates"

    def needs(self, layers):
        return {self.k - 1: frozenset({Need.KEYS})}

    def at_k(self, view, stay):
        text = view.text[view.text > view.layout.prefix]
        taken = []
        for some in (view.alive, text):
            norms = np.abs(view.before.keys(some)).sum(axis=(0, 2))
            pivot = some[np.argmax(norms)]
            rest = np.setdiff1d(view.alive, [*taken, pivot])
            alike = cosines(view.states(np.array([pivot])), view.states(rest))[0]
            taken += rest[np.argsort(alike, kind="stable")[: (stay - 1) // 2]].tolist()
            taken += [pivot] if pivot in view.alive else []
        return Decision(np.unique(taken))


class Ahead(_FromLayer):
    """PyramidDrop (arXiv 2410.17247), one of its cuts: by the attention of the layer itself."""

    name = "ahead"

    def needs(self, layers):
        return {self.k: frozenset({Need.AHEAD})}

    def at_k(self, view, stay):
        weight = view.ahead().weights[-1]
        return Decision(best(view, weight, stay), {"attention": weight})


class Heads(_FromLayer):
    """SparseVLM+ in short: the mean of the half of the heads that look at the image most."""

    name = "heads"

    def needs(self, layers):
        return {self.k - 1: frozenset({Need.HEADS})}

    def at_k(self, view, stay):
        heads = view.attention.heads
        most = np.argsort(-heads.sum(axis=(1, 2)), kind="stable")[: (len(heads) + 1) // 2]
        score = heads[most].mean(axis=(0, 1))
        return Decision(best(view, score, stay), {"attention": score})


@dataclass(frozen=True)
class Tower(_FromLayer):
    """HiPrune in short (arXiv 2508.00553): by what the vision encoder's layers give each patch."""

    name = "tower"

    def tower_layers(self, layers):
        return (0, layers - 1)

    def at_k(self, view, stay):
        here = np.isin(view.layout.visual, view.alive)
        anchors, rest = (view.tower(one).received[here] for one in sorted(view.layout.tower))
        chosen = np.argsort(-anchors, kind="stable")[: stay // 4]
        rest[chosen] = np.inf
        return Decision(best(view, rest, stay))


METHODS = (LeastChanged, Diverse, Duplicates, Ahead, Heads)
