"""Measure the embedded model on held-out scenes and write the tables of its model card.

``python -m embedded_model.evaluate`` prints the tables; ``--card`` writes them into the card.
An answer is right when it is exactly the expected text. At each K it is right when every token of
the expected answer, and then the end, is the most likely one: that is what greedy decoding gives.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embedded_model.card import write_measured
from embedded_model.export import FOLDER
from embedded_model.questions import KINDS, SHORT_KINDS, Question, ask
from embedded_model.scenes import draw, random_scene
from vtw_core import VisualTokenWithdrawal, load_model
from vtw_core.analysis.cost import flops_at_every_k
from vtw_core.analysis.kl import kl_divergence
from vtw_core.generation import Prepared, prepare, teacher_forced_logits
from vtw_core.results import DEFAULT_ETA, choose_k

PICTURE_SIDE = 224
CALIBRATION_SAMPLES = 20
# Far from every seed of training, so no scene is shared with it.
HELD_OUT_SEED = 2_000_000_011
SEGMENT_GROUPS = ("bos", "system", "visual", "question")


@dataclass
class Measured:
    """Per kind of question: ``right`` and ``kl`` are lists of [L+1] rows, one per question."""

    layers: int
    text_tokens: list[int] = field(default_factory=list)
    visual_tokens: int = 0
    right: dict[str, list[NDArray[Any]]] = field(default_factory=lambda: defaultdict(list))
    kl: dict[str, list[NDArray[Any]]] = field(default_factory=lambda: defaultdict(list))
    mass: list[NDArray[Any]] = field(default_factory=list)
    """[L, segment] share of the question rows' attention, mean over heads and rows."""
    flops_share: NDArray[Any] | None = None

    def accuracy(self, kinds: tuple[str, ...]) -> NDArray[Any]:
        """[L+1] mean over the kinds of their accuracy, each kind weighing the same."""
        return np.mean([np.mean(self.right[kind], axis=0) for kind in kinds], axis=0)


def held_out(seed: int, per_kind: int) -> list[tuple[Any, list[Question]]]:
    """Pictures with their questions, ``per_kind`` of each kind in all."""
    rng = random.Random(seed)
    left = dict.fromkeys(KINDS, per_kind)
    pairs = []
    while any(left.values()):
        scene = random_scene(rng)
        picture = draw(scene, rng, PICTURE_SIDE)
        questions = []
        for kind in KINDS:
            question = ask(scene, kind, rng) if left[kind] else None
            if question is not None:
                questions.append(question)
                left[kind] -= 1
        pairs.append((picture, questions))
    return pairs


def _answer_ids(vlm: Any, answer: str) -> list[int]:
    tokenizer = vlm.processor.tokenizer
    return [*tokenizer(f" {answer}", add_special_tokens=False).input_ids, tokenizer.eos_token_id]


def _at_every_k(vlm: Any, prepared: Prepared, wanted: list[int]) -> tuple[Any, Any]:
    """``right`` bool [L+1] and first-token KL [L+1] of one question."""
    target = torch.tensor(wanted)
    rows = [
        teacher_forced_logits(vlm, prepared, VisualTokenWithdrawal(k), wanted)
        for k in range(vlm.layers + 1)
    ]
    right = np.array(
        [bool((torch.as_tensor(row).argmax(-1).cpu() == target).all()) for row in rows]
    )
    kl = np.array([float(kl_divergence(row[:1], rows[-1][:1])[0]) for row in rows])
    return right, kl


def _attention_mass(vlm: Any, picture: Any, prompt: str) -> NDArray[Any]:
    """[L, segment]: where the question rows look, in one pass with eager attention."""
    inputs = vlm.inputs(picture, prompt)
    segments = np.array(vlm.layout(inputs).segments)
    before = vlm.model.config.text_config._attn_implementation
    vlm.model.set_attn_implementation({"text_config": "eager"})
    try:
        with torch.no_grad():
            attentions = vlm.model(**inputs, output_attentions=True, use_cache=False).attentions
    finally:
        vlm.model.set_attn_implementation({"text_config": before})
    rows = np.flatnonzero(segments == "question")
    maps = np.stack([layer[0].float().mean(0).numpy()[rows].mean(0) for layer in attentions])
    return np.stack([maps[:, segments == name].sum(1) for name in SEGMENT_GROUPS], axis=1)


def baseline_table(vlm: Any, seed: int, per_kind: int) -> str:
    """Only the baseline, K = L: so much faster that many more questions can be asked."""
    right: dict[str, list[bool]] = defaultdict(list)
    for picture, questions in held_out(seed, per_kind):
        for question in questions:
            prepared = prepare(vlm, picture, question.text)
            wanted = _answer_ids(vlm, question.answer)
            logits = teacher_forced_logits(vlm, prepared, VisualTokenWithdrawal(vlm.layers), wanted)
            right[question.kind].append(logits.argmax(-1).tolist() == wanted)
    lines = [f"{kind}: {np.mean(right[kind]):.1%} of {len(right[kind])}" for kind in KINDS]
    four = [hit for kind in ("color", "shape", "count", "position") for hit in right[kind]]
    return "\n".join([*lines, f"color, shape, count, position together: {np.mean(four):.1%}"])


def evaluate(vlm: Any, seed: int, per_kind: int) -> Measured:
    measured = Measured(vlm.layers)
    for picture, questions in held_out(seed, per_kind):
        for question in questions:
            prepared = prepare(vlm, picture, question.text)
            right, kl = _at_every_k(vlm, prepared, _answer_ids(vlm, question.answer))
            measured.right[question.kind].append(right)
            measured.kl[question.kind].append(kl)
            visual = len(prepared.layout.visual)
            measured.visual_tokens = visual
            measured.text_tokens.append(prepared.layout.total - visual)
        if questions:
            measured.mass.append(_attention_mass(vlm, picture, questions[0].text))
    text_tokens = round(float(np.mean(measured.text_tokens)))
    flops = flops_at_every_k(vlm.dims, text_tokens, measured.visual_tokens)
    measured.flops_share = flops / flops[-1]
    return measured


def calibrate(vlm: Any, seed: int) -> tuple[int, NDArray[Any]]:
    """K* of the mean first-token KL over a few short questions, as VTW's code chooses K."""
    rows: list[NDArray[Any]] = []
    for picture, questions in held_out(seed, CALIBRATION_SAMPLES):
        for question in questions:
            if question.kind in SHORT_KINDS and len(rows) < CALIBRATION_SAMPLES:
                prepared = prepare(vlm, picture, question.text)
                rows.append(_at_every_k(vlm, prepared, _answer_ids(vlm, question.answer))[1])
    curve = np.mean(rows, axis=0)
    return choose_k(curve, DEFAULT_ETA), curve


def tables(measured: Measured, k_star: int, curve: NDArray[Any]) -> str:
    """The tables of the model card, as Markdown."""
    layers = measured.layers
    ks = range(layers + 1)
    count = len(measured.right["color"])
    short = measured.accuracy(SHORT_KINDS)
    assert measured.flops_share is not None
    lines = [
        f"Exactly right answers in percent on held-out scenes, {count} questions of each kind, at "
        f"each K (K = {layers}: the baseline, nothing withdrawn).",
        "",
        "| question | " + " | ".join(f"K={k}" for k in ks) + " |",
        "|---|" + "---:|" * (layers + 1),
    ]
    for kind in KINDS:
        row = np.mean(measured.right[kind], axis=0) * 100
        lines.append(f"| {kind} | " + " | ".join(f"{value:.0f}" for value in row) + " |")
    lines.append(
        "| **mean of the short kinds** | " + " | ".join(f"**{v * 100:.1f}**" for v in short) + " |"
    )
    lines += [
        "| prefill FLOPs, % of the baseline | "
        + " | ".join(f"{share * 100:.0f}" for share in measured.flops_share) + " |",
        "",
        "Mean KL(P withdrawn at K ‖ P full) in nats at the first answer token.",
        "",
        "| question | " + " | ".join(f"K={k}" for k in ks) + " |",
        "|---|" + "---:|" * (layers + 1),
    ]  # fmt: skip
    for kind in KINDS:
        row = np.mean(measured.kl[kind], axis=0)
        lines.append(f"| {kind} | " + " | ".join(f"{value:.2g}" for value in row) + " |")
    lines += [
        "",
        "Where the question's rows look: share of their attention in percent, mean over heads, "
        "rows and pictures, nothing withdrawn.",
        "",
        "| segment | " + " | ".join(f"layer {k}" for k in range(layers)) + " |",
        "|---|" + "---:|" * layers,
    ]
    mass = np.mean(measured.mass, axis=0)
    for index, name in enumerate(SEGMENT_GROUPS):
        lines.append(f"| {name} | " + " | ".join(f"{v * 100:.0f}" for v in mass[:, index]) + " |")
    saved = 1 - measured.flops_share[k_star]
    lines += [
        "",
        f"Choosing K as VTW does: mean first-token KL over {CALIBRATION_SAMPLES} calibration "
        f"questions, η = {DEFAULT_ETA}: **K* = {k_star}** of {layers} (KL there "
        f"{curve[k_star]:.2g} nats). At K*: {saved * 100:.0f} % of the decoder's prefill FLOPs "
        f"saved; short answers {short[k_star] * 100:.1f} % right against {short[-1] * 100:.1f} % "
        "at the baseline.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--per-kind", type=int, default=100)
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED)
    parser.add_argument("--baseline", action="store_true", help="only K = L, without the tables")
    parser.add_argument("--card", action="store_true", help="write the tables into the model card")
    arguments = parser.parse_args()
    vlm = load_model(arguments.model)
    vlm.limit_threads()
    if arguments.baseline:
        print(baseline_table(vlm, arguments.seed, arguments.per_kind))
        return
    k_star, curve = calibrate(vlm, arguments.seed + 1)
    report = tables(evaluate(vlm, arguments.seed, arguments.per_kind), k_star, curve)
    print(report)
    if arguments.card:
        write_measured(FOLDER / "README.md", report)


if __name__ == "__main__":
    main()
