"""The causal test of migration: another image behind the model's back, layer by layer.

Rows and K are of clamped choices (`app.figures.migration.Choices`); `image` is an index into the
run's counterfactuals, and means nothing where there are none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vtw_core.analysis import migration as analysis
from vtw_core.analysis.rows import inside_of
from vtw_core.results.inside import Counterfactual
from vtw_core.results.run import Run

from ..inputs.pictures import name_of
from ..words import inside as text
from ..words import page as page_text
from ..words.digits import significant
from . import style, tokens
from .chart import (
    Dash,
    FloatArray,
    Joint,
    KLine,
    Lines,
    Mark,
    Marker,
    Series,
    Table,
)
from .tokens import Rows

FLOOR = 1e-5
"""Nats; a log axis of KL reaches down to here, or less far when nothing is so small."""
_DASHES: tuple[Dash, ...] = ("solid", "dash", "dot", "dashdot")
_MARKERS: tuple[Marker, ...] = ("circle", "square", "diamond", "triangle-up")


def joint(run: Run, rows: Rows, image: int, k: int, eta: float) -> Joint:
    """Attention, causal curve and KL curve, one below the other; without other images, two."""
    inside = inside_of(run)
    words = tokens.rows_in_words(run, rows)
    share = analysis.visual_share_of_text(inside.attention, tokens.rows_of(run, rows))
    between = tuple(layer + 0.5 for layer in range(run.layers))
    panels = [
        _panel(text.JOINT_SHARE, text.AXIS_SHARE, text.SHARE_UNIT, between,
               Series(text.TEXT_TO_VISUAL, share, style.SEGMENTS["visual"]), is_share=True)
    ]  # fmt: skip
    causal, summary = "", text.NO_COUNTERFACTUAL
    if inside.counterfactuals:
        test = inside.counterfactuals[image]
        curves = analysis.joint_curves(run, test, rows, eta)
        panels.append(
            _kl_panel(run, eta, text.JOINT_CAUSAL,
                      _curve(image, _other_image(test), curves.causal_kl))
        )  # fmt: skip
        causal = text.JOINT_CAUSAL_CAPTION.format(image=name_of(test.name))
        summary = _disagreement(curves)
    panels.append(
        _kl_panel(run, eta, text.JOINT_KL,
                  Series(text.WITHDRAWN_CURVE, run.kl_answer, style.VTW, "solid", "diamond"))
    )  # fmt: skip
    return Joint(
        name="attention_and_causal_test",
        title=text.MIGRATION_TITLES["joint"],
        x_label=text.K_OR_L,
        y_label="", unit="",
        caption=text.JOINT_CAPTION.format(
            rows=words, causal=causal, tokens=_answer_length(run), eta=eta
        ),
        summary=summary,
        panels=tuple(panels),
        k_line=KLine("x", k),
    )  # fmt: skip


def _panel(
    title: str, y: str, unit: str, x: tuple[float, ...], series: Series, *, is_share: bool = False
) -> Lines:
    return Lines(
        name="panel", title=title, x_label=text.K_OR_L, y_label=y, unit=unit, caption="",
        is_share=is_share, summary="", x=x, series=(series,), y_range=(0, 1.02),
    )  # fmt: skip


def _kl_panel(run: Run, eta: float, title: str, series: Series) -> Lines:
    plain = _panel(title, text.AXIS_KL, text.NATS, tuple(range(run.layers + 1)), series)
    return replace(plain, log_y=True, y_range=_kl_range(run, eta), marks=(_eta_mark(eta),))


def _kl_range(run: Run, eta: float) -> tuple[float, float]:
    """The same whole decades for every KL curve of a run, so that they can be held together."""
    tests = inside_of(run).counterfactuals
    curves = np.concatenate(
        [run.kl_answer, *(test.swapped_kl.mean(axis=1) for test in tests), [eta]]
    )
    shown = np.clip(curves[curves > 0], FLOOR, None)
    low = 10.0 ** np.floor(np.log10(shown.min()))
    return float(low), float(10.0 ** np.ceil(np.log10(max(shown.max(), low * 10)) + 1e-9))


def _eta_mark(eta: float) -> Mark:
    return Mark("y", eta, text.ETA_MARK.format(eta=eta), style.CRITERION)


def _disagreement(curves: analysis.JointCurves) -> str:
    """What attention and the causal test say of each other, in words."""
    if not curves.disagreement:
        return text.JOINT_AGREE.format(low=curves.low_share)
    words = ""
    if curves.low_but_used:
        words += text.JOINT_LOW_USED.format(layers=curves.low_but_used[0], low=curves.low_share)
    if curves.high_but_unused:
        layers = _ranges(curves.high_but_unused)
        words += text.JOINT_HIGH_UNUSED.format(layers=layers, low=curves.low_share)
    return words.strip()


def _ranges(layers: tuple[int, ...]) -> str:
    """Ascending numbers as words: neighbours drawn together, "3, 7–11"."""
    parts: list[list[int]] = []
    for layer in layers:
        if parts and parts[-1][-1] == layer - 1:
            parts[-1].append(layer)
        else:
            parts.append([layer])
    return page_text.BETWEEN_PARTS.join(
        f"{a[0]}–{a[-1]}" if len(a) > 1 else f"{a[0]}" for a in parts
    )


def kl(run: Run, image: int, k: int, eta: float) -> Lines:
    """KL over l for every other image, with withdrawal for comparison."""
    tests = inside_of(run).counterfactuals
    summary = text.NO_COUNTERFACTUAL
    if tests:
        test = tests[image]
        summary = text.CAUSAL_SUMMARY.format(
            name=name_of(test.name), eta=eta, layers=run.layers,
            at=analysis.flattens_at(test.swapped_kl, eta),
            k=analysis.flattens_at(run.kl_positions, eta),
        )  # fmt: skip
    return Lines(
        name="causal_test_kl",
        title=text.MIGRATION_TITLES["causal_kl"],
        x_label=text.K_OR_L,
        y_label=text.AXIS_KL,
        unit=text.NATS,
        caption=text.CAUSAL_CAPTION.format(tokens=_answer_length(run)),
        summary=summary,
        x=range(run.layers + 1),
        series=(
            *(_curve(index, _other_image(test), test.swapped_kl.mean(axis=1))
              for index, test in enumerate(tests)),
            Series(text.WITHDRAWN_CURVE, run.kl_answer, style.VTW, "solid", "diamond"),
        ),
        log_y=True, y_range=_kl_range(run, eta), marks=(_eta_mark(eta),), k_line=KLine("x", k),
    )  # fmt: skip


def _other_image(test: Counterfactual) -> str:
    return str(text.OTHER_IMAGE.format(name=name_of(test.name)))


def _curve(index: int, name: str, values: FloatArray) -> Series:
    colours = style.OTHER_IMAGES
    return Series(
        name, values, colours[index % len(colours)],
        _DASHES[index % len(_DASHES)], _MARKERS[index % len(_MARKERS)],
    )  # fmt: skip


def probability(run: Run, image: int, k: int) -> Lines:
    """Probability of the baseline's answer over l, and misled below K."""
    inside = inside_of(run)
    tests = inside.counterfactuals
    withdrawn = analysis.answer_probability(inside.log_probability)
    curves: list[Series] = []
    summary = text.NO_COUNTERFACTUAL
    for index, test in enumerate(tests):
        swapped = analysis.answer_probability(test.swapped_log_probability)
        curves.append(_curve(index, _other_image(test), swapped))
    if tests:
        test = tests[image]
        misled = analysis.answer_probability(test.misled_log_probability)
        name = text.MISLED_CURVE.format(name=name_of(test.name))
        curves.append(Series(name, misled, style.GREY, "dashdot", "triangle-up"))
        summary = text.CAUSAL_PROBABILITY_SUMMARY.format(
            name=name_of(test.name), baseline=withdrawn[-1], other=misled[-1], never=withdrawn[0]
        )
    return Lines(
        name="causal_test_probability",
        title=text.MIGRATION_TITLES["causal_probability"],
        x_label=text.K_OR_L,
        y_label=text.AXIS_PROBABILITY,
        unit="", is_share=True,
        caption=text.CAUSAL_PROBABILITY_CAPTION.format(tokens=_answer_length(run)),
        summary=summary,
        x=range(run.layers + 1),
        series=(*curves, Series(text.WITHDRAWN_CURVE, withdrawn, style.VTW, "solid", "diamond")),
        y_range=(0, 1.02),
        marks=(Mark("y", float(withdrawn[-1]), text.BASELINE_MARK, style.BASELINE),),
        k_line=KLine("x", k),
    )  # fmt: skip


def settings(run: Run, image: int, k: int) -> Table:
    """The three settings at K; the second one for each other image."""
    tests = inside_of(run).counterfactuals
    summary = text.NO_COUNTERFACTUAL
    found: list[tuple[str, analysis.Setting]] = []
    for test in tests:
        never, misled, withdrawn = analysis.three_settings(run, test, k)
        found += [("", never)] * (not found) + [(name_of(test.name), misled)]
        if test is tests[image]:
            summary = text.SETTINGS_SUMMARY.format(
                k=k,
                never=significant(never.kl),
                misled=significant(misled.kl),
                withdrawn=significant(withdrawn.kl),
                name=name_of(test.name),
            )
    if tests:
        found.append(("", withdrawn))
    return Table(
        name="three_settings",
        title=text.MIGRATION_TITLES["settings_table"].format(k=k),
        x_label="", y_label="", unit="",
        caption=text.SETTINGS_CAPTION,
        summary=summary,
        columns=text.SETTINGS_COLUMNS,
        rows=tuple(
            (
                text.SETTINGS[setting.name].format(k=k, image=name), significant(setting.kl, 3),
                f"{setting.probability:.1%}",
                "–" if setting.agreement is None else f"{setting.agreement:.0%}",
            )
            for name, setting in found
        ),
    )  # fmt: skip


def _answer_length(run: Run) -> int:
    return len(run.answer_ids[run.layers])
