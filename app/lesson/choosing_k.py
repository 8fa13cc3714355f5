"""Questions about K: by hand, by the first token, and on a run of the visitor's own."""

from __future__ import annotations

from vtw_core.results.run import DEFAULT_ETA, Run

from ..presenters.view import answer_pieces
from ..words import lesson as text
from ..words.digits import significant
from .question import Question, choose

CLOSE = 2
"""Layers after the first safe K that still count as a good guess: little is given away."""


def guess_k(run: Run) -> tuple[Question, ...]:
    """From which layer on can the image leave? Answered by dragging K, by the answer alone.

    Right is every K with the baseline's answer, up to `CLOSE` layers after both K* and the first
    such K: what can be seen while the curves are covered. What the KL adds is said afterwards.
    """
    star, kl, same = run.choose_k(), run.kl_first_token, run.same_as_baseline
    last = min(max(star, int(same.argmax())) + CLOSE, run.layers)
    right = frozenset(k for k in range(last + 1) if same[k])

    def because(guess: int) -> str:
        if not same[guess]:
            template = text.ANSWER_CHANGED
        elif kl[guess] > DEFAULT_ETA:
            template = text.HELD_OVER_ETA
        else:
            template = text.GOOD_K if guess in right else text.TOO_LATE
        return template.format(
            guess=guess, kl=significant(kl[guess]), eta=DEFAULT_ETA, star=star, layers=run.layers,
            lost=run.flops[guess] / run.flops[-1] - run.flops[star] / run.flops[-1],
        )  # fmt: skip

    return (Question(text.GUESS_K, (), right, because),)


def blind_spot(run: Run) -> tuple[Question, ...]:
    """Does the answer survive at the K that its first token allows?"""
    first, whole = run.choose_k(), run.choose_k(scope="answer_max")
    kl, pieces = run.kl_positions[first], answer_pieces(run)
    worst = int(kl.argmax())
    values = {
        "k": first, "whole": whole, "eta": DEFAULT_ETA, "first_piece": pieces[0],
        "first_kl": significant(kl[0]), "piece": pieces[worst], "position": worst + 1,
        "count": len(pieces), "worst_kl": significant(kl[worst]),
    }  # fmt: skip
    same = bool(run.same_as_baseline[first])
    if first == whole:
        template = text.NOT_BLIND
    else:
        template = text.BLIND_AND_SAME if same else text.BLIND_AND_CHANGED
    ask = text.DOES_IT_SURVIVE.format(**values)
    return (choose(ask, text.SURVIVE_CHOICES, 0 if same else 1, template.format(**values)),)


def try_to_break_it(run: Run) -> tuple[Question, ...]:
    """On a run of the visitor's own: was the answer kept at K*?"""
    k = run.choose_k()
    same = bool(run.same_as_baseline[k])
    if k == run.layers:
        template = text.NOTHING_TO_WITHDRAW
    else:
        template = text.IT_HELD if same else text.IT_BROKE
    because = template.format(
        k=k, layers=run.layers, eta=DEFAULT_ETA, answer=run.baseline_answer,
        withdrawn=run.answers[k],
    )  # fmt: skip
    return (choose(text.WILL_IT_BREAK, text.BREAK_CHOICES, 0 if same else 1, because),)
