"""Measure the shipped 135 M model: ``python -m embedded_model.smollm2.evaluate [--card]``.

Everything is measured on scenes that training never drew: answers with nothing withdrawn and at K*,
per kind; the same in styles that no training picture had and in wordings that no training question
had; K* over calibration questions; where attention goes; and what is left of the language.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from embedded_model.card import write_measured
from embedded_model.smollm2.bank import Bank, held_out_bank, palette_bank
from embedded_model.smollm2.conversation import Packer
from embedded_model.smollm2.decoder import LayeredDecoder
from embedded_model.smollm2.dialogue import Seeing
from embedded_model.smollm2.export import FOLDER
from embedded_model.smollm2.language import ANSWER_TOKENS, QUESTIONS, measure_language
from embedded_model.smollm2.measure import Gaze, Measured, gaze, measure
from embedded_model.smollm2.questions import ALL_KINDS, SHORT_KINDS, TAUGHT, UNTAUGHT, Wordings
from embedded_model.smollm2.render import Painter
from embedded_model.tables import table
from vtw_core import load_model
from vtw_core.loading.loading import resolve
from vtw_core.results.run import DEFAULT_ETA, choose_k

# Far from every seed of training, so no scene is shared with it.
HELD_OUT_SEED = 2_000_000_011
CALIBRATION_SAMPLES = 20
DOCS = Path(__file__).resolve().parents[2] / "docs"
SHOWN = (10, 15)  # other K at which the palette is measured


def seeing(vlm: Any, bank: Bank) -> Seeing:
    """The shipped model in front of scenes of ``bank``."""
    inner = vlm.model.model
    tokenizer = vlm.processor.tokenizer.backend_tokenizer
    return Seeing(
        Painter(bank, str(vlm.device)), inner.vision_tower, inner.multi_modal_projector,
        LayeredDecoder(inner.language_model), Packer(tokenizer),
    )  # fmt: skip


def calibrated_k(vlm: Any, bank: Bank, seed: int) -> tuple[int, np.ndarray]:
    """K* of the mean first-token KL over short questions, and that mean at every K in nats."""
    each = -(-CALIBRATION_SAMPLES // len(SHORT_KINDS))
    measured = measure(
        seeing(vlm, bank), bank, per_kind=each, size=8, seed=seed, kinds=tuple(SHORT_KINDS)
    )
    rows = [row for kind in SHORT_KINDS for row in measured.kl_first[kind]]
    curve = np.mean(rows[:CALIBRATION_SAMPLES], axis=0)
    return choose_k(curve, DEFAULT_ETA), curve


def accuracy_rows(columns: dict[str, Measured]) -> list[list[str]]:
    """Percent right at the full model per kind, one column for each measurement."""
    rows = []
    for kind in ALL_KINDS:
        cells = [
            f"{measured.accuracy([kind])[-1]:.1f}" if measured.right.get(kind) else "-"
            for measured in columns.values()
        ]
        rows.append([kind, *cells])
    short = [f"**{measured.accuracy(SHORT_KINDS)[-1]:.1f}**" for measured in columns.values()]
    return [*rows, ["**all short kinds**", *short]]


def gaze_table(seen: Gaze) -> str:
    return table(
        ["layer", "first token", "system prompt", "picture", "later text", "heads > 0.3"],
        [
            [str(layer), *(f"{share:.1f}" for share in shares), f"{sinks:.0f}"]
            for layer, (shares, sinks) in enumerate(zip(seen.shares, seen.sinks, strict=True))
        ],
    )


def report(vlm: Any, per_kind: int, seed: int, size: int) -> str:
    bank = palette_bank()
    k_star, curve = calibrated_k(vlm, bank, seed + 1)
    samples: dict[str, tuple[Bank, Wordings]] = {
        "palette": (bank, TAUGHT),
        "Twemoji": (held_out_bank("twemoji"), TAUGHT),
        "drawn by hand": (held_out_bank("doodle"), TAUGHT),
        "untaught wordings": (bank, UNTAUGHT),
    }
    columns = {}
    for title, (sample, words) in samples.items():
        columns[title] = measure(
            seeing(vlm, sample), sample, per_kind=per_kind, size=size, seed=seed, words=words,
            ks=[*SHOWN, k_star] if title == "palette" else [],
        )  # fmt: skip
        print(f"{title}: {columns[title].accuracy(SHORT_KINDS)[-1]:.1f} %", flush=True)
    language = measure_language(vlm, Path(resolve(vlm.name)), DOCS)
    seen = gaze(seeing(vlm, bank), bank, size=8, seed=seed)
    own = columns["palette"]
    short, described = own.accuracy(SHORT_KINDS), own.accuracy(["describe"])
    two_step, kl = own.accuracy(["two-step"]), own.mean_kl(SHORT_KINDS)
    saved = _saved(vlm)
    deep = seen.shares[len(seen.shares) // 2 :]
    return "\n\n".join(
        (
            f"Right answers in percent, nothing withdrawn, on held-out scenes, {per_kind} "
            "questions of each kind. *Palette*: Noto and Fluent stickers and shapes, as visitors "
            "place them. *Twemoji* and *drawn by hand*: styles that no training picture had. "
            "*Untaught wordings*: the palette, asked in words that no training question had.",
            table(["question", *columns], accuracy_rows(columns)),
            f"Choosing K as VTW does: mean first-token KL over {CALIBRATION_SAMPLES} calibration "
            f"questions, η = {DEFAULT_ETA}: **K\\* = {k_star}** of {vlm.layers}. What withdrawal "
            "costs and saves at some K, on the palette (right answers in percent; saved: of the "
            "decoder's prefill FLOPs; KL: mean at the first token over all short questions, nats):",
            table(
                ["K", "saved", "short kinds", "two-step", "describe", "KL"],
                [
                    [
                        str(k),
                        f"{saved[k]:.0f} %",
                        f"{short[i]:.1f}",
                        f"{two_step[i]:.1f}",
                        f"{described[i]:.1f}",
                        f"{kl[i]:.2g}",
                    ]
                    for i, k in enumerate(own.ks)
                ],
            ),
            "Mean first-token KL over the calibration questions, nats: "
            + ", ".join(f"{k}: {curve[k]:.2g}" for k in range(4, vlm.layers + 1, 1)),
            "Where the rows after the picture look: share of their attention in percent, mean "
            "over heads and rows, nothing withdrawn; last column: percent of heads that give the "
            "first token more than 0.3 (mean over rows). In the deep half of the layers the first "
            f"token gets {deep[:, 0].min():.0f} to {deep[:, 0].max():.0f} % (mean "
            f"{deep[:, 0].mean():.0f}), the picture {deep[:, 2].min():.0f} to "
            f"{deep[:, 2].max():.0f} % (mean {deep[:, 2].mean():.0f}). Sink^0.3: "
            f"{seen.sinks.mean():.0f} % of all heads.",
            gaze_table(seen),
            f"The language: perplexity on pages of `docs/` {language.perplexity:.2f}, that of the "
            f"base {language.base_perplexity:.2f} "
            f"({100 * (language.perplexity / language.base_perplexity - 1):+.1f} %). Asked without "
            f"a picture it gives the base's first words ({ANSWER_TOKENS} tokens, greedy) to "
            f"{language.same_answers} of {len(QUESTIONS)} questions: "
            + "; ".join(
                f"*{question}* {answer!r}"
                for question, answer in zip(QUESTIONS, language.answers, strict=True)
            )
            + ".",
        )
    )


def _saved(vlm: Any) -> np.ndarray:
    """[L + 1] percent of the prefill's FLOPs that withdrawal at each K saves, for a question of
    usual length."""
    from PIL import Image

    run = vlm.explore(Image.new("RGB", (168, 168), "white"), "What is at the top left?",
                      max_new_tokens=1)  # fmt: skip
    return np.asarray(100 * (1 - run.flops / run.flops[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="smollm2", help="or the packed folder of a run")
    parser.add_argument("--per-kind", type=int, default=250)
    parser.add_argument("--size", type=int, default=16, help="scenes at once")
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED)
    parser.add_argument("--card", action="store_true", help="write the tables into the model card")
    arguments = parser.parse_args()
    vlm = load_model(arguments.model)
    vlm.limit_threads()
    text = report(vlm, arguments.per_kind, arguments.seed, arguments.size)
    print(text)
    if arguments.card:
        write_measured(Path(FOLDER) / "README.md", text, "measured")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
