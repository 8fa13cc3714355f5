"""How far a mean over samples may be off: the percentile bootstrap (numpy)."""

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import Sentence
from vtw_core.measures.arrays import FloatArray

BAND_LEVEL = 0.95
BAND_RESAMPLES = 2000
BAND_METHOD = Sentence(
    "{level:.0%} percentile bootstrap of the mean: {count} resamples of the samples with "
    "replacement, fixed seed",
    level=BAND_LEVEL,
    count=BAND_RESAMPLES,
)
_MOST_DRAWS = 2**20  # at a time


def bootstrap_band(curves: NDArray[np.float64]) -> FloatArray | None:
    """A 95 % band of the mean curve by the percentile bootstrap; None for fewer than two samples.

    KL is never negative and spans orders of magnitude, so a symmetric mean +- 1.96 standard
    errors would often reach below zero; percentiles of resampled means never do. The seed is
    fixed: the same records give the same band. With few samples it is somewhat too narrow.

    Args:
        curves: [samples, L+1].

    Returns:
        [2, L+1] lower and upper end.
    """
    count = len(curves)
    if count < 2:
        return None
    rng, even = np.random.default_rng(0), np.full(count, 1 / count)
    means = np.empty((BAND_RESAMPLES, curves.shape[1]))
    # Some at a time: all draws at once would take 16 kB for each sample.
    step = max(1, _MOST_DRAWS // count)
    for start in range(0, BAND_RESAMPLES, step):
        part = means[start : start + step]
        draws = rng.multinomial(count, even, size=len(part))
        # einsum without BLAS: its sums do not depend on the number of threads.
        part[:] = np.einsum("rn,nk->rk", draws / count, curves)
    tail = (1 - BAND_LEVEL) / 2
    return np.asarray(np.quantile(means, [tail, 1 - tail], axis=0))
