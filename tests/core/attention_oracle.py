"""Attention statistics worked out in full, from what eager attention gives out."""

import itertools

import numpy as np
import torch
from oracle import attention

from vtw_core.results.inside import SEGMENTS


def eager_weights(vlm, inputs, steps):
    """Per layer: the prompt's weights [h, prompt, prompt] and a row [h, keys] for every step."""
    with attention(vlm.model, "eager"):
        out = vlm.model.generate(
            **inputs, do_sample=False, max_new_tokens=steps + 1, min_new_tokens=steps + 1,
            return_dict_in_generate=True, output_attentions=True,
        )  # fmt: skip
    layers = len(out.attentions[0])
    prompt = [out.attentions[0][layer][0].double().numpy() for layer in range(layers)]
    rows = [
        [out.attentions[step][layer][0, :, 0].double().numpy() for step in range(1, steps + 1)]
        for layer in range(layers)
    ]
    return prompt, rows


def full_weights(prompt, rows, positions=None):
    """[h, n, n] of one layer, 0 where there is no row or key. `positions`: of the keys."""
    heads, n = prompt.shape[0], prompt.shape[1] + len(rows)
    where = np.arange(n) if positions is None else positions
    size = int(where[-1]) + 1
    out = np.zeros((heads, size, size))
    inner = where[: prompt.shape[1]]
    out[np.ix_(range(heads), inner, inner)] = prompt
    for count, row in enumerate(rows):
        at = where[prompt.shape[1] + count]
        out[:, at, where[: row.shape[1]]] = row
    return out


def statistics(weights, layout):
    """What a recorder should hold of one layer's weights [h, n, n], slowly and plainly."""
    n = weights.shape[1]
    names = [*layout.segments, *["answer"] * (n - layout.total)]
    text = [i for i, name in enumerate(names) if name not in ("visual", "padding")]
    of_segment = np.array([[name == one for one in SEGMENTS] for name in names], dtype=float)
    mean = weights.mean(0)
    seen = (weights.max(0) > 0).sum(0)
    mass = weights @ of_segment
    visual = [i for i, name in enumerate(names) if name == "visual"]
    logs = np.log(np.where(weights > 0, weights, 1))
    return {
        "query_positions": np.array(text),
        "mass": mass[:, text],
        "rows": mean[text],
        "visual_mass": mass[:, visual].mean(1),
        "received": mean.sum(0) / np.maximum(seen, 1),
        "entropy": -(weights * logs).sum(-1)[:, text],
    }


def binned(weights, edges):
    """[b, b] of one layer's weights [h, n, n]: mean over rows of the sum over keys."""
    mean = weights.mean(0)
    spans = list(itertools.pairwise(edges))
    return np.array([[mean[a:b, c:d].sum(1).mean() for c, d in spans] for a, b in spans])


def value_norms(cache, layer):
    """[n] mean over the heads of a layer's values in a KV cache."""
    return torch.linalg.vector_norm(cache.layers[layer].values[0].double(), dim=-1).mean(0).numpy()
