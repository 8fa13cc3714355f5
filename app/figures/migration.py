"""Information migration: a run and a visitor's choices in, charts out.

The causal figures come first, since they test; attention, the logit lens and the states illustrate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from app import text_inside as text
from app.figures import lens, style, tokens
from app.figures.chart import Chart, Heatmap, Joint, KLine, Lines, Mark, Series, Table
from app.figures.tokens import Rows
from vtw_core.analysis import migration as analysis
from vtw_core.analysis.rows import inside_of
from vtw_core.analysis.sinks import sink_verdict
from vtw_core.results import DEFAULT_ETA, Run

FLOOR = 1e-5
"""Nats; a log axis of KL reaches down to here, or less far when nothing is so small."""
_DASHES = ("solid", "dash", "dot", "dashdot")
_MARKERS = ("circle", "square", "diamond", "triangle-up")


@dataclass(frozen=True)
class Choices:
    """What a visitor chose; `clamped` makes it fit a run.

    Attributes:
        k: where K stands; K* of the first answer token when None.
        rows: whose attention is held against the causal curve.
        image: which counterfactual image the joint panel shows.
        token: which token of the answer the logit lens is about.
        state: of the logit lens on patches; None for the last.
        grid: which patch grid.
    """

    k: int | None = None
    rows: Rows = "all_text"
    image: int = 0
    token: int = 0
    state: int | None = None
    grid: int = 0

    def clamped(self, run: Run) -> Choices:
        """The same for this run; whatever it does not have becomes what it has."""
        inside = inside_of(run)
        return replace(
            self,
            k=tokens.clamped(self.k, 0, run.layers, run.choose_k()),
            rows=tokens.clamped_rows(run, self.rows),
            image=tokens.clamped(self.image, 0, max(0, len(inside.counterfactuals) - 1), 0),
            token=tokens.clamped(self.token, 0, inside.lens.top.shape[1] - 1, 0),
            state=tokens.clamped(self.state, 0, run.layers, run.layers),
            grid=tokens.clamped(self.grid, 0, len(inside.grids) - 1, 0),
        )

    @property
    def at(self) -> int:
        """K of clamped choices."""
        return self.k or 0


def joint(run: Run, choices: Choices) -> Joint:
    """Attention, causal curve and KL curve, one below the other; without other images, two."""
    c = choices.clamped(run)
    inside = inside_of(run)
    words = tokens.rows_in_words(run, c.rows)
    share = analysis.visual_share_of_text(inside.attention, tokens.rows_of(run, c.rows))
    between = tuple(layer + 0.5 for layer in range(run.layers))
    panels = [
        _panel(run, text.JOINT_SHARE, text.AXIS_SHARE, text.SHARE_UNIT, between,
               Series(text.TEXT_TO_VISUAL, share, style.SEGMENTS["visual"]))
    ]  # fmt: skip
    causal, summary = "", text.NO_COUNTERFACTUAL
    if inside.counterfactuals:
        test = inside.counterfactuals[c.image]
        curves = analysis.joint_curves(run, test, c.rows)
        panels.append(
            _kl_panel(run, text.JOINT_CAUSAL,
                      Series(text.OTHER_IMAGE.format(name=test.name), curves.causal_kl,
                             style.CURVES[1], "solid", "square"))
        )  # fmt: skip
        causal = text.JOINT_CAUSAL_CAPTION.format(image=test.name)
        summary = _disagreement(curves)
    panels.append(
        _kl_panel(run, text.JOINT_KL,
                  Series(text.WITHDRAWN_CURVE, run.kl_answer, style.VTW, "solid", "diamond"))
    )  # fmt: skip
    return Joint(
        name="attention_and_causal_test",
        title=text.MIGRATION_TITLES["joint"],
        x_label=text.K_OR_L,
        y_label="", unit="",
        caption=text.JOINT_CAPTION.format(
            rows=words, causal=causal, tokens=_answer_length(run), eta=DEFAULT_ETA
        ),
        summary=summary,
        panels=tuple(panels),
        k_line=KLine("x", c.k),
    )  # fmt: skip


def _panel(run: Run, title: str, y: str, unit: str, x: tuple[float, ...], series: Series) -> Lines:
    return Lines(
        name="panel", title=title, x_label=text.K_OR_L, y_label=y, unit=unit, caption="",
        summary="", x=x, series=(series,), y_range=(0, 1.02),
    )  # fmt: skip


def _kl_panel(run: Run, title: str, series: Series) -> Lines:
    plain = _panel(run, title, text.AXIS_KL, text.NATS, tuple(range(run.layers + 1)), series)
    return replace(plain, log_y=True, y_range=_kl_range(run), marks=(_eta_mark(),))


def _kl_range(run: Run) -> tuple[float, float]:
    """The same whole decades for every KL curve of a run, so that they can be held together."""
    tests = inside_of(run).counterfactuals
    curves = np.concatenate(
        [run.kl_answer, *(test.swapped_kl.mean(axis=1) for test in tests), [DEFAULT_ETA]]
    )
    shown = np.clip(curves[curves > 0], FLOOR, None)
    low = 10.0 ** np.floor(np.log10(shown.min()))
    return float(low), float(10.0 ** np.ceil(np.log10(max(shown.max(), low * 10)) + 1e-9))


def _eta_mark() -> Mark:
    return Mark("y", DEFAULT_ETA, text.ETA_MARK.format(eta=DEFAULT_ETA), style.CRITERION)


def _disagreement(curves: analysis.JointCurves) -> str:
    """What attention and the causal test say of each other, in words."""
    if not curves.disagreement:
        return text.JOINT_AGREE.format(low=curves.low_share)
    words = ""
    if curves.low_but_used:
        words += text.JOINT_LOW_USED.format(layers=curves.low_but_used[0], low=curves.low_share)
    if curves.high_but_unused:
        layers = ", ".join(str(layer) for layer in curves.high_but_unused)
        words += text.JOINT_HIGH_UNUSED.format(layers=layers, low=curves.low_share)
    return words.strip()


def causal_kl(run: Run, choices: Choices) -> Lines:
    """KL over l for every other image, with withdrawal for comparison."""
    c = choices.clamped(run)
    tests = inside_of(run).counterfactuals
    summary = text.NO_COUNTERFACTUAL
    if tests:
        test = tests[c.image]
        summary = text.CAUSAL_SUMMARY.format(
            name=test.name, eta=DEFAULT_ETA, layers=run.layers,
            at=analysis.flattens_at(test.swapped_kl, DEFAULT_ETA),
            k=analysis.flattens_at(run.kl_positions, DEFAULT_ETA),
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
            *(_curve(index, text.OTHER_IMAGE.format(name=test.name), test.swapped_kl.mean(axis=1))
              for index, test in enumerate(tests)),
            Series(text.WITHDRAWN_CURVE, run.kl_answer, style.VTW, "solid", "diamond"),
        ),
        log_y=True, y_range=_kl_range(run), marks=(_eta_mark(),), k_line=KLine("x", c.k),
    )  # fmt: skip


def _curve(index: int, name: str, values: object) -> Series:
    colours = style.CURVES[:3]
    return Series(
        name, values, colours[index % len(colours)],  # type: ignore[arg-type]
        _DASHES[index % len(_DASHES)], _MARKERS[index % len(_MARKERS)],
    )  # fmt: skip


def causal_probability(run: Run, choices: Choices) -> Lines:
    """Probability of the baseline's answer over l, and misled below K."""
    c = choices.clamped(run)
    inside = inside_of(run)
    tests = inside.counterfactuals
    withdrawn = analysis.answer_probability(inside.log_probability)
    curves: list[Series] = []
    summary = text.NO_COUNTERFACTUAL
    for index, test in enumerate(tests):
        swapped = analysis.answer_probability(test.swapped_log_probability)
        curves.append(_curve(index, text.OTHER_IMAGE.format(name=test.name), swapped))
    if tests:
        test = tests[c.image]
        misled = analysis.answer_probability(test.misled_log_probability)
        name = text.MISLED_CURVE.format(name=test.name)
        curves.append(Series(name, misled, style.GREY, "dashdot", "triangle-up"))
        summary = text.CAUSAL_PROBABILITY_SUMMARY.format(
            name=test.name, baseline=withdrawn[-1], other=misled[-1], never=withdrawn[0]
        )
    return Lines(
        name="causal_test_probability",
        title=text.MIGRATION_TITLES["causal_probability"],
        x_label=text.K_OR_L,
        y_label=text.AXIS_PROBABILITY,
        unit="",
        caption=text.CAUSAL_PROBABILITY_CAPTION.format(tokens=_answer_length(run)),
        summary=summary,
        x=range(run.layers + 1),
        series=(*curves, Series(text.WITHDRAWN_CURVE, withdrawn, style.VTW, "solid", "diamond")),
        y_range=(0, 1.02),
        marks=(Mark("y", float(withdrawn[-1]), text.BASELINE_MARK, style.BASELINE),),
        k_line=KLine("x", c.k),
    )  # fmt: skip


def settings_table(run: Run, choices: Choices) -> Table:
    """The three settings at K; the second one for each other image."""
    c = choices.clamped(run)
    tests = inside_of(run).counterfactuals
    summary = text.NO_COUNTERFACTUAL
    settings: list[tuple[str, analysis.Setting]] = []
    for test in tests:
        never, misled, withdrawn = analysis.three_settings(run, test, c.at)
        settings += [("", never)] * (not settings) + [(test.name, misled)]
        if test is tests[c.image]:
            summary = text.SETTINGS_SUMMARY.format(
                k=c.k, never=never.kl, misled=misled.kl, withdrawn=withdrawn.kl, name=test.name
            )
    if tests:
        settings.append(("", withdrawn))
    return Table(
        name="three_settings",
        title=text.MIGRATION_TITLES["settings_table"].format(k=c.k),
        x_label="", y_label="", unit="",
        caption=text.SETTINGS_CAPTION,
        summary=summary,
        columns=text.SETTINGS_COLUMNS,
        rows=tuple(
            (
                text.SETTINGS[setting.name].format(k=c.k, image=name), f"{setting.kl:.3g}",
                f"{setting.probability:.1%}",
                "–" if setting.agreement is None else f"{setting.agreement:.0%}",
            )
            for name, setting in settings
        ),
    )  # fmt: skip


def shares(run: Run, choices: Choices) -> Lines:
    """Attention on the image: of the text, of the image itself, and if it were spread evenly."""
    c = choices.clamped(run)
    inside = inside_of(run)
    rows = tokens.rows_of(run, c.rows)
    of_text = analysis.visual_share_of_text(inside.attention, rows)
    of_image = analysis.visual_share_of_visual(inside.attention)
    even = np.full(run.layers, sink_verdict(run, c.rows).uniform_visual_share)
    return Lines(
        name="attention_on_image",
        title=text.MIGRATION_TITLES["shares"],
        x_label=text.LAYER,
        y_label=text.SHARE_UNIT,
        unit="",
        caption=text.SHARES_CAPTION.format(rows=tokens.rows_in_words(run, c.rows)),
        summary=text.SHARES_SUMMARY.format(
            first=of_text[0], most=of_text.max(), layer=int(of_text.argmax()), last=of_text[-1]
        ),
        x=range(run.layers),
        series=(
            Series(text.TEXT_TO_VISUAL, of_text, style.SEGMENTS["visual"]),
            Series(text.VISUAL_TO_VISUAL, of_image, style.CURVES[0], "dash", "square"),
            Series(text.EVEN, even, style.GREY, "dot", "diamond"),
        ),
        y_range=(0, 1.02), k_line=KLine("x", c.k, -0.5),
    )  # fmt: skip


def share_per_token(run: Run, choices: Choices) -> Heatmap:
    """Each text token's attention on the image, layer by layer."""
    c = choices.clamped(run)
    values = analysis.visual_share_per_token(inside_of(run).attention)
    layer, query = np.unravel_index(values.argmax(), values.shape)
    return Heatmap(
        name="attention_on_image_by_token",
        title=text.MIGRATION_TITLES["share_per_token"],
        x_label=text.TEXT_TOKEN,
        y_label=text.LAYER,
        unit=text.SHARE_UNIT,
        caption=text.PER_TOKEN_CAPTION,
        summary=text.PER_TOKEN_SUMMARY.format(
            piece=tokens.query_pieces(run)[query], layer=layer, most=values.max()
        ),
        values=values, low=0, high=float(values.max()),
        x_names=tokens.query_pieces(run),
        y_names=tuple(text.LAYER_NUMBER.format(layer=layer) for layer in range(run.layers)),
        y_ticks=tokens.number_ticks(run.layers),
        bands=tokens.query_bands(run), k_line=KLine("y", c.k, -0.5),
    )  # fmt: skip


def cosine(run: Run, choices: Choices) -> Heatmap:
    """How much the text tokens' states turn when the image is withdrawn at K."""
    c = choices.clamped(run)
    inside = inside_of(run)
    values, _ = analysis.similarity(inside, c.at)
    # The same scale at every K; at least a tenth wide, lest rounding look like an effect.
    low = min(float(np.floor(inside.cosine.astype(np.float64).min() * 10) / 10), 0.9)
    return _states(run, c, "cosine", values, low=low, high=1.0)


def norm_ratio(run: Run, choices: Choices) -> Heatmap:
    """How much longer or shorter they get."""
    c = choices.clamped(run)
    inside = inside_of(run)
    _, values = analysis.similarity(inside, c.at)
    away = max(float(np.abs(inside.norm_ratio.astype(np.float64) - 1).max()), 0.05)
    return _states(run, c, "norm_ratio", values, low=1 - away, high=1 + away)


def _states(run: Run, c: Choices, key: str, values: object, *, low: float, high: float) -> Heatmap:
    of_norm = key == "norm_ratio"
    values = np.asarray(values, dtype=np.float64)
    at = np.abs(values - 1).argmax()
    state, query = np.unravel_index(at, values.shape)
    caption, summary = (
        (text.NORM_CAPTION, text.NORM_SUMMARY) if of_norm
        else (text.COSINE_CAPTION, text.COSINE_SUMMARY)
    )  # fmt: skip
    if c.k == run.layers:
        summary = text.SIMILARITY_SAME
    extreme = float(values[state, query])
    return Heatmap(
        name=f"states_{key}",
        title=text.MIGRATION_TITLES[key].format(k=c.k),
        x_label=text.TEXT_TOKEN,
        y_label=text.STATE,
        unit=key.replace("_", " "),
        caption=caption.format(k=c.k),
        summary=summary.format(
            piece=tokens.query_pieces(run)[query], state=state, least=extreme, most=extreme
        ),
        values=values, low=low, high=high, diverging=of_norm,
        x_names=tokens.query_pieces(run),
        y_names=tuple(text.STATE_NUMBER.format(state=x) for x in range(run.layers + 1)),
        y_ticks=tokens.number_ticks(run.layers + 1),
        bands=tokens.query_bands(run), k_line=KLine("y", c.k, 0.5),
    )  # fmt: skip


def lens_words(run: Run, choices: Choices) -> Heatmap:
    c = choices.clamped(run)
    return lens.words(run, c.token, c.at)


def lens_probability(run: Run, choices: Choices) -> Lines:
    c = choices.clamped(run)
    return lens.probability(run, c.token, c.at)


def lens_patches(run: Run, choices: Choices) -> Heatmap | None:
    c = choices.clamped(run)
    return lens.patches(run, c.state or 0, c.grid)


def charts(run: Run, choices: Choices) -> list[Chart]:
    """Every chart of this theme that the run has, in the order that tells the story."""
    made = [make(run, choices) for make in CHARTS.values()]
    return [chart for chart in made if chart is not None]


CHARTS: dict[str, Callable[[Run, Choices], Chart | None]] = {
    "joint": joint,
    "causal_kl": causal_kl,
    "causal_probability": causal_probability,
    "settings_table": settings_table,
    "shares": shares,
    "share_per_token": share_per_token,
    "lens": lens_words,
    "lens_probability": lens_probability,
    "lens_patches": lens_patches,
    "cosine": cosine,
    "norm_ratio": norm_ratio,
}


def _answer_length(run: Run) -> int:
    return len(run.answer_ids[run.layers])
