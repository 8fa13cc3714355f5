"""What was measured, as the Markdown tables of the model card. Numbers in, text out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass
class EveryK:
    """What was measured at every K; each list has one row per question or picture.

    ``right``, ``kl_first``, ``kl_answer``: per kind, rows [L+1]. ``mass``: rows [L, segment].
    ``flops``: rows [L+1] of a short question's prefill.
    """

    layers: int
    segments: tuple[str, ...]
    right: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    kl_first: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    kl_answer: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    mass: list[NDArray[Any]] = field(default_factory=list)
    flops: list[NDArray[Any]] = field(default_factory=list)

    def accuracy(self, kinds: Iterable[str]) -> Floats:
        """[L+1] mean over the kinds of their accuracy, each kind weighing the same."""
        return np.asarray(np.mean([np.mean(self.right[kind], axis=0) for kind in kinds], axis=0))

    def flops_share(self) -> Floats:
        """[L+1] prefill FLOPs as a share of the baseline's."""
        mean = np.mean(self.flops, axis=0)
        return np.asarray(mean / mean[-1])


def _at_every_k(layers: int) -> list[str]:
    return [f"K={k}" for k in range(layers + 1)]


def _per_kind(rows: Mapping[str, list[NDArray[Any]]], show: Callable[[float], str]) -> list[Any]:
    return [[kind, *map(show, np.mean(values, axis=0))] for kind, values in rows.items()]


def accuracy_table(measured: EveryK, short: Sequence[str]) -> str:
    """Percent right per kind and K, their mean over the short kinds, and what the prefill costs."""
    rows = _per_kind(measured.right, lambda value: f"{value * 100:.0f}")
    rows.append(["**mean of the short kinds**",
                 *(f"**{value * 100:.1f}**" for value in measured.accuracy(short))])  # fmt: skip
    rows.append(["prefill FLOPs, % of the baseline",
                 *(f"{share * 100:.0f}" for share in measured.flops_share())])  # fmt: skip
    return table(["question", *_at_every_k(measured.layers)], rows)


def kl_table(measured: EveryK, rows: Mapping[str, list[NDArray[Any]]]) -> str:
    """Mean KL in nats per kind and K."""
    return table(
        ["question", *_at_every_k(measured.layers)], _per_kind(rows, lambda value: f"{value:.2g}")
    )


def mass_table(measured: EveryK) -> str:
    """Percent of the question rows' attention per segment and layer."""
    mass = np.mean(measured.mass, axis=0)
    return table(
        ["segment", *(f"layer {k}" for k in range(measured.layers))],
        [[name, *(f"{value * 100:.0f}" for value in mass[:, column])]
         for column, name in enumerate(measured.segments)],
    )  # fmt: skip


def trade(measured: EveryK, k_star: int, short: Sequence[str]) -> tuple[float, float]:
    """At K*: percent of the prefill FLOPs saved, and points of short-answer accuracy lost."""
    accuracy = measured.accuracy(short)
    saved = (1 - measured.flops_share()[k_star]) * 100
    return float(saved), float((accuracy[-1] - accuracy[k_star]) * 100)


@dataclass(frozen=True)
class Trial:
    """One question about one picture. ``style``: how the foreign partner of the pair is drawn."""

    kind: str
    style: str
    foreign_drawing: bool
    foreign_wording: bool
    right: bool


@dataclass(frozen=True)
class Reading:
    """One thing, named by its place only, and whether one of its attributes was read rightly."""

    attribute: str
    value: str
    style: str
    foreign: bool
    right: bool


def _share(hits: Sequence[bool]) -> str:
    return f"{100 * np.mean(hits):.0f}" if hits else ""


def share_of(hits: Sequence[bool]) -> str:
    """Percent right with a decimal, and of how many; empty where nothing was asked."""
    return f"{100 * np.mean(hits):.1f} ({len(hits)})" if hits else ""


def difference(own: Sequence[bool], foreign: Sequence[bool]) -> str:
    """Points by which ``foreign`` is lower than ``own``, with the standard error."""
    if not own or not foreign:
        return ""
    p, q = float(np.mean(own)), float(np.mean(foreign))
    error = math.sqrt(p * (1 - p) / len(own) + q * (1 - q) / len(foreign))
    return f"{100 * (p - q):.0f} ± {100 * error:.0f}"


def gap_by_kind(trials: Sequence[Trial]) -> str:
    """Percent right per kind: our own drawings and another program's, both in either wording."""

    def row(name: str, chosen: Sequence[Trial]) -> list[str]:
        cells = {
            (drawing, wording): [
                t.right for t in chosen
                if (t.foreign_drawing, t.foreign_wording) == (drawing, wording)
            ]
            for drawing in (False, True) for wording in (False, True)
        }  # fmt: skip
        return [name, *(_share(hits) for hits in cells.values()),
                difference(cells[False, False], cells[True, True])]  # fmt: skip

    kinds = dict.fromkeys(trial.kind for trial in trials)
    rows = [row(kind, [t for t in trials if t.kind == kind]) for kind in kinds]
    head = ["question", "own drawing, own wording", "own drawing, a person's wording",
            "foreign drawing, own wording", "foreign drawing, a person's wording",
            "gap, points"]  # fmt: skip
    return table(head, [*rows, row("**all**", trials)])


def gap_by_style(trials: Sequence[Trial]) -> str:
    """Percent right per foreign style, beside own scenes of as many things; both wordings."""
    rows = []
    for style in dict.fromkeys(trial.style for trial in trials):
        own, foreign = (
            [t.right for t in trials if t.style == style and t.foreign_drawing is drawing]
            for drawing in (False, True)
        )
        rows.append([style, _share(own), _share(foreign), difference(own, foreign)])
    return table(["style", "own drawings", "foreign drawings", "gap, points"], rows)


def readings_table(readings: Sequence[Reading]) -> str:
    """Percent of things whose attribute is read rightly, per value of that attribute."""
    rows = []
    for attribute, value in dict.fromkeys((r.attribute, r.value) for r in readings):
        own, foreign = (
            [r.right for r in readings
             if (r.attribute, r.value, r.foreign) == (attribute, value, is_foreign)]
            for is_foreign in (False, True)
        )  # fmt: skip
        rows.append([f"{attribute}: {value}", _share(own), _share(foreign),
                     difference(own, foreign)])  # fmt: skip
    return table(["thing", "own drawings", "foreign drawings", "gap, points"], rows)
