"""What is compared: one prefill, the loop over K, the sweep, generation, answers at every K."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vtw_core import VisualTokenWithdrawal, record
from vtw_core.attention.recording import AttentionRecorder
from vtw_core.engine.generation import Prepared, stream
from vtw_core.every_k.decoding import EveryAnswer
from vtw_core.every_k.full_run import FullRun, finished, run_full
from vtw_core.every_k.sweep import Sweep, SweepState
from vtw_core.measures.kl import kl_divergence
from vtw_core.model import VisionLanguageModel
from vtw_core.results.sampling import GREEDY


def prefill(vlm: VisionLanguageModel, prepared: Prepared, k: int) -> NDArray[np.float32]:
    """Logits [vocabulary] of the first answer token, withdrawn at K."""
    return next(stream(vlm, prepared, VisualTokenWithdrawal(k), 1)).logits


def plain_prefill(vlm: VisionLanguageModel, prepared: Prepared, **options: bool) -> Any:
    """One forward pass over the prompt, with nothing of this project around it."""
    with torch.inference_mode():
        return vlm.model(
            input_ids=prepared.input_ids, attention_mask=torch.ones_like(prepared.input_ids),
            mm_encoder_outputs={"image": prepared.vision}, logits_to_keep=1, **options,
        )  # fmt: skip


def recorded_prefill(vlm: VisionLanguageModel, prepared: Prepared) -> AttentionRecorder:
    """The same pass with its attention recorded."""
    with record(vlm.model, prepared.layout) as recorder:
        plain_prefill(vlm, prepared)
    return recorder


def curve_by_loop(vlm: VisionLanguageModel, prepared: Prepared, first: int) -> NDArray[np.float64]:
    """[L - first] KL at the first answer token, one prefill for each K from `first` on."""
    full = prefill(vlm, prepared, vlm.layers)
    return np.array(
        [float(kl_divergence(prefill(vlm, prepared, k), full)) for k in range(first, vlm.layers)]
    )


def full_run(vlm: VisionLanguageModel, prepared: Prepared, tokens: int) -> FullRun:
    """The full model over the prompt and an answer of `tokens` tokens."""
    return finished(run_full(vlm, prepared, tokens, GREEDY))


def sweep(vlm: VisionLanguageModel, full: FullRun) -> Sweep:
    """KL at every K and answer position."""
    state = SweepState(vlm, full)
    for _ in state.layers():
        pass
    return state.finish(GREEDY)


def first_token_sweep(vlm: VisionLanguageModel, prepared: Prepared) -> Sweep:
    """One run of the full model, and from it the KL at every K of the first token."""
    return sweep(vlm, full_run(vlm, prepared, 1))


def answers(vlm: VisionLanguageModel, full: FullRun, swept: Sweep, tokens: int) -> EveryAnswer:
    """The answers at every K, decoded together."""
    every = EveryAnswer(vlm, full, swept, tokens, GREEDY)
    for _ in every.steps():
        pass
    return every


def generation(vlm: VisionLanguageModel, prepared: Prepared, k: int, tokens: int) -> list[int]:
    """One answer, withdrawn at K."""
    return [s.token_id for s in stream(vlm, prepared, VisualTokenWithdrawal(k), tokens)]
