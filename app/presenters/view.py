"""What the workbench shows, as plain data: pure functions of a run and of what is going on."""

from __future__ import annotations

import math
from typing import Any

from vtw_core.measures.answers import differing_words
from vtw_core.measures.presets import ETA_PRESETS, EtaPreset
from vtw_core.results.run import DEFAULT_ETA, RELEASED_FIRST_K, SCOPES, Run

from ..state import Origin
from ..words import page as text
from ..words import share as text_share
from ..words.digits import BYTES, FLOPS, scaled, significant, three_digits
from ..words.library_words import worded

ETA_RANGE = (1e-7, 10.0)
"""Nats; how far the η line can be dragged."""


def on_the_line(eta: float) -> float:
    """The nearest η that its line, which is logarithmic, can stand at."""
    return min(max(eta, ETA_RANGE[0]), ETA_RANGE[1])


def show_criterion(eta: float = DEFAULT_ETA) -> dict[str, Any]:
    """What the page needs to choose K by itself, the same for every run.

    Args:
        eta: where the line stands until a visitor moves it, in nats.
    """
    return {
        "eta": on_the_line(eta),
        "min": ETA_RANGE[0],
        "max": ETA_RANGE[1],
        "releasedFirstK": RELEASED_FIRST_K,
        "presets": [
            {
                "label": text.ETA_CHOICE.format(model=preset_model(preset), eta=preset.eta),
                "eta": preset.eta,
            }
            for preset in ETA_PRESETS
        ],
    }


def preset_model(preset: EtaPreset) -> str:
    """Of which model a published η is; a name stays as it is."""
    return str(text.PRESET_MODELS.get(preset.model, preset.model))


def run_id(run: Run) -> str:
    """What tells one run from another."""
    return f"{run.created} {run.seconds.total} {run.prompt}"


def _significant(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")


def answer_pieces(run: Run) -> list[str]:
    """The baseline answer's tokens as words to print: every one visible, the end token named."""
    pieces = [piece.strip() or text.SPACE for piece in run.answer_tokens[run.layers]]
    if run.stopped[run.layers]:
        pieces[-1] = text.END_OF_ANSWER
    return pieces


def spaced(runs: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Runs of words with the spaces between them kept."""
    last = len(runs) - 1
    return [(words if i == last else words + " ", same) for i, (words, same) in enumerate(runs)]


def show_run(
    run: Run, *, origin: Origin, k: int | None = None, notice: str | None = None
) -> dict[str, Any]:
    """A finished run at every K. ``k``: where the slider stands at first, default K*."""
    base = run.baseline_answer
    return {
        "phase": "done",
        "runId": run_id(run),
        "notice": _notice(notice),
        "origin": text.ORIGINS[origin].format(date=run.created[:10]),
        "model": run.model,
        "prompt": run.prompt,
        "layers": run.layers,
        "visualTokens": run.visual_tokens,
        "textTokens": run.text_tokens,
        "grid": list(run.grid),
        "pictures": 1 + len(run.further_images),
        "k": run.choose_k(DEFAULT_ETA) if k is None else k,
        # The visitor's own η may ask for another K than the default's, unless K was chosen too.
        "kWasChosen": k is not None,
        # In full, since K* must come out as in `choose_k`.
        "kl": {scope: run.kl(scope).tolist() for scope in SCOPES},
        "kMin": run.k_min,
        "tokens": {
            "pieces": answer_pieces(run),
            "kl": [[_significant(value) for value in row] for row in run.kl_positions.tolist()],
        },
        "same": run.same_as_baseline.tolist(),
        "answers": [
            {
                "baseline": spaced(differing_words(answer, base)),
                "withdrawn": spaced(differing_words(base, answer)),
            }
            for answer in run.answers
        ],
        "costs": [
            {
                "flops": float(run.flops[at]),
                "kv": int(run.kv_bytes[at]),
                "prefill": float(run.seconds.prefill[at]),
                "decode": float(run.seconds.decode[at]),
                "decodeSteps": len(run.answer_ids[at]) - 1,
            }
            for at in range(run.layers + 1)
        ],
        "definitions": text.DEFINITIONS.format(
            layers=run.layers,
            eta=DEFAULT_ETA,
            convention=worded(run.flops_convention),
            dtype=run.dtype,
            encode=f"{three_digits(run.seconds.encode_image * 1000)} ms",
            device=run.device,
        ),
    }


def show_running(
    message: str,
    fraction: float,
    *,
    layers: int | None = None,
    baseline: str = "",
    withdrawn: str = "",
    k: int | None = None,
) -> dict[str, Any]:
    """A run on its way: progress, and both answers as far as they have come."""  # fmt: skip
    return {
        "phase": "running",
        "origin": text.RUNNING,
        "progress": {"text": message, "fraction": fraction},
        "layers": layers,
        "live": {"baseline": baseline, "withdrawn": withdrawn, "k": k},
    }


def show_nothing(notice: str | None = None) -> dict[str, Any]:
    """Before the first run."""
    return {"phase": "idle", "notice": _notice(notice)}


def _notice(message: str | None) -> dict[str, str] | None:
    if message is None:
        return None
    hints = (
        text.CANCELLED, text.CANCELLED_FIRST, text.PHOTOGRAPH, text.PHOTOGRAPH_ALONE,
        text_share.OWN_QUESTION,
    )  # fmt: skip
    kind = "info" if message in hints else "error"
    return {"kind": kind, "text": message}


def _milliseconds(seconds: float) -> str:
    return "–" if math.isnan(seconds) else three_digits(seconds * 1000)


def _likeliest(run: Run, k: int) -> str:
    """The likeliest first answer tokens with their probabilities; a space shows as "␣"."""
    pairs = zip(run.first_tokens[k], run.first_probabilities[k], strict=True)
    return text.BETWEEN_PARTS.join(f"{token.strip() or '␣'} {share:.1%}" for token, share in pairs)


def every_k_rows(run: Run) -> list[list[Any]]:
    """One row for each K, in the order of ``text.EVERY_K_COLUMNS``: FLOPs and bytes as they are."""
    base = run.flops[run.layers]
    return [
        [
            k,
            significant(run.kl_first_token[k], 3),
            significant(run.kl_answer[k], 3),
            significant(run.kl_answer_max[k], 3),
            run.answers[k],
            text.YES if run.same_as_baseline[k] else text.NO,
            _likeliest(run, k),
            f"{run.flops[k]:.4g}",
            f"{run.flops[k] / base:.1%}",
            int(run.kv_bytes[k]),
            three_digits(run.seconds.prefill[k] * 1000),
            _milliseconds(run.decode_seconds_per_token[k]),
        ]
        for k in range(run.layers + 1)
    ]


def every_k_shown(run: Run) -> list[list[Any]]:
    """The same for a reader, in the order of ``text.EVERY_K_SHOWN``: with units."""
    rows = every_k_rows(run)
    for k, row in enumerate(rows):
        row[7], row[9] = scaled(run.flops[k], FLOPS), scaled(run.kv_bytes[k], BYTES)
    return rows
