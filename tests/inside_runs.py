"""Runs with random insides, of the sizes that the page has to cope with."""

import dataclasses

import numpy as np
from small_records import random_inside, small_run

from vtw_core.results.run import Seconds

SENTENCE = "what color is the shape at the top left of the picture , and how many are there ?"
QUESTION = SENTENCE.split(" ")
SIZES = {
    "usual": {"layers": 6, "heads": 3, "grids": ((4, 4),), "counterfactuals": ("white", "noise")},
    "one layer, one head, one answer token": {
        "layers": 1, "heads": 1, "answer": 1, "grids": ((1, 2),), "counterfactuals": (),
        "patch_lens": False,
    },
    "several grids": {"layers": 3, "grids": ((2, 2), (2, 3)), "counterfactuals": ("white",)},
    "forty layers": {"layers": 40, "heads": 2, "grids": ((6, 6),), "answer": 5},
}  # fmt: skip


def run_with_inside(*, layers=6, grids=((4, 4),), answer=3, question=None, **options):
    """A run of these sizes; what it says is made up, its inside keeps every law."""
    words = QUESTION if question is None else question
    visual = sum(rows * cols for rows, cols in grids)
    tokens = ("<s>", "You", "USER", *["<image>"] * visual, *words)
    segments = ("bos", "system", "system", *["visual"] * visual, *["question"] * len(words))
    falling = np.geomspace(4, 1e-5, layers)[:, None] * np.linspace(1, 0.3, answer)
    kl = np.vstack([falling, np.zeros(answer)])
    ids, every = tuple(range(5, 5 + answer)), range(layers + 1)
    run = small_run(
        layers=layers, grid=grids[0], visual_tokens=visual, text_tokens=len(tokens) - visual,
        tokens=tokens, segments=segments, answers=tuple("red" for _ in every),
        answer_tokens=tuple((" red",) * answer for _ in every),
        answer_ids=tuple(ids for _ in every), stopped=tuple(True for _ in every),
        first_tokens=tuple(("a", "no") for _ in every), max_new_tokens=64,
        first_probabilities=np.tile([0.6, 0.4], (layers + 1, 1)), kl_positions=kl,
        kl_positions_reverse=kl, flops=np.linspace(1, 4, layers + 1),
        kv_bytes=np.arange(1, layers + 2),
        seconds=Seconds(0.1, np.ones(layers + 1), np.ones(layers + 1), 0.5, 0.6, 9.0),
    )  # fmt: skip
    inside = random_inside(segments, grids, layers=layers, answer=answer, **options)
    return dataclasses.replace(run, inside=inside)
