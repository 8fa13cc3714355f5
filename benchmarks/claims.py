"""The measurements of docs/performance.md, one function each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import runs
from benchmarks.memory import peak_bytes_alone
from benchmarks.shapes import random_llava, random_prompt
from benchmarks.timing import medians
from vtw_core import load_model
from vtw_core.engine.generation import Prepared, prepare
from vtw_core.measures.cost import flops_at_every_k
from vtw_core.model import VisionLanguageModel

# Text tokens before and after the image, as in a LLaVA-1.5 prompt: its system prompt takes 35; a
# bare short question and the turn mark about 12, with "answer in a single word ..." about 25.
BEFORE, AFTER, SHORT = 35, 25, 12
WIDTH = 256
REFERENCE_FIRST = 5  # the first K that VTW's released search looks at
ANSWER = 16


def curve(patches_per_side: int, after: int, rounds: int) -> dict[str, Any]:
    """The first-token KL curve: sweep against the loop over K, in units of one prefill."""
    vlm = random_llava(layers=32, width=WIDTH, patches_per_side=patches_per_side)
    prepared = random_prompt(vlm, before=BEFORE, after=after)
    layers = vlm.layers
    looped = runs.curve_by_loop(vlm, prepared, 0)
    swept = runs.first_token_sweep(vlm, prepared).kl[:-1, 0]
    kept = runs.full_run(vlm, prepared, ANSWER)
    seconds = medians(
        {
            "prefill": lambda: runs.prefill(vlm, prepared, layers),
            "run and sweep": partial(runs.first_token_sweep, vlm, prepared),
            "loop": lambda: runs.curve_by_loop(vlm, prepared, 0),
            "reference loop": lambda: runs.curve_by_loop(vlm, prepared, REFERENCE_FIRST),
            "whole-answer sweep": lambda: runs.sweep(vlm, kept),
        },
        rounds,
    )
    one = seconds["prefill"]
    return {
        "layers": layers,
        "visual": len(prepared.layout.visual),
        "question": after,
        "difference": float(np.abs(looped - swept).max()),
        "total": seconds["run and sweep"] / one,
        "loop": seconds["loop"] / one,
        "times_faster": seconds["loop"] / seconds["run and sweep"],
        "reference_loop": seconds["reference loop"] / one,
        "times_faster_than_reference": seconds["reference loop"] / seconds["run and sweep"],
        "answer_tokens": ANSWER,
        "whole_answer_sweep": seconds["whole-answer sweep"] / one,
    }


def prefill(patches_per_side: int, rounds: int) -> dict[str, Any]:
    """A prefill withdrawn at K = L/2 against what its FLOPs predict."""
    vlm = random_llava(layers=16, width=WIDTH * 2, patches_per_side=patches_per_side)
    prepared = random_prompt(vlm, before=BEFORE, after=AFTER)
    half = vlm.layers // 2
    seconds = medians(
        {
            "full": lambda: runs.prefill(vlm, prepared, vlm.layers),
            "half": lambda: runs.prefill(vlm, prepared, half),
        },
        rounds,
    )
    visual = len(prepared.layout.visual)
    flops = flops_at_every_k(vlm.dims, prepared.layout.total - visual, visual)
    measured, theory = seconds["half"] / seconds["full"], float(flops[half] / flops[-1])
    return {
        "layers": vlm.layers,
        "k": half,
        "visual": visual,
        "measured": measured,
        "theory": theory,
        "measured_over_theory": measured / theory,
    }


def ways_to_prefill(width: int) -> dict[str, Callable[[], Any]]:
    """The plain prefill, the recorded one, and eager attention that gives its weights out."""
    vlm = random_llava(layers=16, width=width, patches_per_side=48, heads=width // 64)
    prepared = random_prompt(vlm, before=BEFORE, after=AFTER)

    def eager() -> Any:
        before = vlm.model.config.text_config._attn_implementation
        vlm.model.set_attn_implementation("eager")
        try:
            return runs.plain_prefill(vlm, prepared, output_attentions=True)
        finally:
            vlm.model.set_attn_implementation(before)

    return {
        "plain": lambda: runs.plain_prefill(vlm, prepared),
        "recorded": lambda: runs.recorded_prefill(vlm, prepared),
        "eager": eager,
    }


def recording(width: int, rounds: int) -> dict[str, Any]:
    """A prefill whose attention is recorded, and one whose attention eager gives out, against the
    plain one: time and peak memory beyond the model's own."""
    ways = ways_to_prefill(width)
    seconds = medians({name: ways[name] for name in ("plain", "recorded")}, rounds)
    seconds |= medians({"eager": ways["eager"]}, 1)
    bytes_of = {name: peak_bytes_alone(name, width) for name in ways}
    return {
        "layers": 16,
        "width": width,
        "visual": 48**2,
        **{f"{name}_time": seconds[name] / seconds["plain"] for name in ("recorded", "eager")},
        **{f"{name}_memory": bytes_of[name] / bytes_of["plain"] for name in ("recorded", "eager")},
    }


def inside_of_the_embedded_model(rounds: int) -> dict[str, Any]:
    """A whole run with everything inside recorded, against one without."""
    from embedded_model.examples import FOLDER

    vlm = load_model("embedded")
    picture, prompt = FOLDER / "red_circle.png", "what color is the circle?"
    everything: dict[str, Any] = {
        "inside": True, "counterfactuals": ("white", "noise", "blurred"), "patch_lens": True
    }  # fmt: skip
    seconds = medians(
        {
            "run": lambda: vlm.explore(picture, prompt),
            "inside": lambda: vlm.explore(picture, prompt, inside=True),
            "everything": lambda: vlm.explore(picture, prompt, **everything),
        },
        rounds,
    )
    return {
        "layers": vlm.layers,
        "inside": seconds["inside"] / seconds["run"],
        "everything": seconds["everything"] / seconds["run"],
    }


def answers_of_the_embedded_model(rounds: int) -> dict[str, Any]:
    """All answers of the embedded model against one, for a question that is answered at length."""
    from embedded_model.examples import FOLDER

    vlm = load_model("embedded")
    prepared = prepare(vlm, FOLDER / "describe.png", "describe the image.")
    return {"model": "embedded", **_answers(vlm, prepared, 64, rounds)}


def answers_of_a_deep_model(rounds: int) -> dict[str, Any]:
    """All answers of a 32-layer model against one."""
    vlm = random_llava(layers=32, width=WIDTH, patches_per_side=24)
    prepared = random_prompt(vlm, before=BEFORE, after=AFTER)
    return {"model": "random, 32 layers", **_answers(vlm, prepared, ANSWER, rounds)}


def _answers(
    vlm: VisionLanguageModel, prepared: Prepared, tokens: int, rounds: int
) -> dict[str, Any]:
    full = runs.full_run(vlm, prepared, tokens)
    swept = runs.sweep(vlm, full)
    every = runs.answers(vlm, full, swept, tokens)
    seconds = medians(
        {
            "generation": lambda: runs.generation(vlm, prepared, vlm.layers, tokens),
            "answers": lambda: runs.answers(vlm, full, swept, tokens),
            "everything": lambda: runs.answers(
                vlm, (run := runs.full_run(vlm, prepared, tokens)), runs.sweep(vlm, run), tokens
            ),
        },
        rounds,
    )
    one = seconds["generation"]
    return {
        "answers": vlm.layers + 1,
        "visual": len(prepared.layout.visual),
        "tokens": len(full.ids),
        "leave_the_baseline": sum(branch.leaves is not None for branch in every.branches),
        "decoding": seconds["answers"] / one,
        "everything": seconds["everything"] / one,
    }


def memory() -> dict[str, Any]:
    """What a kept run holds, for each visual and each text token and layer."""
    held = {}
    for side in (12, 24):
        for after in (AFTER, 2 * AFTER):
            vlm = random_llava(layers=4, width=WIDTH, patches_per_side=side)
            full = runs.full_run(vlm, random_prompt(vlm, before=BEFORE, after=after), 1)
            held[side**2, after] = full.kept_bytes
    small, large = held[144, AFTER], held[576, AFTER]
    return {
        "layers": vlm.layers,
        "width": WIDTH,
        "per_visual_token_and_layer": (large - small) / (576 - 144) / vlm.layers,
        "per_question_token_and_layer": (held[144, 2 * AFTER] - small) / AFTER / vlm.layers,
    }


def growth(rounds: int) -> list[dict[str, Any]]:
    """How sweep and loop grow with visual tokens, question tokens and layers."""
    points = []
    base = {"patches_per_side": 16, "after": AFTER, "layers": 16}
    for name, values in (
        ("patches_per_side", (8, 12, 16, 24, 32)),
        ("after", (10, 25, 50, 100)),
        ("layers", (4, 8, 16, 24, 32)),
    ):
        for value in values:
            shape = {**base, name: value}
            vlm = random_llava(
                layers=shape["layers"], width=128, patches_per_side=shape["patches_per_side"]
            )
            prepared = random_prompt(vlm, before=BEFORE, after=shape["after"])
            seconds = medians(
                {
                    "prefill": partial(runs.prefill, vlm, prepared, vlm.layers),
                    "sweep": partial(runs.first_token_sweep, vlm, prepared),
                    "loop": partial(runs.curve_by_loop, vlm, prepared, 0),
                },
                rounds,
            )
            points.append(
                {
                    "varies": name,
                    "visual": shape["patches_per_side"] ** 2,
                    "question": shape["after"],
                    "layers": shape["layers"],
                    "sweep": seconds["sweep"] / seconds["prefill"],
                    "loop": seconds["loop"] / seconds["prefill"],
                }
            )
    return points
