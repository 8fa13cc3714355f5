"""A run of 2 layers, 2 heads and 6 positions, each number written down, so that eyes can check it.

Positions: 0 bos, 1 system, 2 and 3 visual (one row of two patches), 4 question, 5 the answer token
that was fed back. Text rows: 4 and 5. Weights are halves of halves, which half precision holds
exactly.
"""

import dataclasses

import numpy as np
from small_records import small_run

from vtw_core.results.inside import Attention, Counterfactual, Inside, Lens
from vtw_core.results.run import Seconds

# [l, h, q, s]: bos, system, visual, question, answer
MASS = [
    [
        [[0.125, 0.125, 0.5, 0.25, 0], [0.125, 0.125, 0.25, 0.25, 0.25]],
        [[0.25, 0.25, 0.25, 0.25, 0], [0.25, 0, 0.25, 0.25, 0.25]],
    ],
    [
        [[0.75, 0.125, 0.125, 0, 0], [0.5, 0.25, 0, 0.125, 0.125]],
        [[0.5, 0.25, 0.125, 0.125, 0], [0.5, 0.125, 0.125, 0.125, 0.125]],
    ],
]
# The mean over heads, by hand: [l, q, s]
LAYER_0 = [[0.1875, 0.1875, 0.375, 0.25, 0], [0.1875, 0.0625, 0.25, 0.25, 0.25]]
LAYER_1 = [[0.625, 0.1875, 0.125, 0.0625, 0], [0.5, 0.1875, 0.0625, 0.125, 0.125]]
BLIND_0 = [[0.25, 0.25, 0, 0.5, 0], [0.25, 0.25, 0, 0.25, 0.25]]
BLIND_1 = [[0.75, 0.25, 0, 0, 0], [0.5, 0.25, 0, 0.125, 0.125]]


def toy_inside(**changes):
    """Its inside."""
    fields = {
        "attention": Attention(
            query_positions=[4, 5],
            mass=MASS,
            mass_at_k=[[BLIND_0, BLIND_1], [LAYER_0, BLIND_1], [LAYER_0, LAYER_1]],
            rows=[
                [
                    [0.1875, 0.1875, 0.25, 0.125, 0.25, 0],
                    [0.1875, 0.0625, 0.0625, 0.1875, 0.25, 0.25],
                ],
                [
                    [0.625, 0.1875, 0.125, 0, 0.0625, 0],
                    [0.5, 0.1875, 0.03125, 0.03125, 0.125, 0.125],
                ],
            ],
            visual_mass=[
                [[0.25, 0.25, 0.5, 0, 0], [0.5, 0.25, 0.25, 0, 0]],
                [[0.5, 0.5, 0, 0, 0], [0.5, 0.25, 0.25, 0, 0]],
            ],
            received=[
                [0.5, 0.25, 0.25, 0.125, 0.25, 0.25],
                [0.625, 0.25, 0.5, 0.0625, 0.125, 0.125],
            ],
            entropy=np.ones((2, 2, 2)),
            image=np.tile([[1.0, 0], [0.5, 0.5]], (2, 1, 1)),
            edges=[0, 3, 6],
            value_norms=[[1, 1, 1, 1, 1, 1], [0.5, 2, 1, 4, 2, 2]],
        ),
        "lens": Lens(
            pieces={5: "no", 6: "a", 7: " ball", 8: " box"},
            top=[[[5], [7]], [[6], [8]], [[6], [7]]],
            top_probabilities=np.full((3, 2, 1), 0.5),
            answer_probability=np.full((3, 2), 0.25),
            first_top=[[[5], [5], [5]], [[5], [6], [5]], [[5], [6], [6]]],
            first_top_probabilities=np.full((3, 3, 1), 0.5),
            first_probability=np.full((3, 3), 0.25),
            patches=np.zeros((0, 0)),
            patch_probabilities=np.zeros((0, 0)),
        ),
        "outliers": [
            [4, 4, 4, 4, 4, 4],
            [2000, 4, 500, 4, 4, 4],
            [1500, 4, 1200, 4, 4, 4],
        ],
        "cosine": [
            [[1, 1], [0.5, 0.75], [0.25, 0.5]],
            [[1, 1], [1, 1], [0.75, 0.875]],
            [[1, 1], [1, 1], [1, 1]],
        ],
        "norm_ratio": [
            [[1, 1], [2, 1.5], [0.5, 0.75]],
            [[1, 1], [1, 1], [1.25, 1]],
            [[1, 1], [1, 1], [1, 1]],
        ],
        "log_probability": np.log([[0.25, 0.25], [0.5, 0.125], [1, 0.25]]),
        "patches": [[0, 0, 0], [0, 0, 1]],
        "grids": ((1, 2),),
        "counterfactuals": (
            Counterfactual(
                name="white",
                swapped_kl=[[2, 4], [1, 0], [0, 0]],
                swapped_log_probability=np.log([[0.25, 0.25], [0.5, 0.25], [1, 0.25]]),
                swapped_picks=[[5, 8], [6, 7], [6, 7]],
                misled_kl=[[3, 1], [5, 3], [2, 4]],
                misled_log_probability=np.log([[0.25, 0.0625], [0.5, 0.5], [0.125, 0.5]]),
                misled_picks=[[6, 8], [5, 8], [6, 7]],
            ),
        ),
    }  # fmt: skip
    return Inside(**{**fields, **changes})


def with_attention(**changes):
    """The toy's inside with other attention arrays."""
    inside = toy_inside()
    return dataclasses.replace(inside, attention=dataclasses.replace(inside.attention, **changes))


def toy_run(**changes):
    """The run; its inside is the toy's unless another is given."""
    kl = np.array([[4.0, 2.0], [0.5, 0.25], [0.0, 0.0]])
    fields = {
        "layers": 2,
        "answers": ("no", "a box", "a ball"),
        "answer_tokens": (("no",), ("a", " box"), ("a", " ball")),
        "answer_ids": ((5,), (6, 8), (6, 7)),
        "stopped": (True, False, False),
        "first_tokens": (("no", "a"), ("a", "no"), ("a", "no")),
        "first_probabilities": np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.1]]),
        "kl_positions": kl,
        "kl_positions_reverse": kl,
        "flops": np.array([1.0, 2.0, 3.0]),
        "kv_bytes": np.array([10, 20, 30]),
        "seconds": Seconds(0.1, np.ones(3), np.ones(3), 0.5, 0.6, 9.0),
        "inside": toy_inside(),
    }
    return small_run(**{**fields, **changes})
