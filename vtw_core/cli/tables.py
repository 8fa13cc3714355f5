"""Results as text for a terminal."""

from collections.abc import Callable, Sequence
from typing import Any

from vtw_core.analysis.rows import inside_of, select_rows
from vtw_core.analysis.sinks import segment_mass
from vtw_core.compare.evaluation import Evaluation
from vtw_core.families.adapters import ADAPTERS
from vtw_core.families.support import REFUSED
from vtw_core.files.printing import one_line
from vtw_core.loading.availability import Availability
from vtw_core.results.calibration import Reading, Setting
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.equal_budget import Estimate, Measure
from vtw_core.results.generation import Generation
from vtw_core.results.inside import SEGMENTS, Inside
from vtw_core.results.run import DIRECTION_LABELS, Rule, Run, Scope, rule_in_words

ANSWER_WIDTH = 60


def models_table(here: Sequence[Availability]) -> str:
    """Known models and whether this machine can run them, then families, supported and not."""
    first = here[0]
    free = "free memory unknown" if first.free is None else f"{first.free / 1e9:.1f} GB free"
    packed = f", {first.quantize}" if first.quantize else ""
    lines = [
        f"On {first.device} in {first.dtype}{packed}, {free}; the memory that a model takes is an "
        "estimate, its weights and a fifth.",
        "",
        f"{'known models':<48} {'params':>7} {'fetch':>8} {'memory':>8} {'licence':<20} here",
    ]
    for one in here:
        model = one.model
        licence = f"{model.licence}{' (gated)' if model.gated else ''}"
        ready = "ready" if one.fetched else "can be fetched"
        if model.gated and not one.fetched:
            ready += ", once its terms are accepted"
        lines.append(
            f"  {model.name:<46} {model.parameters / 1e9:>6.2f}B "
            f"{model.download_bytes / 1e9:>5.1f} GB {one.need / 1e9:>5.1f} GB "
            f"{licence:<20} {one.reason or ready}"
        )
    lines += ["", "supported families (any hub id or folder):"]
    lines += [
        f"  {kind:<15} e.g. {row.example}: {row.picture}" for kind, row in sorted(ADAPTERS.items())
    ]
    lines += ["", "not supported:"]
    lines += [f"  {kind:<15} {reason}" for kind, reason in sorted(REFUSED.items())]
    return "\n".join(lines)


def run_table(run: Run, eta: float, scope: Scope, rule: Rule) -> str:
    """KL, cost and answer at every K."""
    star = run.choose_k(eta, scope, rule)
    pictures = len(run.image_sizes)
    shown = f"{run.grid[0]} x {run.grid[1]}" if pictures == 1 else f"{pictures} images"
    lines = [
        f"{_model(run)}, {run.layers} layers; prompt of {run.prompt_tokens} "
        f"tokens, {run.visual_tokens} visual ({shown})",
        f"K* = {star}, {rule_in_words(rule, run.k_min)} ({eta:g} nats, {scope}, rule {rule}; "
        f"{run.layers} would mean that nothing can leave)",
        "KL(P_withdrawn || P_full) in nats; FLOPs and KV cache of the prompt against K = L",
        "",
        f"{'K':>4} {'KL first':>9} {'KL mean':>9} {'KL max':>9} {'FLOPs':>6} {'KV':>6}  answer",
    ]
    for k in range(run.layers + 1):
        mark = "*" if k == star else ("=" if run.same_as_baseline[k] else " ")
        lines.append(
            f"{k:>4} {run.kl_first_token[k]:>9.5f} {run.kl_answer[k]:>9.5f} "
            f"{run.kl_answer_max[k]:>9.5f} {run.flops[k] / run.flops[-1]:>6.1%} "
            f"{run.kv_bytes[k] / run.kv_bytes[-1]:>6.1%} {mark}{_clip(run.answers[k])}"
        )
    lines += ["", "* K*; = same answer as the baseline (the last row)"]
    return "\n".join(lines)


def inside_table(run: Run) -> str:
    """Where the text looks in every layer, and what exchanging the image there does."""
    inside = inside_of(run)
    rows = select_rows(inside, "all_text", run.prompt_tokens)
    mass = segment_mass(inside.attention, rows) * 100
    pieces = [lens_piece(inside, state + 1) for state in range(run.layers)]
    tests = inside.counterfactuals
    exchanged = "".join(f" {one_line(test.name)[:10]:>10}" for test in tests)
    names = "".join(f" {name:>8}" for name in SEGMENTS)
    lines = [
        "Attention of all text tokens after the image, % by segment, mean over heads; the",
        "likeliest first answer token after the layer (logit lens); mean KL in nats when the text",
        "sees another image from the layer on",
        "",
        f"{'layer':>5} {names}  {'says':<12}{exchanged}",
    ]
    for layer in range(run.layers):
        shares = "".join(f" {share:>8.1f}" for share in mass[layer])
        moved = "".join(f" {test.swapped_kl[layer].mean():>10.2g}" for test in tests)
        lines.append(f"{layer:>5} {shares}  {pieces[layer]:<12}{moved}")
    return "\n".join(lines)


def lens_piece(inside: Inside, state: int) -> str:
    """The likeliest first answer token in a state, fit for a column."""
    piece = inside.lens.pieces[int(inside.lens.top[state, 0, 0])]
    return repr(piece.strip())[1:-1][:12]


def calibration_table(reading: Reading) -> str:
    """A calibration at every K."""
    setting, star = reading.setting, reading.k_star
    lines = [
        f"{_model(setting)}, {reading.layers} layers; {reading.samples} "
        f"samples, {reading.answered} with an answer",
        f"K* = {star} of the mean curve, {rule_in_words(reading.rule, reading.k_min)} "
        f"({reading.eta:g} nats, {reading.scope}, rule {reading.rule}; {reading.layers} would mean "
        "that nothing can leave)",
        f"mean {DIRECTION_LABELS[reading.direction]}, with its 95 % band over the samples; FLOPs "
        "of the prefill against K = L",
        "",
        f"{'K':>4} {'mean KL':>10} {'low':>10} {'high':>10} {'same':>6} {'right':>6} {'FLOPs':>6} "
        f"{'K* here':>7}",
    ]
    for k in range(reading.layers + 1):
        low, high = (
            ("-", "-") if reading.kl_band is None else map("{:.5f}".format, reading.kl_band[:, k])
        )
        right = "-" if reading.accuracy is None else f"{reading.accuracy[k]:.0%}"
        lines.append(
            f"{k:>4} {reading.kl_mean[k]:>10.5f} {low:>10} {high:>10} {reading.agreement[k]:>6.0%} "
            f"{right:>6} {reading.flops_share[k]:>6.1%} {reading.histogram[k]:>7}"
            f"{' *' if k == star else ''}"
        )
    lines += ["", "* K*; same: answer as at K = L; K* here: samples whose own K* this is"]
    return "\n".join(lines)


def _model(one: Run | Setting | MethodComparison) -> str:
    return one_line(f"{one.model} ({one.model_type})")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _clip(answer: str) -> str:
    flat = one_line(answer)
    return flat if len(flat) <= ANSWER_WIDTH else f"{flat[: ANSWER_WIDTH - 3]}..."


def comparison_table(comparison: MethodComparison) -> str:
    """Methods beside the baseline."""
    labels = [one_line(entry.label) for entry in comparison.everyone]
    width = max(map(len, labels))
    lines = [
        f"{_model(comparison)}, {comparison.layers} layers; "
        f"{comparison.visual_tokens} visual and {comparison.text_tokens} text tokens",
        "KL(P_method || P_full) in nats on the baseline's answer; visual tokens: mean over the "
        "layers;",
        "FLOPs and KV cache of the prompt against the baseline; seconds measured",
        "",
        f"{'':<{width}} {'KL first':>9} {'KL mean':>9} {'KL max':>9} {'agrees':>6} {'visual':>6} "
        f"{'FLOPs':>6} {'KV':>6} {'prefill':>8} {'decode':>8}  answer",
    ]
    for label, entry in zip(labels, comparison.everyone, strict=True):
        mark = "=" if comparison.same_answer(entry) else " "
        lines.append(
            f"{label:<{width}} {entry.kl_first_token:>9.5f} {entry.kl_answer:>9.5f} "
            f"{entry.kl_answer_max:>9.5f} {entry.agreement:>6.0%} "
            f"{entry.mean_visual_tokens:>6.1f} {comparison.flops_share(entry):>6.1%} "
            f"{comparison.kv_share(entry):>6.1%} {entry.seconds.prefill:>8.4f} "
            f"{entry.seconds.decode:>8.4f} {mark}{_clip(entry.answer)}"
        )
    lines += ["", "= same answer as the baseline; agrees: positions of the baseline's answer where",
              "the method would say its token"]  # fmt: skip
    return "\n".join(lines)


def evaluation_table(result: Evaluation) -> str:
    """Methods over a data set."""
    setting = result.setting
    labels = ["baseline", *(one_line(method.label) for method in result.methods)]
    width = max(map(len, labels))
    columns: tuple[tuple[str, Measure, Callable[[float], str]], ...] = (
        ("right", "right", _percent),
        ("same", "same", _percent),
        ("KL mean", "kl_answer", "{:.4g}".format),
        ("visual", "visual_tokens", "{:.1f}".format),
        ("FLOPs", "flops", _percent),
        ("KV", "kv_bytes", _percent),
    )
    rows = [[label] for label in labels]
    for _, measure, form in columns:
        found = result.estimates(measure)
        for row, one in zip(rows, found or [None] * len(rows), strict=True):
            row.append(_interval(one, form))
    widths = [max(len(row[n]) for row in rows) for n in range(1, len(columns) + 1)]
    widths = [max(n, len(name)) for n, (name, _, _) in zip(widths, columns, strict=True)]
    heads = [f"{name:>{n}}" for n, (name, _, _) in zip(widths, columns, strict=True)]
    lines = [
        f"{_model(setting)}, {setting.layers} layers; {result.questions} "
        f"questions, {result.answered} with an answer",
        "means with 95 % intervals over the questions; right: of those with an answer; same: the",
        "baseline's answer, token for token; KL(P_full || P_method) in nats on the baseline's "
        "answer;",
        "visual tokens: mean over the layers; FLOPs and KV cache of the prompt against the "
        "baseline",
        "",
        "  ".join([" " * width, *heads]),
    ]
    for row in rows:
        cells = [f"{cell:>{n}}" for cell, n in zip(row[1:], widths, strict=True)]
        lines.append("  ".join([f"{row[0]:<{width}}", *cells]))
    return "\n".join(lines)


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _interval(one: Estimate | None, form: Callable[[float], str]) -> str:
    """A number with its interval, which is left out where it is a point."""
    if one is None:
        return "-"
    if form(one.low) == form(one.high):
        return form(one.value)
    return f"{form(one.value)} [{form(one.low)}, {form(one.high)}]"


def generation_summary(result: Generation) -> str:
    """One answer and what it cost."""
    visual = ", ".join(str(count) for count in result.visual_tokens_per_layer)
    cached = ", ".join(str(count) for count in result.trace.cached_visual_tokens_per_layer)
    vision = ", ".join(f"{count} {name}" for name, count in (result.vision or {}).items())
    strategy = ", ".join(
        str(value) if key == "name" else f"{key} = {_shown(value)}"
        for key, value in result.strategy.items()
    )
    return "\n".join(
        (
            result.answer,
            "",
            f"strategy        {strategy}",
            *([f"vision stage    {vision.replace('_', ' ')}"] if vision else []),
            f"visual tokens   {visual} (by layer)",
            *([f"  in the cache  {cached}"] if cached != visual else []),
            f"prefill FLOPs   {result.flops / 1e9:.3f} G, "
            f"{result.flops / result.flops_baseline:.1%} of the baseline "
            f"({result.flops_convention})",
            f"prompt KV cache {result.kv_bytes / 1e6:.3f} MB",
            f"seconds         image {result.encode_seconds:.3f}, "
            f"prefill {result.prefill_seconds:.3f}, decode {result.decode_seconds:.3f}",
        )
    )
