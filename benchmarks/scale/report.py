"""The sections of ``docs/scale.md`` that are numbers, and its figure, from ``results.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.claims import AFTER, BEFORE
from benchmarks.report import ROOT, put_between
from benchmarks.scale.theory import Shape, prefill_flops, sample_bytes, sample_flops
from vtw_core.files.replacing import replacing
from vtw_core.measures.cost import DecoderDims

RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "scale.md"
FIGURE = ROOT / "docs" / "scale.svg"
MEASURED = ("<!-- measured: made by `python -m benchmarks.scale` -->", "<!-- end of measured -->")
WORKED_OUT = ("<!-- worked out: made by `python -m benchmarks.scale` -->",
              "<!-- end of worked out -->")  # fmt: skip

# Sustained FLOP/s of one GPU: an assumption, about a tenth of what the makers of current cards
# promise for dense bfloat16, since small batches of short rows keep none of them busy.
SUSTAINED = 100e12
IMAGES = 100_000
ANSWER = 5
# Published sizes: Llama-7B and 13B as in LLaVA-1.5 (Vicuna), Llama-2-70B.
MODELS = (
    ("7B, 576 visual", DecoderDims(32, 4096, 11008, 32, 32, 128), 576),
    ("7B, 2880 visual", DecoderDims(32, 4096, 11008, 32, 32, 128), 2880),
    ("13B, 576 visual", DecoderDims(40, 5120, 13824, 40, 40, 128), 576),
    ("13B, 2880 visual", DecoderDims(40, 5120, 13824, 40, 40, 128), 2880),
    ("70B, 576 visual", DecoderDims(80, 8192, 28672, 64, 8, 128), 576),
    ("70B, 2880 visual", DecoderDims(80, 8192, 28672, 64, 8, 128), 2880),
)


def measured(results: dict[str, Any]) -> str:
    """Markdown of what was measured."""
    facts = results["machine"]
    lines = [
        MEASURED[0],
        "Medians of runs that took turns in one process, CPU time of one thread of "
        f"{facts['processor']} ({facts['cores']} cores), torch {facts['torch']}, {facts['date']}; "
        f"random float32 LLaVA of width 256, {BEFORE} text tokens before the image and {AFTER} "
        "after it. Unit: one prefill of the full model. Predicted: FLOPs and bytes of "
        "`benchmarks/scale/theory.py`, "
        "where every K leaves the baseline's answer at once.",
        "",
        "| visual tokens | layers | answer tokens | answers that leave the baseline's | "
        "one sample, measured | predicted | memory kept, predicted / measured |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in results["growth"]:
        lines.append(
            f"| {one['visual']} | {one['layers']} | {one['answer']} | {one['leave']} | "
            f"{one['measured']:.2f} | {one['predicted']:.2f} | "
            f"{one['bytes_predicted'] / one['bytes']:.2f} |"
        )
    ratios = [one["measured"] / one["predicted"] for one in results["growth"]]
    lines += [
        "",
        f"Measured over predicted time: {min(ratios):.2f} to {max(ratios):.2f}.",
        "",
        "| records of 32 layers | appended, ms each | found by a later run, s in all | "
        "read and put together, s in all | on disk, MB | memory, MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for one in results["records"]:
        lines.append(
            f"| {one['count']} | {one['append'] / one['count'] * 1e3:.2f} | {one['find']:.2f} | "
            f"{one['read']:.1f} | {one['bytes'] / 1e6:.0f} | {one['peak'] / 1e6:.0f} |"
        )
    first = results["processes"][0]
    alone = first["fresh"] - first["finished"]
    lines += [
        "",
        "| processes on this machine, one thread each | work for 80 questions, CPU seconds of all "
        "processes against one |",
        "|---:|---:|",
    ]
    for one in results["processes"]:
        lines.append(f"| {one['processes']} | {(one['fresh'] - one['finished']) / alone:.2f} |")
    lines += [
        "",
        "![Cost of a sample with visual tokens, layers and answer tokens, measured and predicted; "
        "seconds to read records](scale.svg)",
        MEASURED[1],
    ]
    return "\n".join(lines)


def worked_out() -> str:
    """Markdown of what the sizes of large models say."""
    lines = [
        WORKED_OUT[0],
        "| model | prefill, TFLOPs | one sample, prefills | loop over K, prefills | "
        f"memory of a sample (2 bytes), MB | {IMAGES} samples, GPU hours |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, dims, visual in MODELS:
        shape = Shape(BEFORE, visual, AFTER, ANSWER)
        prefill, sample = prefill_flops(dims, shape), sample_flops(dims, shape)
        hours = sample * IMAGES / SUSTAINED / 3600
        lines.append(
            f"| {name} | {prefill / 1e12:.1f} | {sample / prefill:.2f} | "
            f"{loop_prefills(dims, shape):.1f} | {sample_bytes(dims, shape, 2) / 1e6:.0f} | "
            f"{hours:.0f} |"
        )
    return "\n".join([*lines, WORKED_OUT[1]])


def loop_prefills(dims: DecoderDims, shape: Shape) -> float:
    """The first-token curve alone by one prefill for each K, in prefills of the full model."""
    text = Shape(shape.before, 0, shape.after, shape.answer)
    full, bare = prefill_flops(dims, shape), prefill_flops(dims, text)
    layers = dims.layers
    return sum(k / layers + (1 - k / layers) * bare / full for k in range(layers + 1))


def write(results: dict[str, Any]) -> None:
    """Put the sections into the page and draw the figure."""
    put_between(PAGE, *MEASURED, measured(results))
    put_between(PAGE, *WORKED_OUT, worked_out())
    with replacing(FIGURE) as file:
        figure(results).savefig(file, format="svg", metadata={"Date": None})


def figure(results: dict[str, Any]) -> Figure:
    """Four panels: a sample against visual tokens, layers, answer tokens; records."""
    drawn = Figure(figsize=(11, 2.9), layout="constrained")
    panels = drawn.subplots(1, 4)
    for axes, (varies, key, label) in zip(
        panels,
        (("side", "visual", "visual tokens"), ("layers", "layers", "layers"),
         ("answer", "answer", "answer tokens")),
        strict=False,
    ):  # fmt: skip
        rows = [one for one in results["growth"] if one["varies"] == varies]
        x = [row[key] for row in rows]
        axes.plot(x, [row["measured"] for row in rows], "o-", color="#1d4ed8", label="measured")
        axes.plot(x, [row["predicted"] for row in rows], "s--", color="#b45309", label="predicted")
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("one sample, in prefills")
    panels[0].legend(frameon=False, fontsize=8)
    counts = [one["count"] for one in results["records"]]
    for key, label, style in (
        ("append", "appended", "o-"), ("read", "read", "s--"), ("find", "found", "^:")
    ):  # fmt: skip
        panels[3].loglog(counts, [one[key] for one in results["records"]], style, label=label)
    panels[3].set_xlabel("records")
    panels[3].set_ylabel("seconds in all")
    panels[3].legend(frameon=False, fontsize=8)
    for axes in panels:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return drawn
