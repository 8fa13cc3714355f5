"""Several methods on one image and prompt, side by side with the baseline."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import vtw_core
from vtw_core.compare.threshold_search import fitted
from vtw_core.engine.generation import Prepared, Step, cache_bytes, prefill_flops, prepare, stream
from vtw_core.engine.vision_merging import merges_patches
from vtw_core.errors import InputError, VTWError
from vtw_core.families.prompts import check_prompt, display_pieces
from vtw_core.measures.budget import withdrawn_mean
from vtw_core.measures.cost import VTW_CONVENTION
from vtw_core.measures.kl import kl_divergence
from vtw_core.model import VisionLanguageModel
from vtw_core.pictures.images import load_images
from vtw_core.results.comparison import MethodComparison, MethodEntry, MethodSeconds, VisionCounts
from vtw_core.results.comparison_checks import MOST_METHODS
from vtw_core.results.events import MethodEvent, MethodRefused, MethodToken, Progress
from vtw_core.results.run import Run
from vtw_core.results.sampling import GREEDY, Forced, Sampling
from vtw_core.results.trace import Trace
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.strategies.method import Method
from vtw_core.strategies.mustdrop import EQUAL_THRESHOLDS, MustDrop, VisionStage
from vtw_core.strategies.vtw import VisualTokenWithdrawal

BASELINE = "baseline"
TIMED = 3


@dataclass(frozen=True, eq=False)
class _Ran:
    """One method's own answer.

    Attributes:
        logits: [n, vocabulary] float32 that its tokens were chosen from.
    """

    method: Method
    prepared: Prepared
    ids: tuple[int, ...]
    logits: NDArray[np.float32]
    text: str
    stopped: bool
    trace: Trace
    prefill_seconds: float
    decode_seconds: float


def compare_methods(
    vlm: VisionLanguageModel, image: Any, prompt: str, methods: Sequence[Method], **options: Any
) -> MethodComparison:
    """Run `compare_steps` to its end and return the result; same options, same errors.

    Raises:
        InputError: a method cannot be run; says which and why.
    """
    for event in compare_steps(vlm, image, prompt, methods, **options):
        if isinstance(event, MethodRefused):
            raise InputError(
                "{where}: {problem}", where=methods[event.method - 1].label, problem=event.reason
            )
        if isinstance(event, MethodComparison):
            return event
    raise RuntimeError("compare_steps ended without a comparison")


def compare_steps(
    vlm: VisionLanguageModel,
    image: Any,
    prompt: str,
    methods: Sequence[Method],
    *,
    max_new_tokens: int = 32,
    sampling: Sampling = GREEDY,
    timed: int = TIMED,
) -> Generator[MethodEvent, None, None]:
    """Compare methods with the baseline, as a stream of events whose last is the result.

    Order: the baseline's answer (`MethodToken`s), then each method's, with a `Progress` after
    each; a method that does not fit the model or the image is a `MethodRefused` and is missing in
    the result. It can be closed at any event.

    Args:
        image: path or PIL image, or a sequence of them.
        prompt: the user's text.
        methods: labels must differ from each other and from "baseline".
        max_new_tokens: longest answer.
        sampling: how tokens are chosen, in every answer.
        timed: prefills of each method whose median time counts; all methods take turns.

    Raises:
        InputError: bad image, prompt, or option.
    """
    labels = [BASELINE, *(method.label for method in methods)]
    if len(set(labels)) < len(labels):
        raise InputError("Methods need different labels, none of them {name!r}.", name=BASELINE)
    if len(methods) > MOST_METHODS:
        raise InputError("At most {most} methods can be compared at once.", most=MOST_METHODS)
    if timed < 1:
        raise InputError("timed must be 1 or more, not {value}.", value=timed)
    pictures, question = load_images(image), check_prompt(prompt)
    total = len(labels) + timed
    whole = prepare(vlm, pictures, question)
    yield Progress(0, total, "image encoded")

    rans: list[_Ran] = []
    for index, method in enumerate([Method(BASELINE, KeepAll()), *methods]):
        try:
            chosen, prepared = _ready(vlm, pictures, question, method, whole)
            rans.append(
                (yield from _answer(vlm, chosen, prepared, index, max_new_tokens, sampling))
            )
        except VTWError as problem:
            if index == 0:
                raise
            yield MethodRefused(index, problem.sentence)
        yield Progress(index + 1, total, method.label)

    seconds = [[ran.prefill_seconds] for ran in rans]
    for turn in range(1, timed):
        for mine, ran in zip(seconds, rans, strict=True):
            with closing(stream(vlm, ran.prepared, ran.method.strategy, 1)) as steps:
                mine.append(next(steps).seconds)
        yield Progress(len(labels) + turn, total, "prefills timed in turns")
    entries = [
        _entry(vlm, rans[0], ran, median(mine), sampling)
        for ran, mine in zip(rans, seconds, strict=True)
    ]
    yield Progress(total, total, "compared")
    yield _comparison(vlm, whole, question, entries, max_new_tokens, sampling)


def default_methods(vlm: VisionLanguageModel, run: Run) -> tuple[Method, Method]:
    """VTW and MustDrop at equal budget for the image and prompt of a run of this model.

    VTW withdraws at K* of the whole answer (mean KL, default eta), not of its first token: an
    answer whose first word needs no image would otherwise be compared where VTW has lost it.
    MustDrop begins in the vision encoder where the model's family allows it.
    """
    k = run.choose_k(scope="answer_mean")
    vision = VisionStage() if merges_patches(vlm.model) else None
    mustdrop = MustDrop(*EQUAL_THRESHOLDS, vision=vision)
    tokens = withdrawn_mean(k, run.layers, run.visual_tokens)
    return Method("vtw", VisualTokenWithdrawal(k)), Method("mustdrop", mustdrop, tokens)


def _ready(
    vlm: VisionLanguageModel, pictures: Any, prompt: str, method: Method, whole: Prepared
) -> tuple[Method, Prepared]:
    """The method with its thresholds found, and what it runs on."""
    method.strategy.check(vlm.layers)
    method = replace(method, strategy=fitted(vlm, pictures, prompt, method, nearest=True))
    if method.strategy.starts_in_encoder:
        return method, prepare(vlm, pictures, prompt, method.strategy)
    return method, whole


def _answer(
    vlm: VisionLanguageModel,
    method: Method,
    prepared: Prepared,
    index: int,
    max_new_tokens: int,
    sampling: Sampling,
) -> Generator[MethodToken, None, _Ran]:
    steps: list[Step] = []
    with closing(stream(vlm, prepared, method.strategy, max_new_tokens, sampling)) as answer:
        for step in answer:
            steps.append(step)
            yield MethodToken(index, step.text, step.is_last)
    return _Ran(
        method=method,
        prepared=prepared,
        ids=tuple(step.token_id for step in steps),
        logits=np.stack([step.logits for step in steps]),
        text=steps[-1].text,
        stopped=steps[-1].stopped,
        trace=steps[0].trace,
        prefill_seconds=steps[0].seconds,
        decode_seconds=sum(step.seconds for step in steps[1:]),
    )


def _logits_on(vlm: VisionLanguageModel, ran: _Ran, ids: tuple[int, ...]) -> NDArray[np.float32]:
    """[T, vocabulary] of a method that is given the answer `ids` [T].

    As long as its own answer has the same tokens, they are known.
    """
    shared = next((t for t, (a, b) in enumerate(zip(ran.ids, ids, strict=False)) if a != b), None)
    if (shared is None and len(ran.ids) >= len(ids)) or shared == len(ids) - 1:
        return ran.logits[: len(ids)]
    forced = stream(vlm, ran.prepared, ran.method.strategy, len(ids), Forced(ids))
    with closing(forced) as steps:
        return np.stack([step.logits for step in steps])


def _entry(
    vlm: VisionLanguageModel, baseline: _Ran, ran: _Ran, prefill: float, sampling: Sampling
) -> MethodEntry:
    full, given = baseline.logits, _logits_on(vlm, ran, baseline.ids)
    agrees = [
        int(sampling.choose(torch.from_numpy(row.copy()), t)) == token
        for t, (row, token) in enumerate(zip(given, baseline.ids, strict=True))
    ]
    strategy, trace = ran.method.strategy, ran.trace
    return MethodEntry(
        label=ran.method.label,
        strategy=strategy.described(vlm.layers),
        tokens_wanted=ran.method.tokens,
        answer=ran.text,
        tokens=tuple(display_pieces(list(ran.ids), vlm.processor.tokenizer)),
        token_ids=ran.ids,
        stopped=ran.stopped,
        visual_tokens_per_layer=trace.visual_tokens_per_layer,
        cached_visual_tokens_per_layer=trace.cached_visual_tokens_per_layer,
        vision=None if trace.vision is None else VisionCounts(**trace.vision),
        flops=prefill_flops(vlm, trace),
        kv_bytes=cache_bytes(vlm, trace),
        seconds=MethodSeconds(ran.prepared.encode_seconds, prefill, ran.decode_seconds),
        kl_positions=kl_divergence(given, full),
        kl_positions_reverse=kl_divergence(full, given),
        agrees=np.array(agrees),
        fates=strategy.explain(trace),
    )


def _comparison(
    vlm: VisionLanguageModel,
    whole: Prepared,
    prompt: str,
    entries: Sequence[MethodEntry],
    max_new_tokens: int,
    sampling: Sampling,
) -> MethodComparison:
    visual = len(whole.layout.visual)
    return MethodComparison(
        model=vlm.name,
        model_type=vlm.model_type,
        layers=vlm.layers,
        prompt=prompt,
        visual_tokens=visual,
        text_tokens=whole.layout.total - visual,
        max_new_tokens=max_new_tokens,
        sampling=sampling,
        flops_convention=VTW_CONVENTION,
        dtype=str(vlm.model.dtype).removeprefix("torch."),
        device=str(vlm.device),
        versions=(
            ("vtw_core", vtw_core.__version__),
            ("torch", version("torch")),
            ("transformers", version("transformers")),
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        baseline=entries[0],
        entries=tuple(entries[1:]),
    )
