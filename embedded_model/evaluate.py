"""Measure the embedded model on held-out scenes and write the tables of its model card.

``python -m embedded_model.evaluate``: accuracy, KL and attention at every K, and what K* saves.
``--baseline``: only K = L, so much faster that many more questions can be asked.
``--foreign N``: drawings of another program, N pairs of each kind, beside our own scenes.
With ``--card`` each writes its own part of the card. An answer is right when it is exactly the
expected text and ends there.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embedded_model import gap, tables
from embedded_model.card import write_measured
from embedded_model.export import FOLDER
from embedded_model.questions import KINDS, SHORT_KINDS, Question, ask
from embedded_model.scenes import Scene, draw, random_scene
from embedded_model.tables import EveryK
from vtw_core import load_model, record
from vtw_core.results.inside import SEGMENTS
from vtw_core.results.run import DEFAULT_ETA, Run, choose_k

PICTURE_SIDE = 224
CALIBRATION_SAMPLES = 20
# Far from every seed of training, so no scene is shared with it.
HELD_OUT_SEED = 2_000_000_011
SEGMENT_GROUPS = ("bos", "system", "visual", "question")
FOUR = ("color", "shape", "count", "position")
_ROOM = 2  # tokens an answer may be longer than the right one before it is cut off: it is wrong


def held_out_scenes(
    seed: int, per_kind: int, kinds: tuple[str, ...] = KINDS
) -> Iterator[tuple[Scene, Any, list[Question]]]:
    """Scenes, their pictures and questions, ``per_kind`` of each kind in all."""
    rng = random.Random(seed)
    left = dict.fromkeys(kinds, per_kind)
    while any(left.values()):
        scene = random_scene(rng)
        picture = draw(scene, rng, PICTURE_SIDE)
        questions = []
        for kind in kinds:
            question = ask(scene, kind, rng) if left[kind] else None
            if question is not None:
                questions.append(question)
                left[kind] -= 1
        if questions:
            yield scene, picture, questions


def held_out(
    seed: int, per_kind: int, kinds: tuple[str, ...] = KINDS
) -> list[tuple[Any, list[Question]]]:
    """Pictures with their questions, ``per_kind`` of each kind in all."""
    return [found[1:] for found in held_out_scenes(seed, per_kind, kinds)]


def _looks(scene: Scene) -> tuple[str, str]:
    """What makes a scene hard or easy to see: its background, and how the things are placed."""
    background = "patterned background" if scene.background.pattern else "plain, gradient or noise"
    return background, "things that meet or overlap" if scene.overlaps else "things apart"


def _answer_ids(vlm: Any, answer: str) -> list[int]:
    tokenizer = vlm.processor.tokenizer
    return [*tokenizer(f" {answer}", add_special_tokens=False).input_ids, tokenizer.eos_token_id]


def is_right(vlm: Any, picture: Any, prompt: str, answer: str) -> bool:
    """Whether greedy decoding gives exactly ``answer`` and ends there, with nothing withdrawn."""
    given = vlm.generate(picture, prompt, max_new_tokens=room(vlm, answer))
    return bool(given.answer == answer and given.stopped)


def room(vlm: Any, answer: str) -> int:
    """Tokens that an answer may have: a few more than the right one."""
    return len(_answer_ids(vlm, answer)) + _ROOM


def _run(vlm: Any, picture: Any, question: Question) -> Run:
    run: Run = vlm.explore(picture, question.text, max_new_tokens=room(vlm, question.answer))
    return run


def right_at_every_k(run: Run, answer: str) -> NDArray[np.bool_]:
    """[L+1] whether the answer at K is exactly the expected one and ended by itself."""
    pairs = zip(run.answers, run.stopped, strict=True)
    return np.array([given == answer and stopped for given, stopped in pairs])


def _attention_mass(vlm: Any, picture: Any, prompt: str) -> NDArray[Any]:
    """[L, segment]: where the question rows look, in one pass."""
    inputs = vlm.inputs(picture, prompt)
    layout = vlm.layout(inputs)
    with record(vlm.model, layout) as recorder, torch.inference_mode():
        vlm.model(**inputs)
    is_question = np.array(layout.segments)[recorder.query_positions] == "question"
    groups = [SEGMENTS.index(name) for name in SEGMENT_GROUPS]
    return recorder.mass[:, :, is_question].mean(axis=(1, 2))[:, groups]


def evaluate(vlm: Any, seed: int, per_kind: int) -> EveryK:
    """Everything at every K; one exploration per question."""
    measured = EveryK(vlm.layers, SEGMENT_GROUPS)
    for picture, questions in held_out(seed, per_kind):
        for question in questions:
            run = _run(vlm, picture, question)
            measured.right.setdefault(question.kind, []).append(
                right_at_every_k(run, question.answer)
            )
            measured.kl_first.setdefault(question.kind, []).append(run.kl("first_token"))
            measured.kl_answer.setdefault(question.kind, []).append(run.kl("answer_mean"))
            if question.kind in SHORT_KINDS:
                measured.flops.append(run.flops)
        measured.mass.append(_attention_mass(vlm, picture, questions[0].text))
    return measured


def calibrate(vlm: Any, seed: int) -> tuple[int, NDArray[Any]]:
    """K* of the mean first-token KL over a few short questions, as VTW's code chooses K."""
    each = -(-CALIBRATION_SAMPLES // len(SHORT_KINDS))
    samples = [
        (picture, question)
        for picture, questions in held_out(seed, each, SHORT_KINDS)
        for question in questions
    ]
    runs = [_run(vlm, picture, question) for picture, question in samples[:CALIBRATION_SAMPLES]]
    curve = np.mean([run.kl("first_token") for run in runs], axis=0)
    return choose_k(curve, DEFAULT_ETA), curve


def report_every_k(measured: EveryK, k_star: int, curve: NDArray[Any]) -> str:
    """The tables over K, as Markdown."""
    saved, lost = tables.trade(measured, k_star, SHORT_KINDS)
    count = len(measured.right[KINDS[0]])
    accuracy = measured.accuracy(SHORT_KINDS) * 100
    return "\n\n".join(
        (
            f"Exactly right answers in percent on held-out scenes, {count} questions of each "
            f"kind, at each K (K = {measured.layers}: the baseline, nothing withdrawn).",
            tables.accuracy_table(measured, SHORT_KINDS),
            "Mean KL(P withdrawn at K ‖ P full) in nats at the first answer token.",
            tables.kl_table(measured, measured.kl_first),
            "The same, mean over all positions of the baseline's answer.",
            tables.kl_table(measured, measured.kl_answer),
            "Where the question's rows look: share of their attention in percent, mean over "
            "heads, rows and pictures, nothing withdrawn.",
            tables.mass_table(measured),
            f"Choosing K as VTW does: mean first-token KL over {CALIBRATION_SAMPLES} calibration "
            f"questions, η = {DEFAULT_ETA}: **K\\* = {k_star}** of {measured.layers} (KL there "
            f"{curve[k_star]:.2g} nats). At K\\*: {saved:.0f} % of the decoder's prefill FLOPs "
            f"saved and {lost:.1f} points of short-answer accuracy lost "
            f"({accuracy[k_star]:.1f} % against {accuracy[-1]:.1f} % at the baseline).",
        )
    )


def report_baseline(vlm: Any, seed: int, per_kind: int) -> str:
    """Percent right per kind with nothing withdrawn, as Markdown."""
    right: dict[str, list[bool]] = defaultdict(list)
    by_looks: dict[str, dict[bool, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for scene, picture, questions in held_out_scenes(seed, per_kind):
        for question in questions:
            hit = is_right(vlm, picture, question.text, question.answer)
            right[question.kind].append(hit)
            for look in _looks(scene):
                by_looks[look][question.kind in SHORT_KINDS].append(hit)
    rows = [[kind, f"{100 * np.mean(right[kind]):.1f}"] for kind in KINDS]
    four = [hit for kind in FOUR for hit in right[kind]]
    rows.append([f"**{', '.join(FOUR)}**", f"**{100 * np.mean(four):.1f}**"])
    return (
        f"Exactly right answers in percent at the baseline, {per_kind} questions of each kind.\n\n"
        + tables.table(["question", "right"], rows)
        + "\n\nThe same answers by what the picture shows (in brackets: how many questions).\n\n"
        + tables.table(
            ["picture", "short questions", "descriptions"],
            [[look, *(tables.share_of(by_looks[look][short]) for short in (True, False))]
             for look in sorted(by_looks)],
        )
    )  # fmt: skip


def report_foreign(vlm: Any, seed: int, per_kind: int) -> str:
    """The gap to drawings of another program, as Markdown."""

    def right(picture: Any, prompt: str, answer: str) -> bool:
        return is_right(vlm, picture, prompt, answer)

    trials = list(gap.trials(right, seed, per_kind))
    readings = list(gap.readings(right, seed + 1, 2 * per_kind))
    readings.sort(key=lambda r: (r.attribute, r.value))
    return "\n\n".join(
        (
            f"Exactly right answers in percent, nothing withdrawn, {per_kind} pairs of pictures of "
            "each kind: one of our own scenes and one drawing of another program with as many "
            "things. Gap: first column less last, with its standard error.",
            tables.gap_by_kind(trials),
            "The same answers by the style of the foreign drawing, beside those about the own "
            "scenes paired with it; both wordings.",
            tables.gap_by_style(trials),
            f"Which things are misread: things of {2 * per_kind} more pairs, named by their place, "
            "in our own wording.",
            tables.readings_table(readings),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--per-kind", type=int, default=60)
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--baseline", action="store_true", help="only K = L")
    only.add_argument("--foreign", type=int, metavar="N", help="other programs' drawings instead")
    parser.add_argument("--card", action="store_true", help="write the tables into the model card")
    arguments = parser.parse_args()
    vlm = load_model(arguments.model)
    vlm.limit_threads()
    if arguments.baseline:
        part, report = "baseline", report_baseline(vlm, arguments.seed, arguments.per_kind)
    elif arguments.foreign:
        part, report = "foreign", report_foreign(vlm, arguments.seed, arguments.foreign)
    else:
        k_star, curve = calibrate(vlm, arguments.seed + 1)
        part = "measured"
        report = report_every_k(evaluate(vlm, arguments.seed, arguments.per_kind), k_star, curve)
    print(report)
    if arguments.card:
        write_measured(FOLDER / "README.md", report, part)


if __name__ == "__main__":
    main()
