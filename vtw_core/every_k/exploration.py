"""Everything about one image and prompt at every K, from one run of the full model."""

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

import vtw_core
from vtw_core.engine.generation import Prepared, answer_text, check_limit, end_tokens, prepare
from vtw_core.errors import InputError
from vtw_core.every_k.counterfactual import counterfactual
from vtw_core.every_k.decoding import EveryAnswer
from vtw_core.every_k.full_run import FullRun, run_full
from vtw_core.every_k.inspection import FullInspection, SweepInspection, record_inside
from vtw_core.every_k.sweep import Sweep, SweepState
from vtw_core.every_k.timing import SecondsAtEveryK, measure
from vtw_core.families.layout import Positions, check_positions
from vtw_core.families.loaded import LoadedModel
from vtw_core.families.prompts import check_prompt, display_pieces
from vtw_core.measures.cost import (
    VTW_CONVENTION,
    flops_at_every_k,
    kv_bytes_at_every_k,
    kv_bytes_per_layer,
)
from vtw_core.pictures.counterfactual_images import check_counterfactuals
from vtw_core.pictures.images import load_images
from vtw_core.results.events import Answers, Curve, Event, Progress, Token
from vtw_core.results.inside import Counterfactual, Inside
from vtw_core.results.run import Run, Seconds
from vtw_core.results.sampling import GREEDY, Sampling


def explore(vlm: LoadedModel, image: Any, prompt: str, **options: Any) -> Run:
    """Run `explore_steps` to its end and return the `Run`; same options, same errors."""
    for event in explore_steps(vlm, image, prompt, **options):
        if isinstance(event, Run):
            return event
    raise RuntimeError("explore_steps ended without a Run")


def explore_steps(
    vlm: LoadedModel,
    image: Any,
    prompt: str,
    *,
    max_new_tokens: int = 32,
    sampling: Sampling = GREEDY,
    positions: Positions = "keep",
    inside: bool = False,
    counterfactuals: Sequence[str | tuple[str, Any]] = (),
    patch_lens: bool = False,
    timed: bool = True,
) -> Generator[Event, None, None]:
    """Explore every K, as a stream of events whose last is the `Run`.

    Order: the baseline answer (`Token`s), the sweep (`Progress` for every layer, then `Curve`),
    the answers at all K (`Answers` after every step). It can be closed at any event.

    Args:
        image: path or PIL image, or a sequence of them; all leave together.
        prompt: the user's text.
        max_new_tokens: longest answer.
        sampling: how tokens are chosen, in the baseline and at every K.
        positions: position ids of the tokens that stay: "keep" their own, or "repack" them
            from 0 in the layers from K on.
        inside: also record attention and hidden states (`Run.inside`).
        counterfactuals: also make the causal test with these other images: "white", "noise",
            "blurred", or (name, picture), or of several images (name, pictures). They are part of
            what is inside.
        patch_lens: also read the logit lens at every visual token; one product with the
            vocabulary for each of them and every layer.
        timed: also time each layer with the image and without it, which takes about two prefills;
            a run without these times cannot be saved.

    Raises:
        InputError: bad image, prompt, or option.
        ModelError: the model cannot be swept.
    """
    started = time.perf_counter()
    check_positions(positions)
    check_counterfactuals([one for one in counterfactuals if isinstance(one, str)])
    if (counterfactuals or patch_lens) and not inside:
        raise InputError("Counterfactual images and the patch lens need inside=True.")
    pictures = load_images(image)
    prepared = prepare(vlm, pictures, prompt)
    max_new_tokens = check_limit(vlm, prepared, max_new_tokens)
    total = vlm.layers * (1 + len(counterfactuals)) + 2 + timed
    yield Progress(0, total, "image encoded")

    inspection = FullInspection(vlm, prepared, patch_lens=patch_lens) if inside else None
    full = yield from _baseline(vlm, prepared, max_new_tokens, sampling, inspection)
    yield Progress(1, total, "baseline answer")

    sweep_started = time.perf_counter()
    swept = None if inspection is None else SweepInspection(vlm, full, inspection.recorder)
    state = SweepState(vlm, full, positions, observer=swept)
    for index in state.layers():
        yield Progress(2 + index, total, f"layer {index} for K = 0 to {index}")
    sweep = state.finish(sampling)
    sweep_seconds = time.perf_counter() - sweep_started
    yield Curve(sweep.kl, vlm.adapter.k_min(vlm.model.config))

    answers_started = time.perf_counter()
    every = EveryAnswer(vlm, full, sweep, max_new_tokens, sampling, positions)
    yield _answers(vlm, full, every)
    for _ in every.steps():
        yield _answers(vlm, full, every)
    answers_seconds = time.perf_counter() - answers_started
    done = vlm.layers + 2
    yield Progress(done, total, "answers at every K")

    tests: list[Counterfactual] = []
    for other in counterfactuals:
        for made in counterfactual(vlm, full, pictures, prompt, other, sampling=sampling,
                                   positions=positions):  # fmt: skip
            if made is None:
                done += 1
                name = other if isinstance(other, str) else other[0]
                yield Progress(done, total, f"causal test with the {name} image")
            else:
                tests.append(made)

    if timed:
        at_k = measure(vlm, full)
        yield Progress(total, total, "seconds at every K")
    else:
        none = np.full(vlm.layers + 1, np.nan)
        at_k = SecondsAtEveryK(none, none)
    spent = (sweep_seconds, answers_seconds, time.perf_counter() - started)
    sizes = tuple(picture.size for picture in pictures)
    yield _run(vlm, full, sweep, every, at_k, spent, sizes, check_prompt(prompt),
               max_new_tokens, sampling, positions,
               None if inspection is None or swept is None
               else record_inside(vlm, full, inspection, swept, sweep, tuple(tests)),
               )  # fmt: skip


def _baseline(
    vlm: LoadedModel,
    prepared: Prepared,
    max_new_tokens: int,
    sampling: Sampling,
    observer: FullInspection | None,
) -> Generator[Token, None, FullRun]:
    seconds = 0.0
    with closing(run_full(vlm, prepared, max_new_tokens, sampling, observer)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                full: FullRun = end.value
                return full
            seconds += step.seconds
            yield Token(step.text, step.is_last, seconds)


def _answers(vlm: LoadedModel, full: FullRun, every: EveryAnswer) -> Answers:
    texts = [answer_text(vlm, branch.ids) for branch in every.branches]
    finished = [not every.is_running(branch) for branch in every.branches]
    return Answers((*texts, answer_text(vlm, list(full.ids))), (*finished, True))


def _run(
    vlm: LoadedModel,
    full: FullRun,
    sweep: Sweep,
    every: EveryAnswer,
    at_k: SecondsAtEveryK,
    spent: tuple[float, float, float],
    image_sizes: tuple[tuple[int, int], ...],
    prompt: str,
    max_new_tokens: int,
    sampling: Sampling,
    positions: Positions,
    inside: Inside | None,
) -> Run:
    prepared = full.prepared
    layout, dims, tokenizer = prepared.layout, vlm.dims, vlm.processor.tokenizer
    ids = (*(tuple(branch.ids) for branch in every.branches), full.ids)
    pieces = list(display_pieces(prepared.input_ids[0].tolist(), tokenizer))
    for position in layout.visual:
        pieces[position] = "<image>"
    visual = len(layout.visual)
    text = layout.total - visual
    width = vlm.model.dtype.itemsize
    decode = at_k.per_token * np.array([len(row) - 1 for row in ids])
    return Run(
        model=vlm.name,
        model_type=vlm.model_type,
        layers=vlm.layers,
        k_min=vlm.adapter.k_min(vlm.model.config),
        prompt=prompt,
        image_size=image_sizes[0],
        further_images=image_sizes[1:],
        grid=layout.grids[0],
        visual_tokens=visual,
        text_tokens=text,
        tokens=tuple(pieces),
        segments=layout.segments,
        max_new_tokens=max_new_tokens,
        sampling=sampling,
        positions=positions,
        answers=tuple(answer_text(vlm, list(row)) for row in ids),
        answer_tokens=tuple(display_pieces(list(row), tokenizer) for row in ids),
        answer_ids=ids,
        stopped=tuple(row[-1] in end_tokens(vlm) for row in ids),
        first_tokens=tuple(display_pieces(row.tolist(), tokenizer) for row in sweep.top_ids),
        first_probabilities=sweep.top_probabilities,
        kl_positions=sweep.kl,
        kl_positions_reverse=sweep.kl_reverse,
        flops=flops_at_every_k(dims, text, visual),
        flops_convention=VTW_CONVENTION,
        kv_bytes=kv_bytes_at_every_k(dims, text, visual, width),
        kv_bytes_per_layer=kv_bytes_per_layer(dims, layout.total, width),
        seconds=Seconds(
            encode_image=prepared.encode_seconds,
            prefill=at_k.prefill,
            decode=decode,
            kl_curve=spent[0],
            answers=spent[1],
            total=spent[2],
        ),
        dtype=str(vlm.model.dtype).removeprefix("torch."),
        device=str(vlm.device),
        versions=(
            ("vtw_core", vtw_core.__version__),
            ("torch", version("torch")),
            ("transformers", version("transformers")),
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        inside=inside,
    )
