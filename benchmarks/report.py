"""The library's part of docs/performance.md and its figure, from ``results.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.claims import BEFORE, REFERENCE_FIRST
from vtw_core.files.replacing import replace_file, replacing

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = ROOT / "docs" / "performance.md"
FIGURE = ROOT / "docs" / "benchmarks.svg"
_COSTS = ("time", "memory")
START, END = "<!-- benchmarks: made by `make bench` -->", "<!-- end of benchmarks -->"


def section(results: dict[str, Any]) -> str:
    """Markdown between the two markers."""
    facts = results["machine"]
    curves = [results[name] for name in ("curve_576_short", "curve_576", "curve_2916")]
    layers = curves[0]["layers"]
    lines = [
        START,
        "Ratios of runs that took turns in one process, medians (one round at "
        f"{curves[-1]['visual']} visual tokens), {facts['threads']} thread(s) of "
        f"{facts['processor']}, torch {facts['torch']}, transformers {facts['transformers']}; "
        "random float32 weights except for the embedded model. Unit: one prefill of the full model "
        "over the same prompt, vision tower left out.",
        "",
        f"| first-token KL curve at every K, {layers} layers, {BEFORE} tokens before the image | "
        + " | ".join(f"{c['visual']} visual, {c['question']} after" for c in curves)
        + " |",
        "|---|---:|---:|---:|",
    ]
    for label, key, form in (
        ("**full run and sweep, in all**", "total", "**{:.2f}**"),
        (f"loop, one prefill for each of K = 0..{layers - 1}, and the full one", "loop", "{:.1f}"),
        (f"the same from K = {REFERENCE_FIRST} on, as in the released code", "reference_loop",
         "{:.1f}"),
        ("**sweep faster than the loop**", "times_faster", "**{:.1f}×**"),
        (f"sweep faster than the loop from K = {REFERENCE_FIRST} on", "times_faster_than_reference",
         "{:.1f}×"),
        ("greatest difference of the two curves, nats", "difference", "{:.1g}"),
        (f"sweep over a whole answer of {curves[0]['answer_tokens']} tokens, without the full run",
         "whole_answer_sweep",
         "{:.2f}"),
    ):  # fmt: skip
        cells = " | ".join(form.format(one[key]) for one in curves)
        lines.append(f"| {label} | {cells} |")
    lines += [
        "",
        "| prefill withdrawn at K = L/2 | measured, % of the full | FLOPs predict | measured / "
        "predicted |",
        "|---|---:|---:|---:|",
    ]
    for key in ("prefill_576", "prefill_2304"):
        row = results[key]
        lines.append(
            f"| {row['visual']} visual tokens, {row['layers']} layers | {row['measured']:.1%} | "
            f"{row['theory']:.1%} | {row['measured_over_theory']:.2f} |"
        )
    narrow, wide = results["recording_512"], results["recording_1024"]
    looked = results["inside_embedded"]
    lines += [
        "",
        f"| prefill over {narrow['visual']} visual tokens, {narrow['layers']} layers | "
        + " | ".join(f"time, width {row['width']} | peak memory, width {row['width']}"
                     for row in (narrow, wide))
        + " |",
        "|---|---:|---:|---:|---:|",
        "| plain, sdpa; memory beyond the weights | 1 | 1 | 1 | 1 |",
    ]  # fmt: skip
    for label, key in (
        ("**attention recorded**", "recorded"),
        ("eager with `output_attentions=True`", "eager"),
    ):
        costs = [f"{row[f'{key}_{what}']:.2f}" for row in (narrow, wide) for what in _COSTS]
        lines.append(f"| {label} | " + " | ".join(costs) + " |")
    lines += [
        "",
        f"A whole run of the embedded model takes {looked['inside']:.2f} times as long with its "
        f"inside recorded, and {looked['everything']:.2f} times with three causal tests and the "
        "patch lens besides.",
        "",
        "| answers at every K; unit: one generation | embedded, describe | random, 32 layers |",
        "|---|---:|---:|",
    ]
    one, deep = results["answers_embedded"], results["answers_deep"]
    for label, key, form in (
        ("answers", "answers", "{}"),
        ("of these leave the baseline answer", "leave_the_baseline", "{}"),
        ("tokens in the baseline answer", "tokens", "{}"),
        ("decoding all of them", "decoding", "{:.2f}"),
        ("full run, sweep and all answers", "everything", "{:.2f}"),
    ):
        lines.append(f"| {label} | {form.format(one[key])} | {form.format(deep[key])} |")
    held = results["memory"]
    lines += [
        "",
        f"A kept run holds {held['per_visual_token_and_layer']:.0f} bytes for each visual token "
        f"and layer (keys and values) and {held['per_question_token_and_layer']:.0f} for each "
        f"question token and layer (hidden state too), at width {held['width']} in float32.",
        "",
        f"![How sweep and loop grow with visual tokens, question tokens and layers]({FIGURE.name})",
        END,
    ]
    return "\n".join(lines)


def put_between(path: Path, start: str, end: str, section: str) -> None:
    """Put a section, which brings its two markers, in place of the old one in a file."""
    before, rest = path.read_text(encoding="utf-8").split(start)
    after = rest.split(end)[1]
    replace_file(path, before + section + after)


def write(results: dict[str, Any]) -> None:
    """Put the section into the document and draw the figure."""
    put_between(DOCUMENT, START, END, section(results))
    FIGURE.parent.mkdir(exist_ok=True)
    with replacing(FIGURE) as file:
        growth_figure(results["growth"]).savefig(file, format="svg", metadata={"Date": None})


def growth_figure(points: list[dict[str, Any]]) -> Figure:
    """Three panels: cost against visual tokens, question tokens, layers."""
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (varies, key, label) in zip(
        panels,
        (("patches_per_side", "visual", "visual tokens"),
         ("after", "question", "question tokens"), ("layers", "layers", "layers")),
        strict=True,
    ):  # fmt: skip
        rows = [point for point in points if point["varies"] == varies]
        x = [row[key] for row in rows]
        axes.plot(x, [row["loop"] for row in rows], "s--", color="#b45309", label="loop over K")
        axes.plot(
            x, [row["sweep"] for row in rows], "o-", color="#1d4ed8", label="full run and sweep"
        )
        axes.set_xlabel(label)
        axes.set_yscale("log")
        axes.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        axes.minorticks_off()
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("first-token curve,\nin prefills")
    panels[0].legend(frameon=False, fontsize=8)
    return figure
