"""Small results to test with: a run whose numbers are easy to follow, and random insides."""

import dataclasses
import itertools

import numpy as np

from vtw_core import Run, Sampling
from vtw_core.results.inside import SEGMENTS, Attention, Counterfactual, Inside, Lens
from vtw_core.results.run import Seconds


def small_run(**changes):
    """A run of 3 layers whose numbers are easy to follow."""
    kl = np.array([[4.0, 8.0], [0.002, 1.0], [0.5, 0.1], [0.0, 0.0]])
    fields = {
        "model": "embedded",
        "model_type": "llava",
        "layers": 3,
        "k_min": 0,
        "prompt": "What?",
        "image_size": (40, 30),
        "grid": (1, 2),
        "visual_tokens": 2,
        "text_tokens": 3,
        "tokens": ("<s>", "USER", "<image>", "<image>", "What?"),
        "segments": ("bos", "system", "visual", "visual", "question"),
        "max_new_tokens": 4,
        "sampling": Sampling(0.5, 0.9, 7),
        "positions": "keep",
        "answers": ("no", "a ball", "a box", "a ball"),
        "answer_tokens": (("no",), ("a", " ball"), ("a", " box"), ("a", " ball")),
        "answer_ids": ((5,), (6, 7), (6, 8), (6, 7)),
        "stopped": (True, False, False, False),
        "first_tokens": (("no", "a"), ("a", "no"), ("a", "no"), ("a", "no")),
        "first_probabilities": np.array([[0.6, 0.4], [0.9, 0.1], [0.7, 0.2], [0.8, 0.1]]),
        "kl_positions": kl,
        "kl_positions_reverse": kl * 2,
        "flops": np.array([1.0, 2.0, 3.0, 4.0]),
        "flops_convention": "by hand",
        "kv_bytes": np.array([10, 20, 30, 40]),
        "kv_bytes_per_layer": 14,
        "seconds": Seconds(0.1, np.ones(4), np.ones(4), 0.5, 0.6, 9.0),
        "dtype": "float32",
        "device": "cpu",
        "versions": (("vtw_core", "0"),),
        "created": "2026-01-01T00:00:00+00:00",
    }
    return Run(**{**fields, **changes})


def random_inside(
    segments=("bos", "system", "visual", "visual", "question"),
    grids=((1, 2),),
    *,
    layers=3,
    heads=2,
    answer=2,
    counterfactuals=("white",),
    patch_lens=True,
    seed=0,
):
    """An inside of random numbers that keeps every law: rows of weights sum to 1, no row sees what
    is after it, K = L is the baseline, nothing is left on visual tokens from K on.

    `segments` are the prompt's; the visual ones are the patches of `grids`, row by row.
    """
    rng = np.random.default_rng(seed)
    prompt = len(segments)
    n = prompt + answer - 1
    where = np.array([*segments, *["answer"] * (answer - 1)])
    visual = np.flatnonzero(where == "visual")
    queries = np.array([i for i in range(visual[0], n) if where[i] != "visual"])
    of_segment = np.stack([where == name for name in SEGMENTS], axis=1).astype(float)

    scores = rng.normal(size=(layers, heads, n, n)) * 1.5
    scores[..., 0] += 2  # something of a sink
    scores = np.where(np.tril(np.ones((n, n), bool)), scores, -np.inf)
    weights = softmax(scores)
    mean = weights.mean(axis=1)
    blind = softmax(np.where(where == "visual", -np.inf, scores)).mean(axis=1)

    mass_at_k = np.empty((layers + 1, layers, len(queries), len(SEGMENTS)))
    for k in range(layers + 1):
        for layer in range(layers):
            seen = mean if layer < k else blind
            mass_at_k[k, layer] = seen[layer, queries] @ of_segment

    edges = np.unique(np.linspace(0, n, min(n, 64) + 1).astype(int))
    spans = list(itertools.pairwise(edges))
    image = np.stack([[mean[:, a:b, c:d].sum(-1).mean(-1) for c, d in spans] for a, b in spans])

    k, x, _ = np.ogrid[: layers + 1, : layers + 1, : len(queries)]
    cosine = np.where(x <= k, 1, 1 - 0.1 * rng.random((layers + 1, layers + 1, len(queries))))
    ids = rng.integers(5, 12, size=(layers + 1, layers + 1, answer, 3))
    falling = np.sort(rng.dirichlet(np.ones(8), size=(layers + 1, layers + 1, answer)))[..., ::-1]
    looked = (layers + 1, len(visual)) if patch_lens else (0, 0)
    tests = []
    for name in counterfactuals:
        kl = np.linspace(4, 0, layers + 1)[:, None] * rng.uniform(0.5, 1, answer)
        picks = rng.integers(5, 12, size=kl.shape)
        misled = 1 + kl[::-1]
        tests.append(Counterfactual(name, kl, -0.05 - kl, picks, misled, -0.05 - misled, picks))
    patches = [
        (g, row, col)
        for g, (rows, cols) in enumerate(grids)
        for row in range(rows)
        for col in range(cols)
    ]
    return Inside(
        attention=Attention(
            query_positions=queries,
            mass=weights[:, :, queries] @ of_segment,
            mass_at_k=mass_at_k,
            rows=mean[:, queries],
            visual_mass=(weights[:, :, visual] @ of_segment).mean(axis=2),
            received=mean.sum(axis=1) / np.arange(n, 0, -1),
            entropy=-(weights * np.log(np.maximum(weights, 1e-30))).sum(-1)[:, :, queries],
            image=np.moveaxis(image, 2, 0),
            edges=edges,
            value_norms=rng.uniform(0.5, 2, (layers, n)),
        ),
        lens=Lens(
            pieces={token: f" word{token}" for token in range(5, 12)},
            top=ids[-1],
            top_probabilities=falling[-1, ..., :3],
            answer_probability=falling[-1, ..., 0],
            first_top=ids[:, :, 0],
            first_top_probabilities=falling[:, :, 0, :3],
            first_probability=falling[:, :, 0, 0],
            patches=rng.integers(5, 12, size=looked),
            patch_probabilities=rng.random(looked),
        ),
        outliers=rng.uniform(2, 9, (layers + 1, n)),
        cosine=cosine,
        norm_ratio=np.where(x <= k, 1, rng.uniform(0.8, 1.2, cosine.shape)),
        log_probability=-rng.random((layers + 1, answer)),
        patches=patches,
        grids=grids,
        counterfactuals=tuple(tests),
    )


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def with_random_inside(run, **options):
    """The run with a random inside of its own size."""
    return dataclasses.replace(
        run,
        inside=random_inside(
            run.segments,
            layers=run.layers,
            answer=len(run.answer_ids[run.layers]),
            grids=(run.grid,),
            **options,
        ),
    )
