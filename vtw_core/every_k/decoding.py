"""The answer at every K, all of them decoded together after one full run and its sweep.

While row K chooses the tokens of the baseline answer, the sweep has its logits already: only rows
that leave the baseline answer are decoded, from where they leave it. The rows of one step are run
as one sequence with a mask that keeps them apart, so that what they share, the KV of the full
run, is held once and read once for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vtw_core.engine.generation import check_finite, end_tokens
from vtw_core.engine.withdrawal import refuse_nesting
from vtw_core.every_k.full_run import FullRun, additive, head, rotary, run_layer
from vtw_core.every_k.sweep import Sweep
from vtw_core.families.layout import Positions
from vtw_core.families.loaded import LoadedModel
from vtw_core.results.sampling import Sampling

_BASELINE = -1


@dataclass
class Branch:
    """The answer at one K.

    Attributes:
        k: first layer without the image.
        ids: the answer so far.
        leaves: answer position at which it leaves the baseline answer; None where it never does.
        stopped: whether it ended by itself.
    """

    k: int
    ids: list[int]
    leaves: int | None
    stopped: bool


class EveryAnswer:
    """The answers at K = 0..L-1 on their way; `steps` runs them to their end.

    Attributes:
        branches: [L] one for each K, in order.
    """

    def __init__(
        self,
        vlm: LoadedModel,
        full: FullRun,
        sweep: Sweep,
        max_new_tokens: int,
        sampling: Sampling,
        positions: Positions = "keep",
    ) -> None:
        self._vlm = vlm
        self._full = full
        self._limit = max_new_tokens
        self._sampling = sampling
        self._positions: Positions = positions
        self._ends = end_tokens(vlm)
        self.branches = [self._leave(sweep, k) for k in range(vlm.layers)]
        running = [branch for branch in self.branches if self.is_running(branch)]
        layers = range(vlm.layers if running else 0)
        self._caches = [_LayerBranches(full, sweep, index, running) for index in layers]

    def _leave(self, sweep: Sweep, k: int) -> Branch:
        """Follow the baseline answer as far as row K chooses its tokens."""
        baseline = self._full.ids
        others = np.flatnonzero(sweep.picks[k] != np.array(baseline))
        if not len(others):
            return Branch(k, list(baseline), None, baseline[-1] in self._ends)
        leaves = int(others[0])
        ids = [*baseline[:leaves], int(sweep.picks[k, leaves])]
        return Branch(k, ids, leaves, ids[-1] in self._ends)

    def is_running(self, branch: Branch) -> bool:
        """Whether the branch has tokens to come."""
        return branch.leaves is not None and not branch.stopped and len(branch.ids) < self._limit

    def steps(self) -> Iterator[int]:
        """Decode; after each forward pass yield the answer position that was fed."""
        for position in range(self._limit - 1):
            # A branch that leaves the baseline later has more tokens already; it waits.
            running = [
                b for b in self.branches if self.is_running(b) and len(b.ids) == position + 1
            ]
            if running:
                self._step(position, running)
                yield position
            elif not any(map(self.is_running, self.branches)):
                return

    @torch.inference_mode()
    def _step(self, position: int, running: list[Branch]) -> None:
        vlm, prepared = self._vlm, self._full.prepared
        refuse_nesting(vlm.model)
        tokens = torch.tensor([[b.ids[-1] for b in running]], device=prepared.input_ids.device)
        hidden = vlm.model.get_input_embeddings()(tokens)
        kept = prepared.positions_after(position, position + 1)
        left = kept
        if self._positions == "repack":
            first = int(prepared.positions.min())
            left = torch.full_like(kept, first + len(prepared.layout.text) + position)
        ks = np.array([b.k for b in running])
        for index, cache in enumerate(self._caches):
            visible = cache.visible(running)
            # One position for all rows; under "repack" it depends on whether the image has left.
            at = [left if k <= index else kept for k in ks]
            tables = rotary(vlm, index, hidden, torch.cat(at, dim=-1))
            mask = additive(visible, hidden.dtype)[None, None]
            hidden = run_layer(vlm, self._full, index, hidden, mask, tables, cache)
        logits = head(vlm, hidden[0])
        check_finite(logits)
        picks = self._sampling.choose(logits, position + 1).tolist()
        for branch, token in zip(running, picks, strict=True):
            branch.ids.append(token)
            branch.stopped = token in self._ends


class _LayerBranches:
    """The KV cache of one layer for all branches: what they share once, what is theirs after it.

    For each key it is known whose it is (`_BASELINE` or a K) and which position of prompt and
    answer it stands for. A branch whose image has left (K <= layer) sees the prefix and its own
    keys; any other sees the full run up to where it leaves the baseline answer, and its own.
    """

    def __init__(self, full: FullRun, sweep: Sweep, index: int, branches: list[Branch]) -> None:
        shared = full.cache.layers[index]
        total, r = full.prepared.layout.total, len(full.rows)
        keys, values = [shared.keys], [shared.values]
        owners = [np.full(shared.keys.shape[2], _BASELINE)]
        positions = [np.arange(shared.keys.shape[2])]
        for branch in branches:
            if branch.k <= index and branch.leaves is not None:
                count = r + branch.leaves
                keys.append(sweep.keys[index][branch.k, None, :, :count])
                values.append(sweep.values[index][branch.k, None, :, :count])
                owners.append(np.full(count, branch.k))
                positions.append(np.concatenate([full.rows, total + np.arange(branch.leaves)]))
        self._index = index
        self._total = total
        self._owners = np.concatenate(owners)
        self._used = len(self._owners)
        self._is_prefix = np.isin(np.concatenate(positions), full.prefix)
        self._positions = np.concatenate(positions)
        self._keys, self._values = torch.cat(keys, dim=2), torch.cat(values, dim=2)

    def visible(self, running: list[Branch]) -> Tensor:
        """[rows, keys] for one new token of each running branch, its own key included."""
        owners = np.concatenate([self._owners, [b.k for b in running]])
        shared = owners == _BASELINE
        rows = np.zeros((len(running), len(owners)), dtype=bool)
        known = len(self._owners)
        for row, branch in enumerate(running):
            if branch.k <= self._index:
                rows[row, :known] = shared[:known] & self._is_prefix
            else:
                assert branch.leaves is not None
                before = self._positions < self._total + branch.leaves
                rows[row, :known] = shared[:known] & before
            rows[row] |= owners == branch.k
        self._joining = owners[known:]
        return torch.as_tensor(rows, device=self._keys.device)

    def update(
        self, keys: Tensor, values: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """The transformers cache protocol: append the rows of this step, return all keys."""
        added = keys.shape[2]
        if self._used + added > self._keys.shape[2]:
            # Grown by half, so that a step does not copy what is there.
            more = max(added, self._keys.shape[2] // 2)
            self._keys = _grown(self._keys, self._used, more)
            self._values = _grown(self._values, self._used, more)
        self._keys[:, :, self._used : self._used + added] = keys
        self._values[:, :, self._used : self._used + added] = values
        self._used += added
        self._owners = np.concatenate([self._owners, self._joining])
        self._positions = np.concatenate([self._positions, np.full(added, self._total)])
        self._is_prefix = np.concatenate([self._is_prefix, np.zeros(added, dtype=bool)])
        return self._keys[:, :, : self._used], self._values[:, :, : self._used]


def _grown(kv: Tensor, used: int, more: int) -> Tensor:
    grown = kv.new_empty(*kv.shape[:2], used + more, kv.shape[3])
    grown[:, :, :used] = kv[:, :, :used]
    return grown
