"""MustDrop's rules, as pure functions of arrays small enough to check by eye."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the dual-attention filter finds about a visual tokens.

    Attributes:
        share: [a] a token's part of all attention that the text gives the image, 0 to 1.
        peak: [a] the most that one text row gives it, 0 to 1.
        below_global: [a] share < gamma.
        below_individual: [a] peak < alpha.
        protected: [a] in the key set.
        falls: [a] below both and not protected.
    """

    share: FloatArray
    peak: FloatArray
    below_global: BoolArray
    below_individual: BoolArray
    protected: BoolArray

    @property
    def falls(self) -> BoolArray:
        return np.asarray(self.below_global & self.below_individual & ~self.protected)


def dual_attention(
    weights: ArrayLike, gamma: float, alpha: float, protected: ArrayLike | None = None
) -> Verdict:
    """The filter: token j falls if sum_i A_ij < gamma * sum_ij A_ij and max_i A_ij < alpha and j
    is not in the key set.

    Args:
        weights: A [t, a], attention of text rows to visual tokens, mean over heads.
        gamma: global threshold.
        alpha: individual threshold.
        protected: [a] which tokens are in the key set; None: none.
    """
    a = np.asarray(weights, dtype=np.float64)
    received, total = a.sum(axis=0), a.sum()
    keys = np.zeros(a.shape[1], bool) if protected is None else np.asarray(protected, bool)
    return Verdict(
        share=received / total if total > 0 else received,
        peak=a.max(axis=0, initial=0.0),
        below_global=received < gamma * total,
        below_individual=a.max(axis=0, initial=0.0) < alpha,
        protected=keys,
    )


def merged_windows(
    features: ArrayLike, grid: tuple[int, int], window: int, similarity: float
) -> IntArray:
    """Which patches become one token.

    The grid is cut into windows of `window` x `window` patches that do not overlap; at the right
    and lower edge they may be smaller. A window whose mean cosine similarity over all pairs of
    two different patches is at least `similarity` becomes one token; every patch of the other
    windows stays a token of its own.

    Args:
        features: [rows * cols, d] row by row.
        grid: (rows, cols).

    Returns:
        [rows * cols] each patch's token, numbered in the order of the tokens' first patches.
    """
    rows, cols = grid
    x = np.asarray(features, dtype=np.float64)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    first = np.arange(rows * cols)  # each patch's token, named by its first patch
    patches = first.reshape(rows, cols)
    for top in range(0, rows, window):
        for left in range(0, cols, window):
            inside = patches[top : top + window, left : left + window].ravel()
            n = len(inside)
            if n < 2:
                continue
            cosines = x[inside] @ x[inside].T
            if (cosines.sum() - np.trace(cosines)) / (n * (n - 1)) >= similarity:
                first[inside] = inside[0]
    return np.unique(first, return_inverse=True)[1].astype(np.int64)


def key_set(attention: ArrayLike, share: float) -> IntArray:
    """The ceil(share * n) tokens with the most attention [n], ascending; of equals the earlier."""
    score = np.asarray(attention, dtype=np.float64)
    # 0.08 * 25 is 2.0000000000000004 or so, which is two tokens and not three.
    count = int(np.ceil(share * len(score) - 1e-9))
    return np.sort(np.argsort(-score, kind="stable")[:count])
