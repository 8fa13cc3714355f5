"""``python -m benchmarks.methods``: methods at equal budget on the embedded model's held-out set.

Takes about ten minutes on one thread. Keeps every number in ``assets/methods.vtwb``, which the page
shows too, and writes docs/equal-budget.md and its figures. ``--per-kind N`` asks more or fewer
questions, ``--report`` writes the section again without measuring, ``--dry`` changes no file.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from benchmarks.methods import report
from benchmarks.methods.contenders import settings
from benchmarks.methods.measuring import measure
from embedded_model.evaluate import HELD_OUT_SEED, calibrate, held_out
from embedded_model.export import FOLDER
from embedded_model.questions import KINDS, SHORT_KINDS, Question
from vtw_core import load_model
from vtw_core.engine.generation import prepare
from vtw_core.measures.cost import VTW_CONVENTION
from vtw_core.results.equal_budget import (
    MEASURES,
    BudgetComparison,
    Contender,
    load_budget_comparison,
)
from vtw_core.results.run import DEFAULT_ETA

PER_KIND = 15
_FITTED_ON = 3  # questions of each kind
# Away from the seeds of the model card's tables, and of one another.
_ASKED, _FITTED = 100, 200


def compare(per_kind: int, seed: int = HELD_OUT_SEED) -> BudgetComparison:
    """Everything on ``per_kind`` held-out questions of each kind."""
    vlm = load_model("embedded")
    k_star, _ = calibrate(vlm, seed + 1)
    questions, for_fit = _questions(seed + _ASKED, per_kind), _questions(seed + _FITTED, _FITTED_ON)
    visual = len(prepare(vlm, questions[0][0], questions[0][1].text).layout.visual)
    samples = [(picture, question.text) for picture, question in for_fit]
    chosen, missing = settings(vlm, visual, k_star, samples)
    print(f"K* = {k_star}; {len(chosen)} settings, {len(questions)} questions", flush=True)
    rows = []
    for number, (picture, question) in enumerate(questions):
        start = time.perf_counter()
        rows.append(measure(vlm, picture, question, number, chosen))
        print(f"{number + 1} {question.kind} {time.perf_counter() - start:.1f} s", flush=True)
    kinds = tuple(question.kind for _, question in questions)
    return BudgetComparison(
        facts={
            "model": "embedded",
            "weights_sha256": hashlib.sha256(
                (FOLDER / "model.safetensors").read_bytes()
            ).hexdigest(),
            "layers": vlm.layers,
            "visual_tokens": visual,
            "k_star": k_star,
            "eta": DEFAULT_ETA,
            "questions_per_kind": per_kind,
            "seed": seed + _ASKED,
            "calibration_seed": seed + 1,
            "fit_seed": seed + _FITTED,
            "fit_questions": len(for_fit),
            "flops_convention": VTW_CONVENTION,
            **machine(),
            # Of the last 15 minutes: 1 is this benchmark alone; more, and the times are noisier.
            "load": round(os.getloadavg()[2], 1),
        },
        kinds=kinds,
        long_kinds=tuple(kind for kind in dict.fromkeys(kinds) if kind not in SHORT_KINDS),
        contenders=tuple(
            Contender(
                one.series, one.describe(), one.budget,
                {name: np.array([row[place][name] for row in rows]) for name in MEASURES},
            )
            for place, one in enumerate(chosen)
        ),
        out_of_reach=tuple(missing),
    )  # fmt: skip


def _questions(seed: int, per_kind: int) -> list[tuple[Any, Question]]:
    """``per_kind`` pictures with one question each, for every kind: questions that share a picture
    would be right or wrong together, and intervals over questions too narrow."""
    return [
        (picture, question)
        for number, kind in enumerate(KINDS)
        for picture, (question,) in held_out(seed + number, per_kind, (kind,))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--per-kind", type=int, default=PER_KIND, help="questions of each kind")
    parser.add_argument("--report", action="store_true", help="write it again, measure nothing")
    parser.add_argument("--dry", action="store_true", help="print the section, change no file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.report:
        comparison = load_budget_comparison(report.RESULTS)
    else:
        comparison = compare(arguments.per_kind)
    if arguments.dry:
        print(report.section(comparison))
        return
    if not arguments.report:
        comparison.save(report.RESULTS)
        comparison = load_budget_comparison(report.RESULTS)  # the document says what the file says
    report.write(comparison)


if __name__ == "__main__":
    main()
