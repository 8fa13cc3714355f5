"""Saved runs of earlier format versions, made what this version reads.

Each step takes a document one version on. What an earlier version did not record stays empty; no
number is made up.
"""

from collections.abc import Callable
from typing import Any

from vtw_core.errors import InputError
from vtw_core.files.documents import expect
from vtw_core.results.calibration import needs_first_layers
from vtw_core.results.sampling import GREEDY


def _from_first(run: dict[str, Any]) -> dict[str, Any]:
    """Answers were greedy, positions kept, and at each K decoded one after the other; the likeliest
    first tokens were not kept, nor from which K on the model can do without the image."""
    if needs_first_layers(run["model_type"]):
        raise InputError("it does not say from which K on its model can do without the image.")
    seconds, answers = run["seconds"], run["answers"]
    expect("seconds", seconds, dict)
    expect("answers", answers, list)
    return run | {
        "k_min": 0,
        "sampling": GREEDY.describe(),
        "positions": "keep",
        "first_tokens": [[] for _ in answers],
        "first_probabilities": [[] for _ in answers],
        "seconds": seconds | {"answers": sum(seconds["decode"])},
    }


def _from_second(run: dict[str, Any]) -> dict[str, Any]:
    """Nothing was recorded inside."""
    return run | {"inside": None}


_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_first, 2: _from_second}


def brought_up(run: Any, version: int) -> Any:
    """A run's document as the version behind the last step has it.

    Raises:
        TypeError, ValueError, KeyError: it is damaged, or a step cannot be taken.
    """
    for step in (step for at, step in sorted(_STEPS.items()) if at >= version):
        expect("run", run, dict)
        run = step(run)
    return run
