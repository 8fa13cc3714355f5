"""Several methods on one image and prompt: tokens in each layer, and what each one costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vtw_core.results.comparison import MethodComparison, MethodEntry

from ..presenters.methods_view import title
from ..words import methods as text
from ..words import page as page_text
from ..words.digits import BYTES, FLOPS, mean_count, significant, three_digits, unit_of
from ..words.library_words import worded
from . import style
from .chart import Chart, Dash, Lines, Marker, Series, Table

# Two panels may run one method: the second of them differs in dash and marker.
_LOOKS: dict[str, tuple[Dash, Marker]] = {
    "none": ("solid", "circle"), "vtw": ("dash", "square"), "mustdrop": ("solid", "diamond"),
    "fastv": ("dashdot", "triangle-up"), "random": ("dot", "circle"),
}  # fmt: skip
_AGAIN: tuple[tuple[Dash, Marker], ...] = (("dot", "triangle-up"), ("dashdot", "square"))


def visual_tokens(compared: MethodComparison) -> Lines:
    """Visual tokens that each layer sees, one curve for each method."""
    return Lines(
        name="visual_tokens_by_method",
        title=text.LAYERS_TITLE,
        x_label=text.LAYERS_X,
        y_label=text.LAYERS_Y,
        unit=text.LAYERS_UNIT,
        caption=text.LAYERS_CAPTION.format(layers=compared.layers),
        summary=summary(compared),
        x=range(compared.layers),
        series=_series(compared),
        y_range=(0, 1.06 * compared.visual_tokens),
    )


def _series(compared: MethodComparison) -> tuple[Series, ...]:
    drawn: list[Series] = []
    names: list[str] = []
    for entry in compared.everyone:
        again = names.count(entry.name)
        look = _LOOKS.get(entry.name, _LOOKS["none"])
        dash, marker = look if not again else _AGAIN[(again - 1) % len(_AGAIN)]
        names.append(entry.name)
        name = text.SERIES.format(
            title=title(entry, compared.visual_tokens), mean=mean_count(entry.mean_visual_tokens)
        )
        color = style.METHODS.get(entry.name, style.GREY)
        drawn.append(Series(name, np.array(entry.visual_tokens_per_layer), color, dash, marker))
    return tuple(drawn)


def summary(compared: MethodComparison) -> str:
    """Every method in one sentence."""
    return page_text.BETWEEN_SENTENCES.join(
        text.TABLE_SUMMARY.format(
            title=title(entry, compared.visual_tokens), tokens=mean_count(entry.mean_visual_tokens),
            flops=compared.flops_share(entry), kl=significant(entry.kl_answer),
            same=text.SAME if compared.same_answer(entry) else text.OTHER,
        )
        for entry in compared.entries
    )  # fmt: skip


def costs(compared: MethodComparison) -> Table:
    """Every number of every method, one column for each."""
    columns = [_column(compared, entry) for entry in compared.everyone]
    return Table(
        name="methods",
        title=text.TABLE_TITLE,
        x_label="",
        y_label="",
        unit="",
        caption=text.TABLE_CAPTION.format(
            convention=worded(compared.flops_convention),
            dtype=compared.dtype,
            device=compared.device,
        ),
        summary="",
        columns=(
            text.TABLE_QUANTITY,
            *(title(entry, compared.visual_tokens) for entry in compared.everyone),
        ),
        rows=tuple(zip(table_rows(compared), *columns, strict=True)),
    )


def table_rows(compared: MethodComparison) -> tuple[str, ...]:
    """What the rows are; all methods' FLOPs and bytes are in the unit that suits the baseline's."""
    base = compared.baseline
    units = {
        "flop": FLOPS[unit_of(base.flops, FLOPS)],
        "byte": BYTES[unit_of(base.kv_bytes, BYTES)],
    }
    return tuple(row.format(**units) for row in text.TABLE_ROWS)


def _column(compared: MethodComparison, entry: MethodEntry) -> tuple[str, ...]:
    """In the order of ``text.TABLE_ROWS``."""
    base = compared.baseline
    flop, byte = unit_of(base.flops, FLOPS), unit_of(base.kv_bytes, BYTES)
    steps, times = len(entry.token_ids) - 1, entry.seconds
    return (
        entry.answer,
        text.YES if compared.same_answer(entry) else text.NO,
        f"{entry.agreement:.1%}",
        *(significant(kl) for kl in (entry.kl_first_token, entry.kl_answer, entry.kl_answer_max)),
        f"{entry.mean_visual_tokens:.1f}",
        f"{np.mean(entry.cached_visual_tokens_per_layer):.1f}",
        f"{entry.flops / 1000**flop:.3f}",
        f"{compared.flops_share(entry):.1%}",
        f"{entry.kv_bytes / 1000**byte:.3f}",
        f"{compared.kv_share(entry):.1%}",
        three_digits(times.encode * 1000),
        three_digits(times.prefill * 1000),
        three_digits(times.decode / steps * 1000) if steps else "–",
    )


CHARTS: dict[str, Callable[[MethodComparison], Chart]] = {"layers": visual_tokens, "costs": costs}
