"""A run at every K: how far the answer moves, what it becomes, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vtw_core.results.run import DEFAULT_ETA, SCOPES, Run

from ..inputs.clamping import clamped
from ..presenters.view import every_k_rows
from ..words import page as text
from ..words.library_words import worded
from . import style
from .chart import Chart, Dash, KLine, Lines, Mark, Marker, Series, Table

# What is smaller is as good as equal; a log axis would spend all its room on it.
_FLOOR = 1e-7
_DASHES: tuple[Dash, ...] = ("solid", "dash", "dot")
_MARKERS: tuple[Marker, ...] = ("circle", "square", "triangle-up")


@dataclass(frozen=True)
class Choices:
    """Where K stands, which may come from a visitor, and η in nats, above 0, for K*."""

    k: int
    eta: float = DEFAULT_ETA

    def at(self, run: Run) -> int:
        """K as this run has it."""
        return clamped(self.k, 0, run.layers, run.choose_k(self.eta))


def kl(run: Run, choices: Choices) -> Lines:
    """The three KL curves, with η and K."""
    eta = choices.eta
    curves = [run.kl(scope) for scope in SCOPES]
    shown = np.concatenate([*curves, [eta]])
    shown = np.maximum(shown[shown > 0], _FLOOR)
    return Lines(
        name="kl_at_every_k",
        title=text.KL_TITLE,
        x_label=text.AXIS_K,
        y_label=text.KL_AXIS,
        unit="nats",
        caption=text.KL_CAPTION.format(tokens=len(run.answer_ids[run.layers])),
        summary=text.KL_SUMMARY.format(
            eta=eta, star=run.choose_k(eta), layers=run.layers, first=run.k_min,
            mean=run.choose_k(eta, "answer_mean"), max=run.choose_k(eta, "answer_max"),
        ),
        x=range(run.layers + 1),
        series=_series([(text.SCOPES[scope], run.kl(scope)) for scope in SCOPES], style.SCOPES),
        log_y=True,
        y_range=(10.0 ** np.floor(np.log10(shown.min())), 10.0 ** np.ceil(np.log10(shown.max()))),
        marks=(Mark("y", eta, text.MARK_ETA.format(eta=eta), style.CRITERION),),
        k_line=KLine("x", choices.at(run)),
    )  # fmt: skip


def cost(run: Run, choices: Choices) -> Lines:
    """Prefill FLOPs, KV cache and measured prefill time as shares of the baseline's, in percent."""
    k = choices.at(run)
    shares = (
        (text.COST_FLOPS, run.flops / run.flops[-1]),
        (text.COST_KV, run.kv_bytes / run.kv_bytes[-1]),
        (text.COST_TIME, run.seconds.prefill / run.seconds.prefill[-1]),
    )
    return Lines(
        name="cost_at_every_k",
        title=text.COST_TITLE,
        x_label=text.AXIS_K,
        y_label=text.COST_AXIS,
        unit="%",
        caption=text.COST_CAPTION.format(convention=worded(run.flops_convention)),
        summary=text.COST_SUMMARY.format(
            k=k, flops=run.flops[k] / run.flops[-1], kv=run.kv_bytes[k] / run.kv_bytes[-1]
        ),
        x=range(run.layers + 1),
        series=_series([(name, share * 100) for name, share in shares], style.COSTS),
        y_range=(0, max(104.0, 104 * float(max(share.max() for _, share in shares)))),
        k_line=KLine("x", k),
    )


def _series(
    curves: list[tuple[str, np.ndarray]], colours: tuple[str, str, str]
) -> tuple[Series, ...]:
    looks = zip(curves, colours, _DASHES, _MARKERS, strict=True)
    return tuple(
        Series(name, values, color, dash, marker) for (name, values), color, dash, marker in looks
    )


def table(run: Run) -> Table:
    """One row for each K."""
    same = int(run.same_as_baseline.sum())
    return Table(
        name="every_k",
        title=text.EVERY_K_TITLE,
        x_label="",
        y_label="",
        unit="",
        caption=text.EVERY_K_CAPTION.format(convention=worded(run.flops_convention)),
        summary=text.EVERY_K_SUMMARY.format(same=same, all=run.layers + 1),
        columns=text.EVERY_K_COLUMNS,
        rows=tuple(tuple(row) for row in every_k_rows(run)),
    )


def charts(run: Run, k: int, eta: float = DEFAULT_ETA) -> list[Chart]:
    """All of them, in the order that tells the story."""
    return [*(make(run, Choices(k, eta)) for make in CHARTS.values()), table(run)]


CHARTS: dict[str, Callable[[Run, Choices], Chart]] = {"kl": kl, "cost": cost}
