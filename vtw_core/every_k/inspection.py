"""Observe the full run and the sweep, and put together the record of the inside of the model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vtw_core.attention.recording import AttentionRecorder
from vtw_core.engine.generation import Prepared
from vtw_core.every_k.full_run import FullRun, head
from vtw_core.every_k.sweep import Sweep
from vtw_core.families.adapters import decoder_layers
from vtw_core.families.loaded import LoadedModel
from vtw_core.families.prompts import display_pieces
from vtw_core.hooks.attention_calls import AttentionCall, AttentionCapture, capture_eager
from vtw_core.hooks.scoped import ContextHooks, context_hooks
from vtw_core.results.inside import SEGMENTS, Attention, Counterfactual, Inside, Lens

FloatArray = NDArray[np.float64]
TOP = 5
"""Words that the logit lens keeps of each state."""
# Weights of a sweep's layer computed at a time: 64 MB of float32.
_BLOCK = 16 * 2**20


class FullInspection:
    """Observes the full run (`full_run.RunObserver`): attention, outliers, patch lens."""

    def __init__(self, vlm: LoadedModel, prepared: Prepared, *, patch_lens: bool) -> None:
        self.recorder = AttentionRecorder(vlm.model, prepared.layout)
        self._vlm = vlm
        self._layout = prepared.layout
        self._patch_lens = patch_lens
        states = range(vlm.layers + 1)
        self._outliers: list[list[Tensor]] = [[] for _ in states]
        self._medians: list[Tensor] = []
        self._patches: list[tuple[Tensor, Tensor]] = []

    def attach(self, hooks: ContextHooks) -> None:
        """Put the hooks on the model."""
        self.recorder.attach(hooks)
        layers = decoder_layers(self._vlm.model)
        for index, layer in enumerate(layers):
            hooks.before(layer, partial(self._before, index))
        hooks.after(layers[-1], self._after_last)

    def _before(self, index: int, args: Any, kwargs: dict[str, Any]) -> None:
        self._see(index, args[0] if args else kwargs["hidden_states"])

    def _after_last(self, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        self._see(self._vlm.layers, output)

    def _see(self, state: int, hidden: Tensor) -> None:
        """hidden [1, rows, width]: a state of the prompt, then of each answer token."""
        size = hidden[0].abs()
        if len(self._medians) == state:
            self._medians.append(size.float().median())
            if self._patch_lens:
                visual = torch.as_tensor(self._layout.visual.copy(), device=hidden.device)
                probabilities = torch.softmax(
                    head(self._vlm, hidden[0].index_select(0, visual)), dim=-1
                )
                likeliest = probabilities.max(-1)
                self._patches.append((likeliest.indices.cpu(), likeliest.values.cpu()))
        self._outliers[state].append(size.amax(-1).float() / self._medians[state].clamp(min=1e-12))

    @property
    def outliers(self) -> NDArray[np.float32]:
        """[x, n] greatest absolute component over the median one of the prompt's states."""
        return np.stack([np.asarray(torch.cat(one).cpu()) for one in self._outliers])

    @property
    def patches(self) -> tuple[NDArray[np.int64], FloatArray]:
        """[x, v] ids and probabilities of the patch lens; [0, 0] where it was not requested."""
        if not self._patches:
            return np.zeros((0, 0), dtype=np.int64), np.zeros((0, 0))
        ids, probabilities = zip(*self._patches, strict=True)
        return np.stack(ids), np.stack(probabilities)


class SweepInspection:
    """Observes the sweep (`sweep.SweepObserver`): the inside of the model at every K."""

    def __init__(self, vlm: LoadedModel, full: FullRun, recorder: AttentionRecorder) -> None:
        self._vlm = vlm
        self._full = full
        self._capture = AttentionCapture(self._on_call)
        self._first = 0
        layers, queries = vlm.layers, full.hidden[0].shape[1]
        layout = full.prepared.layout
        names = np.array([*layout.segments, "answer"])
        after = np.full(queries - len(full.rows), layout.total)
        keys = names[np.concatenate([full.prefix, full.rows, after])]
        is_of = np.stack([keys == one for one in SEGMENTS], axis=1)
        self._segments = torch.as_tensor(is_of, device=vlm.device).float()
        self.mass = np.empty((layers + 1, layers, queries, len(SEGMENTS)), dtype=np.float32)
        self.mass[:] = recorder.mass.mean(axis=1)[:, text_rows(full, recorder)]
        self.cosine = np.ones((layers + 1, layers + 1, queries))
        self.norm_ratio = np.ones_like(self.cosine)
        # [k, x] likeliest tokens of the row that predicts the first answer token.
        self._top = np.zeros((layers + 1, layers + 1, TOP), dtype=np.int64)
        self._top_probabilities = np.zeros(self._top.shape)
        self._probability = np.zeros((layers + 1, layers + 1))

    @contextmanager
    def capturing(self, index: int, first: int, rows: int) -> Iterator[None]:
        """The block in which a layer runs over `rows` rows of every K from `first` on."""
        self._first = first
        self._capture.start(index, rows)
        with context_hooks(self) as hooks, self._capture:
            layer = decoder_layers(self._vlm.model)[index]
            capture_eager(hooks, {index: layer}, self._capture)
            yield

    def _on_call(self, layer: int, call: AttentionCall) -> None:
        batch = call.weights(0, 1).shape[0]
        step = max(1, _BLOCK // (batch * call.heads * call.keys))
        ks = slice(self._first, self._first + batch)
        for start in range(0, call.queries, step):
            stop = min(start + step, call.queries)
            mean = call.weights(start, stop).mean(1)
            mass = mean @ self._segments[: mean.shape[2]].to(mean.device)
            self.mass[ks, layer, start:stop] = mass.cpu()

    @torch.inference_mode()
    def see(self, index: int, hidden: Tensor) -> None:
        """[index + 1, m, width]: what leaves the layer, for K = 0..index."""
        state, ks = index + 1, slice(0, index + 1)
        full = self._full.hidden[state].float()
        ours = hidden.float()
        self.cosine[ks, state] = torch.cosine_similarity(ours, full, dim=-1).cpu()
        lengths = ours.norm(dim=-1) / full.norm(dim=-1).clamp(min=1e-12)
        self.norm_ratio[ks, state] = lengths.cpu()
        top, probabilities, own = look(
            self._vlm, hidden[:, len(self._full.rows) - 1], self._full.ids[:1] * len(hidden)
        )
        self._top[ks, state] = top
        self._top_probabilities[ks, state] = probabilities
        self._probability[ks, state] = own

    def lens(self, patches: tuple[NDArray[np.int64], FloatArray]) -> Lens:
        """The logit lens at every K, with that of the patches put in."""
        vlm, full = self._vlm, self._full
        count = len(full.ids)
        looked = [look(vlm, state[0, -count:], full.ids) for state in full.hidden]
        top, probabilities, own = (np.stack(part) for part in zip(*looked, strict=True))
        states = np.arange(vlm.layers + 1)
        # Up to state K nothing has been withdrawn.
        same = states[None, :] <= states[:, None]
        first, first_probabilities = self._top.copy(), self._top_probabilities.copy()
        first_own = self._probability.copy()
        for array, baseline in ((first, top), (first_probabilities, probabilities)):
            array[same] = np.broadcast_to(baseline[:, 0], array.shape)[same]
        first_own[same] = np.broadcast_to(own[:, 0], first_own.shape)[same]
        ids = np.unique(np.concatenate([part.ravel() for part in (top, first, patches[0])]))
        return Lens(
            pieces=pieces_of(vlm, ids),
            top=top,
            top_probabilities=probabilities,
            answer_probability=own,
            first_top=first,
            first_top_probabilities=first_probabilities,
            first_probability=first_own,
            patches=patches[0],
            patch_probabilities=patches[1],
        )


@torch.inference_mode()
def look(
    vlm: LoadedModel, hidden: Tensor, ids: Sequence[int]
) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    """The logit lens on states [r, width]: ids and probabilities of the likeliest tokens [r, TOP],
    and the probability [r] of one given token each."""
    probabilities = torch.softmax(head(vlm, hidden), dim=-1)
    likeliest = probabilities.topk(min(TOP, probabilities.shape[-1]))
    own = probabilities.gather(1, torch.tensor(ids, device=probabilities.device)[:, None])[:, 0]
    return (
        np.asarray(likeliest.indices.cpu()),
        np.asarray(likeliest.values.double().cpu()),
        np.asarray(own.double().cpu()),
    )


def pieces_of(vlm: LoadedModel, ids: NDArray[np.int64]) -> dict[int, str]:
    """Display text of tokens, by id."""
    tokens = [int(one) for one in ids]
    pieces = [display_pieces([token], vlm.processor.tokenizer)[0] for token in tokens]
    return dict(zip(tokens, pieces, strict=True))


def text_rows(full: FullRun, recorder: AttentionRecorder) -> NDArray[np.int64]:
    """[q] which of the recorder's text rows depend on the image."""
    depends = np.isin(recorder.query_positions, full.rows)
    return np.flatnonzero(depends | (recorder.query_positions >= full.prepared.layout.total))


def record_inside(
    vlm: LoadedModel,
    full: FullRun,
    full_inspection: FullInspection,
    swept: SweepInspection,
    sweep: Sweep,
    counterfactuals: tuple[Counterfactual, ...],
) -> Inside:
    """Put the record together, once full run and sweep are over."""
    recorder, layout = full_inspection.recorder, full.prepared.layout
    rows = text_rows(full, recorder)
    lens = swept.lens(full_inspection.patches)
    picks = [part for test in counterfactuals for part in (test.swapped_picks, test.misled_picks)]
    if picks:
        more = np.unique(np.concatenate([part.ravel() for part in picks]))
        lens = replace(lens, pieces=lens.pieces | pieces_of(vlm, more))
    return Inside(
        attention=Attention(
            query_positions=recorder.query_positions[rows],
            mass=recorder.mass[:, :, rows],
            mass_at_k=swept.mass,
            rows=recorder.rows[:, rows],
            visual_mass=recorder.visual_mass,
            received=recorder.received,
            entropy=recorder.entropy[:, :, rows],
            image=recorder.image,
            edges=recorder.edges,
            value_norms=recorder.value_norms,
        ),
        lens=lens,
        outliers=full_inspection.outliers,
        cosine=swept.cosine,
        norm_ratio=swept.norm_ratio,
        log_probability=sweep.log_probability,
        patches=layout.patches,
        grids=layout.grids,
        images=layout.images,
        counterfactuals=counterfactuals,
    )
