"""Kullback-Leibler divergence between next-token distributions, in nats.

VTW's released code uses KL(P_withdrawn || P_full); a reader of the paper quotes the arguments
the other way round. Both are offered, and every figure names the one it shows.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

WITHDRAWN_FULL = "KL(P_withdrawn || P_full)"
FULL_WITHDRAWN = "KL(P_full || P_withdrawn)"


def log_softmax(logits: ArrayLike) -> FloatArray:
    """Log-probabilities over the last axis, in float64.

    Args:
        logits: [..., vocabulary], any real dtype.
    """
    x = np.asarray(logits, dtype=np.float64)
    x = x - x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


def kl_divergence(p_logits: ArrayLike, q_logits: ArrayLike) -> FloatArray:
    """KL(P || Q) in nats for every leading position.

    Laws: >= 0; 0 exactly when the two arrays are equal; not symmetric. Rounding below zero is
    lifted to 0. A token that P never gives (logit -inf) adds nothing.

    Args:
        p_logits: [..., vocabulary] logits of P.
        q_logits: [..., vocabulary] logits of Q, same shape.

    Returns:
        [...] float64.
    """
    log_p, log_q = log_softmax(p_logits), log_softmax(q_logits)
    if log_p.shape != log_q.shape:
        raise ValueError(f"logits of shape {log_p.shape} and {log_q.shape} cannot be compared")
    p = np.exp(log_p)
    with np.errstate(invalid="ignore"):
        terms = np.where(p > 0, p * (log_p - log_q), 0.0)
    return np.asarray(np.maximum(terms.sum(axis=-1), 0.0))
