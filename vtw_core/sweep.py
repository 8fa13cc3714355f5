"""Every K of one image and prompt.

Cost: a plain loop, one teacher-forced prefill and one generation per K, L + 1 of each.
"""

import time
from collections.abc import Generator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

import vtw_core
from vtw_core.analysis.cost import (
    VTW_CONVENTION,
    flops_at_every_k,
    kv_bytes_at_every_k,
    kv_bytes_per_layer,
)
from vtw_core.analysis.kl import kl_divergence
from vtw_core.events import Curve, Event, Progress, Token
from vtw_core.generation import Prepared, Step, prepare, stream, teacher_forced_logits
from vtw_core.images import load_image
from vtw_core.models.prompts import check_prompt, display_pieces
from vtw_core.models.vlm import VisionLanguageModel
from vtw_core.results import DEFAULT_ETA, FloatArray, Run, Seconds, check_eta, choose_k
from vtw_core.strategies.vtw import VisualTokenWithdrawal


def explore(vlm: VisionLanguageModel, image: Any, prompt: str, **options: Any) -> Run:
    """Run `explore_steps` to its end and return the `Run`; same options, same errors."""
    for event in explore_steps(vlm, image, prompt, **options):
        if isinstance(event, Run):
            return event
    raise RuntimeError("explore_steps ended without a Run")


def explore_steps(
    vlm: VisionLanguageModel,
    image: Any,
    prompt: str,
    *,
    max_new_tokens: int = 32,
    k_first: int | None = None,
    eta: float = DEFAULT_ETA,
) -> Generator[Event, None, None]:
    """Explore every K, as a stream of events whose last is the `Run`.

    Order: the baseline answer (`Token`s), the KL curve (`Progress` for every K, then `Curve`),
    the answer at `k_first` (`Token`s), the answers at all other K (`Token`s and `Progress`).
    It can be closed at any event.

    Args:
        image: path or PIL image.
        prompt: the user's text.
        max_new_tokens: longest answer.
        k_first: the K to answer first behind the baseline; default K* of eta, first token.
        eta: threshold in nats for that default.

    Raises:
        InputError: bad image, prompt, limit, k_first or eta.
    """
    started = time.perf_counter()
    layers = vlm.layers
    check_eta(eta)
    if k_first is not None:
        VisualTokenWithdrawal(k_first).check(layers)
    picture = load_image(image)
    prepared = prepare(vlm, picture, prompt)
    total = 1 + (layers + 1) + layers
    # A process's first pass is slow (memory, kernels); untimed, or the baseline would pay for it.
    for _ in stream(vlm, prepared, VisualTokenWithdrawal(layers), 1):
        pass
    yield Progress(0, total, "image encoded")

    answers: dict[int, list[Step]] = {}
    answers[layers] = yield from _answer(vlm, prepared, layers, max_new_tokens)
    yield Progress(1, total, "baseline answer")

    baseline = [step.token_id for step in answers[layers]]
    forward, reverse, curve_seconds = yield from _kl_curve(vlm, prepared, baseline, total)
    first = choose_k(forward[:, 0], eta) if k_first is None else k_first
    yield Curve(forward, first)

    done = 1 + layers + 1
    for k in [first, *(k for k in range(layers) if k != first)]:
        if k == layers:
            continue  # the baseline, answered already
        answers[k] = yield from _answer(vlm, prepared, k, max_new_tokens)
        done += 1
        yield Progress(done, total, f"answer at K = {k}")

    kl = (forward, reverse)
    yield _run(vlm, prepared, picture.size, prompt, max_new_tokens, answers, kl,
               (curve_seconds, time.perf_counter() - started))  # fmt: skip


def _answer(
    vlm: VisionLanguageModel, prepared: Prepared, k: int, max_new_tokens: int
) -> Generator[Token, None, list[Step]]:
    side: Literal["baseline", "withdrawn"] = "baseline" if k == vlm.layers else "withdrawn"
    steps: list[Step] = []
    seconds = 0.0
    for step in stream(vlm, prepared, VisualTokenWithdrawal(k), max_new_tokens):
        steps.append(step)
        seconds += step.seconds
        yield Token(side, k, step.text, step.is_last, seconds)
    return steps


def _kl_curve(
    vlm: VisionLanguageModel, prepared: Prepared, baseline: list[int], total: int
) -> Generator[Progress, None, tuple[FloatArray, FloatArray, float]]:
    """Both directions of the KL, each [L+1, T], and the seconds they took (not those that the
    caller spent between two events). K = L comes first, since it is what P_full means."""
    layers = vlm.layers
    forward = np.zeros((layers + 1, len(baseline)))
    reverse = np.zeros_like(forward)
    started = time.perf_counter()
    full = teacher_forced_logits(vlm, prepared, VisualTokenWithdrawal(layers), baseline)
    seconds = time.perf_counter() - started
    yield Progress(2, total, f"KL at K = {layers}")
    for done, k in enumerate(reversed(range(layers)), start=3):
        started = time.perf_counter()
        cut = teacher_forced_logits(vlm, prepared, VisualTokenWithdrawal(k), baseline)
        forward[k] = kl_divergence(cut, full)
        reverse[k] = kl_divergence(full, cut)
        seconds += time.perf_counter() - started
        yield Progress(done, total, f"KL at K = {k}")
    return forward, reverse, seconds


def _run(
    vlm: VisionLanguageModel,
    prepared: Prepared,
    image_size: tuple[int, int],
    prompt: str,
    max_new_tokens: int,
    answers: dict[int, list[Step]],
    kl: tuple[FloatArray, FloatArray],
    times: tuple[float, float],
) -> Run:
    layout, dims, tokenizer = prepared.layout, vlm.dims, vlm.processor.tokenizer
    every = [answers[k] for k in range(vlm.layers + 1)]
    ids = tuple(tuple(step.token_id for step in steps) for steps in every)
    prompt_ids = prepared.input_ids[0].tolist()
    pieces = list(display_pieces(prompt_ids, tokenizer))
    for position in layout.visual:
        pieces[position] = "<image>"
    visual = len(layout.visual)
    text = layout.total - visual
    width = vlm.model.dtype.itemsize
    return Run(
        model=vlm.name,
        model_type=vlm.model_type,
        layers=vlm.layers,
        prompt=check_prompt(prompt),
        image_size=image_size,
        grid=layout.grids[0],
        visual_tokens=visual,
        text_tokens=text,
        tokens=tuple(pieces),
        segments=layout.segments,
        max_new_tokens=max_new_tokens,
        answers=tuple(steps[-1].text for steps in every),
        answer_tokens=tuple(display_pieces(list(row), tokenizer) for row in ids),
        answer_ids=ids,
        stopped=tuple(steps[-1].stopped for steps in every),
        kl_positions=kl[0],
        kl_positions_reverse=kl[1],
        flops=flops_at_every_k(dims, text, visual),
        flops_convention=VTW_CONVENTION,
        kv_bytes=kv_bytes_at_every_k(dims, text, visual, width),
        kv_bytes_per_layer=kv_bytes_per_layer(dims, layout.total, width),
        seconds=Seconds(
            encode_image=prepared.encode_seconds,
            prefill=np.array([steps[0].seconds for steps in every]),
            decode=np.array([sum(step.seconds for step in steps[1:]) for steps in every]),
            kl_curve=times[0],
            total=times[1],
        ),
        dtype=str(vlm.model.dtype).removeprefix("torch."),
        device=str(vlm.model.device),
        versions=(
            ("vtw_core", vtw_core.__version__),
            ("torch", version("torch")),
            ("transformers", version("transformers")),
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
